"""Errors as RFC 9457 problems: what was wrong with which value, and what to do. Nothing of the inside.

The catalogue is closed. `slug` is the last part of `type`; `GET /problems/{slug}` explains it.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from copilot import errors

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    slug: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        return f"/problems/{self.slug}"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field of a request."""

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind with what happened this time."""

    kind: Kind
    detail: str
    faults: tuple[FieldFault, ...] = ()
    reasons: tuple[str, ...] = ()
    allow: str | None = None
    """Methods that the resource does take."""
    retry_after: int | None = None
    """Seconds to wait before the next try."""


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


MALFORMED = Kind(
    "malformed-body",
    400,
    "The body can't be read",
    "The body is not JSON in UTF-8. Send one JSON object.",
)
NO_HTTP = Kind(
    "no-http",
    400,
    "The request is not HTTP",
    "Its first line or a header can't be read or is too long. Send HTTP/1.1 to this address.",
)
UNSIGNED = Kind(
    "unsigned-report",
    401,
    "The report is not signed as agreed",
    "Sign the body with the secret of COPILOT_TICKETS_WEBHOOK_SECRET. What happened is read from the ticket system itself.",
)
NOT_SIGNED_IN = Kind(
    "not-signed-in",
    401,
    "You are not signed in",
    "Sign in at /signin, or send the header `Authorization: Bearer` with a token that works.",
)
SIGN_IN_REFUSED = Kind(
    "sign-in-refused",
    403,
    "Signing in did not work",
    "The link was used before or is too old, or the company's sign-in does not vouch for you. Start again at /signin.",
)
TOO_MANY = Kind(
    "too-many-requests",
    429,
    "That was too often",
    "Wait as many seconds as `Retry-After` says.",
)
FOREIGN_ORIGIN = Kind(
    "foreign-origin",
    403,
    "The request comes from another site",
    "The form was not sent from a page of this server, or the page is too old. Reload it and send again.",
)
FOREIGN_THREAD = Kind(
    "foreign-thread",
    403,
    "The conversation belongs to somebody else",
    "Only its owner may read or continue a conversation. Leave `thread` out to start your own.",
)
UNKNOWN_USER = Kind(
    "unknown-user",
    403,
    "The user is unknown",
    "The directory knows nobody of that id. Use the id of a person in the directory.",
)
UNKNOWN_THREAD = Kind(
    "unknown-thread",
    404,
    "The conversation is unknown",
    "No conversation of that id exists. Check the id.",
)
UNKNOWN_INQUIRY = Kind(
    "unknown-inquiry",
    404,
    "The inquiry is unknown",
    "No inquiry of that id was asked. Use the `inquiry_id` of a reply.",
)
NOT_FOUND = Kind(
    "not-found", 404, "There is nothing at this address", "See /openapi.json for what there is."
)
WRONG_METHOD = Kind(
    "wrong-method",
    405,
    "The method is not allowed here",
    "Use one of the methods that `Allow` names.",
)
TOO_SLOW = Kind(
    "body-too-slow",
    408,
    "The body did not arrive in time",
    "Send the whole body at once, on a better connection.",
)
CONFLICT = Kind(
    "inquiry-conflict",
    409,
    "The inquiry's id was used before",
    "An id stands for one message of one person. Send another message under a new id.",
)
TOO_LARGE = Kind(
    "body-too-large",
    413,
    "The body is too large",
    "Send a shorter message; long logs belong in a ticket.",
)
WRONG_MEDIA_TYPE = Kind(
    "wrong-media-type",
    415,
    "The body has another media type",
    "Send JSON with the header `Content-Type: application/json`.",
)
WRONG_HOST = Kind(
    "wrong-host",
    421,
    "The request names another host",
    "This server answers to its own names only. Use the printed link, or set COPILOT_ACCESS_PUBLIC_URL.",
)
INVALID = Kind(
    "invalid-value",
    422,
    "A value is not valid",
    "`errors` lists every faulty field and what to do about it.",
)
REFUSED = Kind("refused", 400, "The request is refused", "`detail` says what to change.")
BROKEN = Kind(
    "broken",
    500,
    "Something on our side failed",
    "The failure is recorded. Try again, or call the service desk.",
)
UNAVAILABLE = Kind(
    "unavailable",
    503,
    "The copilot can't work right now",
    "A part that it depends on fails. Call the service desk, or the security hotline if it is urgent.",
)
NOT_READY = Kind(
    "not-ready", 503, "The copilot is not ready", "`reasons` lists what the operator has to mend."
)

KINDS = {
    kind.slug: kind
    for kind in (
        MALFORMED, NO_HTTP, FOREIGN_ORIGIN, FOREIGN_THREAD, UNKNOWN_USER, UNKNOWN_THREAD, UNKNOWN_INQUIRY,
        NOT_FOUND, WRONG_METHOD, TOO_SLOW, CONFLICT, TOO_LARGE, WRONG_MEDIA_TYPE, WRONG_HOST, INVALID, REFUSED,
        BROKEN, UNAVAILABLE, NOT_READY, UNSIGNED, NOT_SIGNED_IN, SIGN_IN_REFUSED, TOO_MANY,
    )
}  # fmt: skip

OF_ERROR: tuple[tuple[type[errors.InquiryError], Kind], ...] = (
    (errors.InquiryConflictError, CONFLICT),
    (errors.ForeignThreadError, FOREIGN_THREAD),
    (errors.UnknownUserError, UNKNOWN_USER),
    (errors.UnknownInquiryError, UNKNOWN_INQUIRY),
    (errors.UnknownThreadError, UNKNOWN_THREAD),
)
"""The kind of each error that the asker can mend; their texts are written for the asker."""

Present = Callable[[Request, Problem], Response]
"""How a problem is shown to whoever sent the request."""


def of_error(error: Exception, hotline: str) -> Problem:
    """The problem for an error of ours, or for a defect. An outage's text is the operator's, never shown."""
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, errors.InquiryError):
        kind = next((kind for cls, kind in OF_ERROR if isinstance(error, cls)), REFUSED)
        return Problem(kind, str(error))
    if isinstance(error, errors.DirectoryUnavailableError):
        return Problem(
            UNAVAILABLE, f"Who you are can't be checked right now. Try again soon. {_call(hotline)}"
        )
    if isinstance(error, errors.OutageError):
        return Problem(
            UNAVAILABLE, f"Nothing could be recorded, so no case was opened. {_call(hotline)}"
        )
    return Problem(
        BROKEN, f"The request failed on our side. Try again in a moment. {_call(hotline)}"
    )


def as_json(request: Request, problem: Problem) -> Response:
    """`application/problem+json`."""
    content: dict[str, object] = {
        "type": problem.kind.type,
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": request.url.path,
    }
    if problem.faults:
        content["errors"] = [{"field": f.field, "detail": f.detail} for f in problem.faults]
    if problem.reasons:
        content["reasons"] = list(problem.reasons)
    body = json.dumps(content, ensure_ascii=True)
    return Response(body, problem.kind.status, headers_of(problem), MEDIA_TYPE)


def headers_of(problem: Problem) -> dict[str, str]:
    headers = {"Allow": problem.allow} if problem.allow else {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.kind is NOT_SIGNED_IN:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def nothing_at(path: str) -> Problem:
    """The problem of an address where nothing is, or nothing for whoever asks."""
    return Problem(
        NOT_FOUND, f"There is nothing at '{path[:100]}'. See /openapi.json for what there is."
    )


def wrong_method(path: str, method: str, methods: Collection[str]) -> Problem:
    """The problem of an address that takes other methods."""
    # The edge reads HEAD as GET.
    taken = {*methods, "HEAD"} if "GET" in methods else {*methods}
    allow = ", ".join(sorted(taken))
    detail = f"'{path[:100]}' does not take {method}. Use {allow or 'another method'}."
    return Problem(WRONG_METHOD, detail, allow=allow or None)


def listed(faults: Sequence[FieldFault]) -> Problem:
    """The problem of a request with faulty fields."""
    detail = " ".join(f"{fault.field}: {fault.detail}" for fault in faults[:5])
    return Problem(INVALID, detail, faults=tuple(faults))


def _call(hotline: str) -> str:
    numbers = f" ({hotline})" if hotline else ""
    return f"If it is urgent, call the service desk or the security hotline{numbers}."
