"""What every request passes: the host is ours, nothing breaks loudly, every answer is hardened."""

from collections.abc import Iterable
from ipaddress import ip_address

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.api.problems import WRONG_HOST, Present, Problem, of_error
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
        self, app: ASGIApp, *, present: Present, counters: Metrics, hotline: str, hosts: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._present = present
        self._counters = counters
        self._hotline = hotline
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sending = _Hardened(send)
        request = Request(scope, receive)
        host = request.url.hostname or ""
        if not (is_loopback(host) or host in self._hosts):
            # A page elsewhere can point its own name at 127.0.0.1 and read the answers.
            problem = Problem(
                WRONG_HOST,
                f"The host '{host[:80]}' is not this server's. Use its loopback address, like 127.0.0.1.",
            )
            await self._present(request, problem)(scope, receive, sending)
            return
        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            self._counters.failure("http", error)
            if sending.started:
                raise
            response = self._present(request, of_error(error, self._hotline))
            await response(scope, receive, sending)


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
