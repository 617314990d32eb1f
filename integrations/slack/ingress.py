"""The ingress: a process of its own that takes Slack's deliveries, stores them and acknowledges.

It holds no index and no record, so it answers Slack in milliseconds while the worker thinks.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from starlette.requests import ClientDisconnect

from copilot.errors import OutageError
from integrations.jobs.inbox import DbosInbox
from integrations.slack.installing import INSTALL, REDIRECT, Installations
from integrations.slack.listeners import Door, create_app
from integrations.slack.watch import Watch

PATH = "/slack/events"
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class IngressOptions:
    """The settings of the ingress, as plain values."""

    jobs_url: str
    signing_secret: str
    bot_token: str
    app_token: str | None
    base_url: str
    queues: tuple[str, ...]
    hotline: str
    installations: Installations | None = None
    """Where workspaces install the app themselves; `bot_token` is not used then."""
    client_secret: str | None = None
    late_seconds: float = 30.0
    max_body_bytes: int = 1_000_000
    call_seconds: float = 10.0


class Ingress:
    """What both transports share. Use it as `async with opened(options) as ingress`."""

    def __init__(self, options: IngressOptions, app: AsyncApp, inbox: DbosInbox) -> None:
        self.options = options
        self.app = app
        self.inbox = inbox
        self.refused: dict[str, int] = {}

    def site(self) -> FastAPI:
        """The HTTP door: Slack's deliveries, and whether it works."""
        site = FastAPI(
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        handler = AsyncSlackRequestHandler(self.app)
        verifier = SignatureVerifier(self.options.signing_secret)

        @site.post(PATH)
        async def deliver(request: Request) -> Response:
            refused = await self._refusal(request, verifier)
            if refused is not None:
                return self._refuse(*refused)
            return await self._handled(handler, request)

        if self.options.installations is not None:
            _add_installation(site, handler)

        @site.get("/healthz")
        async def healthy() -> dict[str, str]:
            return {"status": "ok"}

        @site.get("/readyz")
        async def ready() -> dict[str, object]:
            census = await self.inbox.census()
            return {
                "status": "ok",
                "refused": dict(self.refused),
                "waiting_seconds": round(census.oldest_waiting_seconds, 1),
                "jobs": {state.value: count for state, count in census.counts.items()},
            }

        return site

    async def _handled(self, handler: AsyncSlackRequestHandler, request: Request) -> Response:
        """What Bolt makes of it; what Bolt can't read is refused, without a stack trace."""
        try:
            return await handler.handle(request)
        except Exception as error:  # noqa: BLE001  # the edge: signed, and still not readable
            return self._refuse(400, type(error).__name__)

    def _refuse(self, status: int, why: str) -> Response:
        """Counted and logged; its sender hears nothing but the status."""
        self.refused[why] = self.refused.get(why, 0) + 1
        structlog.get_logger("slack").warning("slack.refused", kind=why, http_status=status)
        return Response(status_code=status)

    async def listen(self) -> None:
        """The socket door: until cancelled. Slack sends again what is not acknowledged."""
        handler = AsyncSocketModeHandler(
            self.app,
            str(self.options.app_token),
            web_client=self.app.client,
        )
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt's adapter has no types
            structlog.get_logger("slack").info("slack.connected")
            await asyncio.Event().wait()
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]  # as above

    async def _refusal(
        self, request: Request, verifier: SignatureVerifier
    ) -> tuple[int, str] | None:
        """Why a delivery is not taken: before Bolt, which would answer some of these with a stack trace."""
        stamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not _TIMESTAMP.fullmatch(stamp):
            return 401, "timestamp"
        raw = await _body(request, self.options.max_body_bytes)
        if raw is None:
            return 413, "too_large"
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return 400, "not_utf8"
        if not verifier.is_valid(text, stamp, signature):
            return 401, "signature"
        return (
            None if _is_readable(text, request.headers.get("content-type", "")) else (400, "body")
        )


@asynccontextmanager
async def opened(options: IngressOptions) -> AsyncIterator[Ingress]:
    """The ingress with its queue and its one HTTP session; both are closed at the end."""
    inbox = await DbosInbox.open(options.jobs_url)
    timeout = aiohttp.ClientTimeout(total=options.call_seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        client = AsyncWebClient(
            token=options.bot_token or None, base_url=options.base_url, session=session
        )
        watch = Watch(inbox, _late(client, options), late_seconds=options.late_seconds)
        door = Door(inbox, watch, options.queues, options.hotline)
        flow = (
            options.installations.flow(options.client_secret, client)
            if options.installations and options.client_secret
            else None
        )
        app = create_app(door, signing_secret=options.signing_secret, client=client, flow=flow)
        watching = asyncio.create_task(watch.run())
        try:
            yield Ingress(options, app, inbox)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await inbox.close()


def _add_installation(site: FastAPI, handler: AsyncSlackRequestHandler) -> None:
    async def install(request: Request) -> Response:
        try:
            return await handler.handle(request)
        except (aiohttp.ClientError, TimeoutError, SlackApiError) as error:
            structlog.get_logger("slack").error("slack.not_installed", kind=type(error).__name__)
            return Response("Slack did not complete the installation. Please try again.", 502)

    for path in (INSTALL, REDIRECT):
        site.add_api_route(path, install, methods=["GET"])


def _late(client: AsyncWebClient, options: IngressOptions) -> Any:
    words = (
        "This takes longer than it should. Your message is stored and will be answered. "
        f"If it can't wait, call: {options.hotline}"
    )

    token = options.installations.token() if options.installations else None

    async def tell(payload: Mapping[str, object]) -> bool:
        channel, thread = str(payload.get("channel") or ""), payload.get("root")
        is_direct = payload.get("where") == "direct"
        try:
            await client.chat_postMessage(
                token=await token(str(payload["team"])) if token else None,
                channel=channel if is_direct else str(payload["user"]),
                thread_ts=str(thread) if is_direct and thread else None,
                text=words,
            )
        except (SlackApiError, OutageError, aiohttp.ClientError, TimeoutError) as error:
            structlog.get_logger("slack").error("slack.late_failed", kind=type(error).__name__)
            return False
        return True

    return tell


async def _body(request: Request, limit: int) -> bytes | None:
    """The body, kept for whoever reads it next; `None` where it is too large."""
    found = bytearray()
    try:
        async for chunk in request.stream():
            found += chunk
            if len(found) > limit:
                return None
    except ClientDisconnect:
        return None
    request._body = bytes(found)  # noqa: SLF001  # starlette keeps what `body()` read here
    return bytes(found)


def _is_readable(text: str, kind: str) -> bool:
    if kind.startswith(_FORM):
        return "=" in text
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
