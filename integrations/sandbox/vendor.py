"""What the simulated ticket systems share: a door that checks who calls, and answers as a vendor would.

They are made after the vendors' documentation, not after the adapters. State lives in memory; time is a parameter.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Body = dict[str, Any]
Clock = Callable[[], datetime]
Answering = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may call. A person at the vendor's is one more account."""

    login: str
    secret: str
    name: str
    id: str
    email: str = ""


class Refusal(Exception):  # noqa: N818  # an answer of the vendor's, and no fault of ours
    """An answer that ends a call."""

    def __init__(self, status: int, body: Body, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body
        self.headers = headers or {}


@dataclass
class Door:
    """Checks who calls, and refuses what it was told to."""

    accounts: Sequence[Account]
    clock: Clock
    unauthorised: Body
    planned: list[Refusal] = field(default_factory=list)
    """Each meets one of the next calls."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every call so far."""

    def site(self, routes: Sequence[tuple[str, str, Answering]]) -> Starlette:
        made = [Route(path, self._guarded(do), methods=[method]) for method, path, do in routes]
        return Starlette(routes=made, exception_handlers={Refusal: self._refused})

    def _guarded(self, do: Answering) -> Answering:
        async def answer(request: Request) -> Response:
            self.calls.append((request.method, request.url.path))
            if self.planned:
                raise self.planned.pop(0)
            request.state.account = self._caller(request)
            response = await do(request)
            response.headers["Date"] = self._date
            return response

        return answer

    @property
    def _date(self) -> str:
        return format_datetime(self.clock(), usegmt=True)

    def _caller(self, request: Request) -> Account:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            login, _, secret = base64.b64decode(given).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            login, secret = "", ""
        for account in self.accounts:
            if (kind, account.login, account.secret) == ("Basic", login, secret):
                return account
        raise Refusal(401, self.unauthorised, {"WWW-Authenticate": "Basic"})

    async def _refused(self, _: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)  # noqa: S101  # the only kind that is sent here
        headers = {**refusal.headers, "Date": self._date}
        return JSONResponse(refusal.body, refusal.status, headers)


async def given(request: Request, malformed: Body) -> Body:
    """The JSON object of a call."""
    try:
        body = await request.json()
    except ValueError as error:
        raise Refusal(400, malformed) from error
    if not isinstance(body, dict):
        raise Refusal(400, malformed)
    return body
