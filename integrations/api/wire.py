"""Reading requests off the wire: what is no HTTP gets a problem too, and nobody is waited for forever."""

import asyncio
import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from integrations.api.edge import HEADERS
from integrations.api.problems import MEDIA_TYPE, NO_HTTP
from integrations.api.runtime import Metrics

MAX_HEAD_BYTES = 65_536
"""Largest head of a request: its address and its headers."""


class Wire(HttpToolsProtocol):
    """One connection. Its class attributes are set by `wire`."""

    counters: Metrics
    head_seconds: float
    refusal: bytes
    _waiting: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_head()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._have_head()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        if self._waiting is not None:
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("")
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Say it in the form of every other problem; uvicorn's own words are left out."""
        del msg
        self._have_head()
        self.counters.problem(NO_HTTP.slug)
        if not self.transport.is_closing():
            self.transport.write(self.refusal)
            self.transport.close()

    def _await_head(self) -> None:
        self._have_head()
        self._waiting = self.loop.call_later(self.head_seconds, self._give_up)

    def _have_head(self) -> None:
        self._head_bytes = 0
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.close()


def wire(counters: Metrics, *, head_seconds: float) -> type[Wire]:
    """The protocol of a server whose refused connections are counted.

    `head_seconds` is how long a connection may take to send a whole head.
    """
    bound = {"counters": counters, "head_seconds": head_seconds, "refusal": _refusal()}
    return type("BoundWire", (Wire,), bound)


def _refusal() -> bytes:
    told = {
        "type": NO_HTTP.type,
        "title": NO_HTTP.title,
        "status": NO_HTTP.status,
        "detail": NO_HTTP.meaning,
    }
    body = json.dumps(told).encode()
    headers = {
        **HEADERS,
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {NO_HTTP.status} Bad Request", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
