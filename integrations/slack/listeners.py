"""Bolt's listeners: each stores what arrived and says so. What it means is worked out elsewhere.

A listener ends before Slack is answered: a listener that fails leaves the delivery unacknowledged,
and Slack sends it again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from re import compile as pattern
from typing import Any

import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from integrations.jobs.port import Inbox, Job, JobsUnavailableError
from integrations.slack import triage_cards as cards
from integrations.slack.answers import ADD_LINE
from integrations.slack.client import code_of
from integrations.slack.incoming import (
    ADDRESSED,
    Arrival,
    of_command,
    of_event,
    of_shortcut,
    of_submission,
    of_tap,
    seal_of,
)
from integrations.slack.watch import Watch

COMMAND = "/it"
SHORTCUT = "get_it_help"
EVENTS = (
    "message",
    "app_mention",
    "app_home_opened",
    "app_context_changed",
    "agent_session_stopped",
    "agent_session_title_changed",
)
"""Events that the app subscribes to. Two of them ask for nothing and are only acknowledged."""
MODALS = (
    cards.ADD_MODAL, cards.ASK_MODAL, cards.RESOLVE_MODAL, cards.REASSIGN_MODAL, cards.MISSING_MODAL,
)  # fmt: skip
_OK, _UNAVAILABLE = 200, 503


@dataclass(frozen=True, slots=True)
class Door:
    """What the listeners work with."""

    inbox: Inbox
    watch: Watch
    queues: Sequence[str]
    """Queues that a case can be moved to."""
    hotline: str

    async def take(self, arrival: Arrival | None) -> None:
        """Store what arrived. Raises `JobsUnavailableError`: then Slack must not be told that it did."""
        if arrival is None:
            return
        job = Job(arrival.key, arrival.kind, arrival.payload)
        is_new = await self.inbox.put(job, lane=arrival.lane)
        structlog.get_logger("slack").info(
            "slack.arrived" if is_new else "slack.redelivered", kind=arrival.kind
        )
        if is_new and arrival.kind in ADDRESSED:
            self.watch.expect(job)


def create_app(
    door: Door, *, signing_secret: str, client: AsyncWebClient, flow: AsyncOAuthFlow | None = None
) -> AsyncApp:
    """The Bolt app over HTTP or the socket. With `flow`, workspaces install it themselves."""
    shared: dict[str, Any] = {
        "signing_secret": signing_secret,
        "client": client,
        "logger": _quiet(),
        # Stored before Slack is answered; Bolt would otherwise answer first.
        "process_before_response": True,
        "raise_error_for_unhandled_request": False,
    }
    app = (
        AsyncApp(**shared, authorize=_authorized(client))
        if flow is None
        else AsyncApp(**shared, oauth_flow=flow)
    )
    _listen(app, door)
    return app


def _authorized(client: AsyncWebClient) -> Any:
    """Without a call: an acknowledgement must not wait for Slack's own API."""

    async def authorize(
        enterprise_id: str | None, team_id: str | None, user_id: str | None
    ) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            user_id=user_id,
            bot_token=client.token,
        )

    return authorize


def _listen(app: AsyncApp, door: Door) -> None:
    async def event(body: dict[str, Any]) -> None:
        await door.take(of_event(body))

    async def command(ack: AsyncAck, body: dict[str, Any], request: AsyncBoltRequest) -> None:
        try:
            await door.take(of_command(body, _seal(request, body)))
        except JobsUnavailableError as error:
            _failed(error)
            # Slack never repeats a command: its sender is told now or not at all.
            await ack(f"I can't take this right now. Please try again, or call: {door.hotline}")
            return
        await ack("I answer in our direct messages.")

    for name in EVENTS:
        app.event(name)(event)
    app.command(COMMAND)(command)
    _listen_to_interactions(app, door)
    app.error(_on_error)


def _listen_to_interactions(app: AsyncApp, door: Door) -> None:
    async def shortcut(ack: AsyncAck, body: dict[str, Any], request: AsyncBoltRequest) -> None:
        await door.take(of_shortcut(body, _seal(request, body)))
        await ack()

    async def tapped(
        ack: AsyncAck, body: dict[str, Any], request: AsyncBoltRequest, client: AsyncWebClient
    ) -> None:
        await _open_modal(body, client, door)
        arrival = of_tap(body, _seal(request, body))
        if arrival is not None and arrival.payload["action"] not in _MODAL_ONLY:
            await door.take(arrival)
        await ack()

    async def submitted(ack: AsyncAck, body: dict[str, Any], request: AsyncBoltRequest) -> None:
        await door.take(of_submission(body, _seal(request, body)))
        await ack()

    app.shortcut(SHORTCUT)(shortcut)
    app.action(pattern(".*"))(tapped)
    for name in MODALS:
        app.view(name)(submitted)


_MODAL_ONLY = (*cards.MODAL_OF, ADD_LINE)


async def _open_modal(body: Mapping[str, Any], client: AsyncWebClient, door: Door) -> None:
    """Slack lets a modal be opened for three seconds after the tap, so it is opened here."""
    action = (body.get("actions") or [{}])[0]
    name, value = str(action.get("action_id") or ""), str(action.get("value") or "")
    modal = cards.MODAL_OF.get(name)
    if name == ADD_LINE:
        modal = cards.ADD_MODAL
    if name == cards.RATE:
        chosen = str((action.get("selected_option") or {}).get("value") or "")
        value, _, choice = chosen.partition("|")
        modal = cards.MISSING_MODAL if choice == cards.MISSING else None
    if modal is None:
        return
    view = cards.modal(modal, value, door.queues)
    try:
        await client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=view)
    except SlackApiError as error:
        structlog.get_logger("slack").warning("slack.modal_failed", kind=code_of(error))


async def _on_error(error: Exception, _context: AsyncBoltContext) -> BoltResponse:
    """Whatever broke: Slack hears that nothing was taken, and sends it again.

    What can't be read would not be readable the next time either.
    """
    _failed(error)
    unreadable = isinstance(error, KeyError | IndexError | AttributeError | TypeError | ValueError)
    return BoltResponse(status=_OK if unreadable else _UNAVAILABLE, body="")


def _failed(error: BaseException) -> None:
    structlog.get_logger("slack").error("slack.not_taken", kind=type(error).__name__)


def _seal(request: AsyncBoltRequest, body: Mapping[str, Any]) -> str:
    return seal_of(request.headers, body)


def _quiet() -> logging.Logger:
    """Bolt's own words hold bodies, signatures and tokens: they go nowhere."""
    logger = logging.getLogger("slack_bolt.silent")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    logger.setLevel(logging.CRITICAL)
    return logger
