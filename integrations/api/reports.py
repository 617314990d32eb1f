"""Where the company's ticket system reports that something changed."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from integrations.api import examples, problems
from integrations.api.problems import Problem, ProblemError


@dataclass(frozen=True, slots=True)
class Reports:
    """What reports are signed with, and who is told that there is something to look at."""

    secret: str
    hint: Callable[[], None]


def report_routes(reports: Reports) -> APIRouter:
    """A report is a hint: nothing of it is believed but its signature, and nothing in it is kept."""
    router = APIRouter()

    @router.post(
        "/v1/tickets/events",
        summary="Hear from the ticket system that something changed",
        status_code=202,
        responses={
            202: {"description": "It is looked at."},
            **examples.problems([problems.UNSIGNED, problems.TOO_LARGE], "/v1/tickets/events"),
        },
        tags=["tickets"],
    )
    async def reported(request: Request) -> Response:
        if not is_signed(await request.body(), request.headers, reports.secret):
            raise ProblemError(Problem(problems.UNSIGNED, problems.UNSIGNED.meaning))
        reports.hint()
        return Response(status_code=202)

    return router


def is_signed(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Whether one of the signatures that ticket systems send fits.

    It is SHA-256 over the body, in hexadecimal, or, as Zendesk does it, over time and body in base64.
    """
    return any(
        hmac.compare_digest(sent.encode(), expected.encode())
        for sent, expected in _signatures(body, headers, secret.encode())
    )


def _signatures(
    body: bytes, headers: Mapping[str, str], secret: bytes
) -> Iterator[tuple[str, str]]:
    over_body = hmac.new(secret, body, hashlib.sha256).hexdigest()
    for name in ("x-copilot-signature", "x-hub-signature-256", "x-hub-signature"):
        if name in headers:
            yield headers[name].removeprefix("sha256="), over_body
    if "x-zendesk-webhook-signature" in headers:
        moment = headers.get("x-zendesk-webhook-signature-timestamp", "").encode()
        digest = hmac.new(secret, moment + body, hashlib.sha256).digest()
        yield headers["x-zendesk-webhook-signature"], base64.b64encode(digest).decode()
