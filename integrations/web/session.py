"""Who uses the page, and whether a form comes from it."""

import hmac
import secrets
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from copilot.people import Person
from integrations.api.problems import FOREIGN_ORIGIN, Problem, ProblemError
from integrations.api.runtime import Runtime

USER_COOKIE = "copilot_user"
TOKEN_COOKIE = "copilot_form"  # noqa: S105  # the cookie's name
TOKEN_FIELD = "form_token"  # noqa: S105  # the field's name
_MIN_TOKEN_CHARS = 32
_OURS = ("same-origin", "none")


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. `person` is `None` where nobody can be signed in."""

    person: Person | None
    token: str
    is_new: bool

    def keep(self, response: Response) -> Response:
        """Give the browser its token, if it has none."""
        if self.is_new:
            _set(response, TOKEN_COOKIE, self.token)
        return response


async def session_of(request: Request, runtime: Runtime) -> Session:
    """The session of a request; a browser without one gets a fresh token."""
    token = request.cookies.get(TOKEN_COOKIE, "")
    is_new = len(token) < _MIN_TOKEN_CHARS
    person = await _person(request, runtime)
    return Session(person, secrets.token_urlsafe() if is_new else token, is_new)


def choose_user(response: Response, user: str) -> None:
    """Demonstration only: who the browser asks as from now on."""
    _set(response, USER_COOKIE, user)


async def checked_form(request: Request) -> FormData:
    """The form of a page of ours. Raises `ProblemError` for one from anywhere else."""
    form = await request.form(max_files=0, max_fields=20)
    sent, kept = form.get(TOKEN_FIELD), request.cookies.get(TOKEN_COOKIE, "")
    is_ours = isinstance(sent, str) and len(kept) >= _MIN_TOKEN_CHARS and _equal(sent, kept)
    if not (is_ours and _same_origin(request)):
        raise ProblemError(Problem(FOREIGN_ORIGIN, FOREIGN_ORIGIN.meaning))
    return form


def field(form: FormData, name: str) -> str | None:
    """A text of the form; `None` when it is missing or empty."""
    value = form.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) and value else None


async def _person(request: Request, runtime: Runtime) -> Person | None:
    if runtime.settings.mode != "demo":
        return None
    chosen = await runtime.directory.person(request.cookies.get(USER_COOKIE, ""))
    return chosen or await runtime.directory.person(runtime.default_user)


def _same_origin(request: Request) -> bool:
    if request.headers.get("sec-fetch-site", "none") not in _OURS:
        return False
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.url.netloc}"


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _set(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, httponly=True, samesite="strict", path="/")
