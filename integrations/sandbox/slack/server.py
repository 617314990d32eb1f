"""The simulated Slack on a loopback port: Web API, sockets, response addresses."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from integrations.sandbox.slack.delivery import Wire
from integrations.sandbox.slack.faults import Fault, Limits
from integrations.sandbox.slack.methods import FORM_ONLY, METHODS, RefusedError, needed_scope
from integrations.sandbox.slack.workspace import Message, Workspace

_USES, _GOOD_FOR = 5, 1800.0
_TOO_MANY = 429
_LEAVES_IN, _LOOKS = 10.0, 500
"""Seconds from the notice of a disconnect to the disconnect, and how often we look in them."""


@dataclass(slots=True)
class Call:
    """A call of the Web API, and what came of it."""

    method: str
    arguments: Mapping[str, Any]
    outcome: str
    """`ok`, Slack's error code, or the fault that struck."""


@dataclass(slots=True)
class ResponseAddress:
    channel: str
    user: str
    message: Message | None
    made: float
    uses: int = 0


@dataclass(slots=True)
class Server:
    """Everything that an app calls."""

    space: Workspace
    wire: Wire
    bot_token: str
    app_token: str
    scopes: frozenset[str]
    limits: Limits = field(default_factory=Limits)
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    revoked: bool = False
    down: bool = False
    addresses: dict[str, ResponseAddress] = field(default_factory=dict)
    posted: Callable[[Message], None] = lambda _message: None
    """Is told of every message of the bot, so that Slack's own event of it can follow."""
    url: str = ""

    def application(self, pages: Iterable[web.RouteDef] = ()) -> web.Application:
        """The Web API, and what else is served beside it."""
        app = web.Application(client_max_size=4_000_000)
        app.router.add_routes(pages)
        for verb in ("GET", "POST"):
            app.router.add_route(verb, "/api/{method}", self._api)
        app.router.add_get("/socket", self._socket)
        app.router.add_post("/respond/{name}", self._respond)
        return app

    def response_address(self, channel: str, user: str, message: Message | None) -> str:
        name = self.space.name("R")
        self.addresses[name] = ResponseAddress(channel, user, message, self.space.clock())
        return f"{self.url}/respond/{name}"

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        given = await _arguments(request, method)
        token = str(given.pop("token", "") or request.headers.get("Authorization", "")[7:])
        if self.down:
            return self._broken(request, method, given, "down")
        fault = self._struck(method)
        if fault is not None and fault.kind != "lost_answer":
            return self._faulty(request, method, given, fault)
        wait = self.limits.wait(method, str(given.get("channel") or ""), self.space.clock())
        if wait:
            return self._limited(method, given, wait)
        answer = self._answered(method, given, token)
        if fault is not None:
            return self._broken(request, method, given, "lost_answer")
        outcome = "ok" if answer["ok"] else str(answer["error"])
        self.calls.append(Call(method, given, outcome))
        return web.json_response(answer, headers={"X-OAuth-Scopes": ",".join(sorted(self.scopes))})

    def _answered(self, method: str, given: Mapping[str, Any], token: str) -> dict[str, Any]:
        try:
            return {"ok": True, **self._done(method, given, token)}
        except RefusedError as refused:
            return refused.answer

    def _done(self, method: str, given: Mapping[str, Any], token: str) -> dict[str, Any]:
        if method == "apps.connections.open":
            if token != self.app_token:
                raise RefusedError("invalid_auth")
            return {"url": f"{self.url.replace('http', 'ws', 1)}/socket"}
        known = METHODS.get(method)
        if known is None:
            raise RefusedError("unknown_method", req_method=method)
        if method != "oauth.v2.access":
            self._check(token)
        scope = needed_scope(self.space, method, given)
        if scope is not None and scope not in self.scopes:
            raise RefusedError(
                "missing_scope", needed=scope, provided=",".join(sorted(self.scopes))
            )
        before = sum(len(c.messages) for c in self.space.channels.values())
        answer = known[0](self.space, given)
        self._hide_address(answer)
        self._tell_of_new(method, answer, before)
        return answer

    def _check(self, token: str) -> None:
        if not token:
            raise RefusedError("not_authed")
        if token != self.bot_token:
            raise RefusedError("invalid_auth")
        if self.revoked:
            raise RefusedError("token_revoked")

    def _hide_address(self, answer: Mapping[str, Any]) -> None:
        user = answer.get("user")
        if isinstance(user, dict) and "users:read.email" not in self.scopes:
            user["profile"].pop("email", None)

    def _tell_of_new(self, method: str, answer: Mapping[str, Any], before: int) -> None:
        after = sum(len(c.messages) for c in self.space.channels.values())
        if method == "chat.postMessage" and after > before:
            message = self.space.channels[str(answer["channel"])].find(str(answer["ts"]))
            if message is not None:
                self.posted(message)

    def _struck(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.method in ("*", method):
                fault.times -= 1
                return fault
        return None

    def _faulty(
        self, request: web.Request, method: str, given: Mapping[str, Any], fault: Fault
    ) -> web.StreamResponse:
        if fault.kind == "ratelimited":
            return self._limited(method, given, fault.retry_after)
        if fault.kind == "error":
            self.calls.append(Call(method, given, fault.code))
            return web.json_response({"ok": False, "error": fault.code})
        if fault.kind == "lost_call":
            return self._broken(request, method, given, "lost_call")
        self.calls.append(Call(method, given, fault.kind))
        return web.Response(status=int(fault.kind.removeprefix("http_")), text="<html>error</html>")

    def _limited(self, method: str, given: Mapping[str, Any], wait: int) -> web.StreamResponse:
        self.calls.append(Call(method, given, "ratelimited"))
        answer = {"ok": False, "error": "ratelimited"}
        return web.json_response(answer, status=_TOO_MANY, headers={"Retry-After": str(wait)})

    def _broken(
        self, request: web.Request, method: str, given: Mapping[str, Any], why: str
    ) -> web.StreamResponse:
        """The connection ends without an answer."""
        self.calls.append(Call(method, given, why))
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self.wire.sockets) + 1})
        self.wire.sockets.append(socket)
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self.wire.acknowledged(json.loads(message.data))
        finally:
            with suppress(ValueError):
                self.wire.sockets.remove(socket)
        return socket

    async def disconnect(self) -> None:
        """Slack refreshes a socket now and then: it says so, waits for the app to move, then closes."""
        old = list(self.wire.sockets)
        for socket in old:
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
        for _ in range(_LOOKS):
            if not any(socket in self.wire.sockets for socket in old):
                return
            await asyncio.sleep(_LEAVES_IN / _LOOKS)
        for socket in old:
            await socket.close()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        known = self.addresses.get(request.match_info["name"])
        body = await request.json()
        if known is None or known.uses >= _USES or self.space.clock() - known.made > _GOOD_FOR:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        known.uses += 1
        channel = self.space.channels[known.channel]
        if body.get("delete_original") and known.message in channel.messages:
            channel.messages.remove(known.message)
        elif body.get("replace_original") and known.message is not None:
            known.message.text = str(body.get("text") or "")
            known.message.blocks = list(body.get("blocks") or [])
        else:
            only = None if body.get("response_type") == "in_channel" else known.user
            said = Message(
                self.space.stamp(), known.channel, self.space.bot, str(body.get("text") or ""),
                list(body.get("blocks") or []), bot_id=self.space.bot_id, only_for=only,
            )  # fmt: skip
            self.space.post(said)
        return web.json_response({"ok": True})


async def _arguments(request: web.Request, method: str) -> dict[str, Any]:
    if request.content_type == "application/json":
        if method in FORM_ONLY:
            return dict(request.query)
        return dict(await request.json())
    found: dict[str, Any] = {**request.query, **await request.post()}
    for name in ("blocks", "view", "metadata", "prompts"):
        if isinstance(found.get(name), str):
            with suppress(ValueError):
                found[name] = json.loads(found[name])
    return found
