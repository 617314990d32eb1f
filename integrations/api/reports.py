"""Where the company's ticket system reports that something changed."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response

from integrations.api import examples, problems
from integrations.api.problems import Problem, ProblemError
from integrations.clock import Clock, wall_clock
from integrations.tickets.systems.zendesk_webhook import is_genuine

_OVER_BODY = ("x-copilot-signature", "x-hub-signature-256", "x-hub-signature")
_ZENDESK = "x-zendesk-webhook-signature"


@dataclass(frozen=True, slots=True)
class Reports:
    """What reports are signed with, and who is told that there is something to look at."""

    secret: str
    hint: Callable[[], None]
    clock: Clock = wall_clock
    """By which reports are too old; they carry the time of another machine, not of a demonstration."""


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
        if not is_signed(await request.body(), request.headers, reports.secret, reports.clock()):
            raise ProblemError(Problem(problems.UNSIGNED, problems.UNSIGNED.meaning))
        reports.hint()
        return Response(status_code=202)

    return router


def is_signed(body: bytes, headers: Mapping[str, str], secret: str, at: datetime) -> bool:
    """Whether a signature that ticket systems send fits: SHA-256 over the body in hexadecimal, or Zendesk's."""
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
    if any(
        hmac.compare_digest(headers[name].removeprefix("sha256=").encode(), expected)
        for name in _OVER_BODY
        if name in headers
    ):
        return True
    return is_genuine(
        body,
        signature=headers.get(_ZENDESK, ""),
        timestamp=headers.get(f"{_ZENDESK}-timestamp", ""),
        secret=secret,
        at=at,
    )
