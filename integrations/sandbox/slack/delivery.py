"""How the simulated Slack reaches an app: signed HTTP with its retries, or the socket."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

Body = dict[str, Any]
ACK_SECONDS = 3.0
_OK = 200


@dataclass(slots=True)
class Delivery:
    """One attempt to tell the app something."""

    kind: str
    attempt: int
    status: int | None
    seconds: float
    answer: Any = None


@dataclass(slots=True)
class Wire:
    """A transport to one app."""

    url: str | None
    secret: str
    waits: Sequence[float] = (0.0, 60.0, 300.0)
    """Seconds before each repeated delivery of an event."""
    log: list[Delivery] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    _waiting: dict[str, "asyncio.Future[Any]"] = field(default_factory=dict)
    _session: aiohttp.ClientSession | None = None

    async def event(self, body: Body) -> Delivery:
        """Deliver an event, again and again until it is taken or Slack gives up."""
        last = await self.send("event", body, attempt=0)
        for attempt, wait in enumerate(self.waits, start=1):
            if last.status == _OK:
                break
            await asyncio.sleep(wait)
            last = await self.send("event", body, attempt=attempt)
        return last

    async def send(
        self,
        kind: str,
        body: Body,
        *,
        attempt: int = 0,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Delivery:
        """One attempt. `headers` and `raw` replace what Slack would send, for what is forged or broken."""
        started = time.perf_counter()
        if self.url is None:
            status, answer = await self._over_socket(kind, body, attempt)
        else:
            status, answer = await self._over_http(kind, body, attempt, headers or {}, raw)
        done = Delivery(kind, attempt, status, time.perf_counter() - started, answer)
        self.log.append(done)
        return done

    def signed(self, payload: bytes, stamp: str) -> str:
        base = b"v0:" + stamp.encode() + b":" + payload
        return "v0=" + hmac.new(self.secret.encode(), base, hashlib.sha256).hexdigest()

    async def acknowledged(self, envelope: Body) -> None:
        """What the app sent back over the socket."""
        waiting = self._waiting.pop(str(envelope.get("envelope_id")), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(envelope.get("payload"))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _over_http(
        self, kind: str, body: Body, attempt: int, headers: Mapping[str, str], raw: bytes | None
    ) -> tuple[int | None, Any]:
        payload, content_type = (
            (raw, "application/json") if raw is not None else _encoded(kind, body)
        )
        stamp = str(int(time.time()))
        sent = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": self.signed(payload, stamp),
        }
        if attempt:
            sent |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"}
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=ACK_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._session.post(
                str(self.url), data=BytesIO(payload), headers={**sent, **headers}
            ) as response:
                text = await response.text()
                return response.status, _read(text)
        except (aiohttp.ClientError, TimeoutError):
            return None, None

    async def _over_socket(self, kind: str, body: Body, attempt: int) -> tuple[int | None, Any]:
        if not self.sockets:
            return None, None
        names = {"event": "events_api", "command": "slash_commands"}
        name = f"e-{time.perf_counter_ns()}"
        envelope = {
            "envelope_id": name,
            "type": names.get(kind, "interactive"),
            "payload": body,
            "accepts_response_payload": kind != "event",
            "retry_attempt": attempt,
        }
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[name] = waiting
        try:
            await self.sockets[-1].send_json(envelope)
            return _OK, await asyncio.wait_for(waiting, ACK_SECONDS)
        except (TimeoutError, ConnectionError):
            return None, None


def _encoded(kind: str, body: Body) -> tuple[bytes, str]:
    form = "application/x-www-form-urlencoded"
    if kind == "event":
        return json.dumps(body).encode(), "application/json"
    if kind == "command":
        return urlencode(body).encode(), form
    return urlencode({"payload": json.dumps(body)}).encode(), form


def _read(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
