"""What every request passes: the host is ours, nothing breaks loudly, every answer is hardened."""

import asyncio
from collections.abc import Iterable
from ipaddress import ip_address

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.api.problems import (
    TOO_LARGE,
    TOO_SLOW,
    WRONG_HOST,
    Present,
    Problem,
    ProblemError,
    of_error,
)
from integrations.api.runtime import Metrics

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_UNCACHED = "no-store"
_DRAINED_BYTES = 4_000_000
"""How much of a refused body is read and dropped, so that its sender gets to read the answer."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Edge:
    """Outermost layer. `present` shows problems; a defect is counted, and never shown."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        present: Present,
        counters: Metrics,
        hotline: str,
        max_body_bytes: int,
        body_seconds: float,
        hosts: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._present = present
        self._counters = counters
        self._hotline = hotline
        self._max_body_bytes = max_body_bytes
        self._body_seconds = body_seconds
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # The same answer; the server leaves out its body.
            scope = {**scope, "method": "GET"}
        sending = _Hardened(send)
        receiving = _Limited(receive, self._max_body_bytes, self._body_seconds)
        request = Request(scope, receiving)
        try:
            self._check(request)
            await self._app(scope, receiving, sending)
        except ClientDisconnect:
            return  # Nobody is there to be told.
        except ProblemError as error:
            await receiving.drain()
            await self._present(request, error.problem)(scope, receive, sending)
        except Exception as error:
            self._counters.failure("http", error)
            if sending.started:
                raise
            response = self._present(request, of_error(error, self._hotline))
            await response(scope, receive, sending)

    def _check(self, request: Request) -> None:
        host = request.url.hostname or ""
        if not (is_loopback(host) or host in self._hosts):
            # A page elsewhere can point its own name at 127.0.0.1 and read the answers.
            detail = f"The host '{host[:80]}' is not this server's. Use its loopback address, like 127.0.0.1."
            raise ProblemError(Problem(WRONG_HOST, detail))
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max_body_bytes:
            raise too_large(self._max_body_bytes)


def too_large(limit: int) -> ProblemError:
    detail = f"The body is larger than {limit} bytes. Send a shorter message."
    return ProblemError(Problem(TOO_LARGE, detail))


class _Limited:
    """Hands a body on up to a limit, whatever its length was announced to be, and in time."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._read = 0
        self._is_done = False

    async def __call__(self) -> Message:
        message = await self._next()
        if self._read > self._limit:
            await self.drain()
            raise too_large(self._limit)
        return message

    async def drain(self) -> None:
        """Drop what is left, within reason."""
        while not self._is_done and self._read <= _DRAINED_BYTES:
            await self._next()

    async def _next(self) -> Message:
        # After the body only the end of the connection is waited for, however long that takes.
        seconds = None if self._is_done else self._seconds
        try:
            message = await asyncio.wait_for(self._receive(), seconds)
        except TimeoutError as error:
            self._is_done = True
            detail = f"The next part of the body took longer than {self._seconds:g} seconds. Send it at once."
            raise ProblemError(Problem(TOO_SLOW, detail)) from error
        self._read += len(message.get("body", b""))
        self._is_done = message["type"] != "http.request" or not message.get("more_body", False)
        return message


class _Hardened:
    """Sends answers on with the security headers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", _UNCACHED)
        await self._send(message)
