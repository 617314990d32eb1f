"""A proxy on a loopback port before a real HTTP server, which loses, delays or refuses what it is told to."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal[
    "pass", "cut_before", "cut_after", "cut_and_later", "delay", "answer", "answer_after"
]
Matches = Callable[[str, str], bool]
"""Whether a request, by method and path, is meant."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HOP = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of one request.

    `cut_before`: the connection ends and the server never hears of it; `cut_after`: the server did it and the
    answer is lost; `answer`: answered here, the server never hears of it; `answer_after`: the server did it, and
    something else is answered; `delay`: the answer comes late; `cut_and_later`: the connection ends, and the server
    hears of it only some time after that.
    """

    kind: Kind
    status: int = 503
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0


PASS = Fault("pass")
CUT_BEFORE = Fault("cut_before")
CUT_AFTER = Fault("cut_after")


def answered(status: int, *, retry_after: str | None = None) -> Fault:
    return Fault("answer", status, (("Retry-After", retry_after),) if retry_after else ())


def answered_after(status: int) -> Fault:
    return Fault("answer_after", status)


def delayed(seconds: float) -> Fault:
    return Fault("delay", seconds=seconds)


def _always(method: str, path: str) -> bool:
    return True


def cut_and_later(seconds: float) -> Fault:
    return Fault("cut_and_later", seconds=seconds)


@dataclass
class FaultyProxy:
    """`url` stands for the server's. Planned faults meet matching requests in order, one each."""

    upstream: str
    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request so far."""
    _planned: list[tuple[Matches, Fault]] = field(default_factory=list)
    _at_work: set[asyncio.Task[None]] = field(default_factory=set)

    def plan(self, *faults: Fault, when: Matches = _always) -> None:
        self._planned.extend((when, fault) for fault in faults)

    def forget(self) -> None:
        """Let everything pass from now on."""
        self._planned.clear()

    @property
    def is_done(self) -> bool:
        """Whether every planned fault struck."""
        return not self._planned

    def _next(self, method: str, path: str) -> Fault:
        self.seen.append((method, path))
        for position, (matches, fault) in enumerate(self._planned):
            if matches(method, path):
                del self._planned[position]
                return fault
        return PASS

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await _read_request(reader)
            method, path, _ = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            writer.write(await self._answer(request, self._next(method, path)))
            await writer.drain()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    async def _answer(self, request: bytes, fault: Fault) -> bytes:
        if fault.kind == "cut_before":
            return b""
        if fault.kind == "answer":
            return _made_up(fault)
        if fault.kind == "cut_and_later":
            self._at_work.add(asyncio.create_task(self._forward_later(request, fault.seconds)))
            return b""
        answer = await self._forward(request)
        await asyncio.sleep(fault.seconds)
        if fault.kind == "answer_after":
            return _made_up(fault)
        return b"" if fault.kind == "cut_after" else answer

    async def _forward_later(self, request: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._forward(request)

    async def finish(self) -> None:
        """Wait for what is still to be forwarded."""
        await asyncio.gather(*self._at_work)

    async def _forward(self, request: bytes) -> bytes:
        address = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head, _, body = request.partition(b"\r\n\r\n")
        # One request for each connection: the answer ends where the connection does.
        writer.write(_HOP.sub(b"", head) + b"\r\nConnection: close\r\n\r\n" + body)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


def _made_up(fault: Fault) -> bytes:
    body = b"<html>the proxy says no</html>"
    headers = "".join(f"{name}: {value}\r\n" for name, value in fault.headers)
    return (
        f"HTTP/1.1 {fault.status} Planned\r\n{headers}Content-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


@asynccontextmanager
async def faulty_proxy(upstream: str) -> AsyncIterator[FaultyProxy]:
    """Before the server at `upstream` (`http://host:port`, a path is kept in `url`)."""
    proxy = FaultyProxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=2**22)
    port = server.sockets[0].getsockname()[1]
    proxy.url = f"http://127.0.0.1:{port}{urlsplit(upstream).path}"
    try:
        yield proxy
        await proxy.finish()
    finally:
        server.close()
        await server.wait_closed()
