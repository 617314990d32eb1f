"""A workspace with people in it: what they do in Slack, and what they then see."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from integrations.sandbox.slack.delivery import Delivery, Wire
from integrations.sandbox.slack.faults import Limits
from integrations.sandbox.slack.server import Server
from integrations.sandbox.slack.workspace import Channel, Clock, Message, User, View, Workspace

SCOPES = frozenset({
    "app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write", "commands", "groups:history", "groups:read",
    "im:history", "im:read", "im:write", "users:read", "users:read.email",
})  # fmt: skip
TRIAGE, HELP, GENERAL = "C0TRIAGE", "C0HELP", "C0GENERAL"
GUEST, STRANGER = "U0GUEST", "U0STRANGER"


@dataclass(frozen=True, slots=True)
class Setup:
    """How the workspace and its app are."""

    app_url: str | None = None
    """Where the app takes signed HTTP; `None` is an app that opens a socket."""
    signing_secret: str = "simulated-signing-secret"  # noqa: S105  # opens nothing but this
    bot_token: str = "xoxb-simulated"  # noqa: S105  # as above
    app_token: str = "xapp-simulated"  # noqa: S105  # as above
    scopes: frozenset[str] = SCOPES
    retry_waits: tuple[float, ...] = (0.0, 60.0, 300.0)
    limits: Limits = field(default_factory=Limits)
    port: int = 0


class Simulator:
    """Slack, as its people and its app see it. Made by `running`."""

    def __init__(self, setup: Setup, space: Workspace) -> None:
        self.space = space
        self.wire = Wire(setup.app_url, setup.signing_secret, setup.retry_waits)
        self.server = Server(
            space, self.wire, setup.bot_token, setup.app_token, setup.scopes, setup.limits
        )
        self.server.posted = self._told_of_bot
        space.bot_token = setup.bot_token
        self._under_way: set[asyncio.Task[Any]] = set()

    @property
    def api_url(self) -> str:
        return f"{self.server.url}/api/"

    # ---- what people do

    async def say(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread: str | None = None,
        files: Sequence[Mapping[str, str]] = (),
    ) -> Message:
        """Write a message; in a channel one that names the bot is a mention."""
        place = self._place(channel, user)
        message = Message(
            self.space.stamp(), place.id, user, text, thread_ts=thread,
            files=[dict(file) for file in files],
        )  # fmt: skip
        self.space.post(message)
        await self._emit(self._said(message, place))
        if f"<@{self.space.bot}>" in text and place.kind != "im":
            event = {**self._said(message, place), "type": "app_mention"}
            await self._emit(event)
        return message

    async def edit(self, message: Message, text: str) -> None:
        before = message.shown()
        message.text, message.edited = text, self.space.stamp()
        place = self.space.channels[message.channel]
        await self._emit(
            {
                "type": "message",
                "subtype": "message_changed",
                "hidden": True,
                "channel": place.id,
                "channel_type": place.kind,
                "ts": self.space.stamp(),
                "message": message.shown(),
                "previous_message": before,
            }
        )

    async def delete(self, message: Message) -> None:
        place = self.space.channels[message.channel]
        place.messages.remove(message)
        await self._emit(
            {
                "type": "message",
                "subtype": "message_deleted",
                "hidden": True,
                "channel": place.id,
                "channel_type": place.kind,
                "ts": self.space.stamp(),
                "deleted_ts": message.ts,
                "previous_message": message.shown(),
            }
        )

    async def command(self, user: str, channel: str, text: str, name: str = "/it") -> Delivery:
        """Type a slash command. What the app acknowledges with is shown to its sender."""
        place = self._place(channel, user)
        body = {
            "token": "legacy", "team_id": self.space.team, "channel_id": place.id, "user_id": user,
            "user_name": "someone", "command": name, "text": text, "api_app_id": self.space.app,
            "response_url": self.server.response_address(place.id, user, None),
            "trigger_id": self.space.trigger(user),
        }  # fmt: skip
        done = await self.wire.send("command", body)
        told = done.answer if isinstance(done.answer, str) else (done.answer or {}).get("text")
        if told:
            self._whisper(place.id, user, str(told))
        return done

    async def shortcut(self, user: str, message: Message, callback: str) -> Delivery:
        """Use a message shortcut."""
        body = {
            "type": "message_action", "callback_id": callback, "message_ts": message.ts,
            "message": message.shown(), "channel": {"id": message.channel},
            "response_url": self.server.response_address(message.channel, user, message),
            **self._who(user),
        }  # fmt: skip
        return await self.wire.send("interaction", body)

    async def click(
        self, user: str, message: Message, action: str, *, value: str | None = None
    ) -> Delivery:
        """Press a button, or choose `value` of a menu, of a message."""
        element, block = self._element(message.blocks, action, value)
        container = {
            "type": "message", "message_ts": message.ts, "channel_id": message.channel,
            "is_ephemeral": message.only_for is not None,
        } | ({"thread_ts": message.thread_ts} if message.thread_ts else {})  # fmt: skip
        body = {
            "type": "block_actions", "container": container, "channel": {"id": message.channel},
            "actions": [_tapped(element, block, value, self.space.stamp())],
            "response_url": self.server.response_address(message.channel, user, message),
            **self._who(user),
        } | ({} if message.only_for else {"message": message.shown()})  # fmt: skip
        return await self.wire.send("interaction", body)

    async def click_home(self, user: str, action: str) -> Delivery:
        """Press a button of App Home."""
        view = self.space.homes[user]
        element, block = self._element(view["blocks"], action, None)
        body = {
            "type": "block_actions", "container": {"type": "view"}, "view": view,
            "actions": [_tapped(element, block, None, self.space.stamp())], **self._who(user),
        }  # fmt: skip
        return await self.wire.send("interaction", body)

    async def submit(self, user: str, values: Mapping[str, str]) -> Delivery:
        """Fill in the modal that is open and send it."""
        modal = self.modal(user)
        if modal is None:
            raise LookupError(f"No modal is open for {user}.")
        state: dict[str, dict[str, object]] = {}
        for block in modal.view["blocks"]:
            if block["type"] == "input":
                name = block["element"]["action_id"]
                state[block["block_id"]] = {name: _filled(block["element"], values.get(name, ""))}
        view = {**self.space.shown_view(modal), "state": {"values": state}}
        body = {"type": "view_submission", "view": view, "response_urls": [], **self._who(user)}
        done = await self.wire.send("interaction", body)
        if (done.answer or {}).get("response_action") != "errors":
            self.space.views.pop(modal.id, None)
        return done

    def dismiss(self, user: str) -> None:
        """Close the modal that is open, without sending it."""
        modal = self.modal(user)
        if modal is not None:
            del self.space.views[modal.id]

    async def open_home(self, user: str, tab: str = "home") -> None:
        await self._emit(
            {
                "type": "app_home_opened",
                "user": user,
                "channel": self.space.direct(user).id,
                "tab": tab,
            }
        )

    async def stop(self, user: str, channel: str, thread: str) -> None:
        """Press the stop button of an agent's session."""
        await self._emit(
            {
                "type": "agent_session_stopped",
                "user": user,
                "channel": channel,
                "thread_ts": thread,
                "streaming_message_ts": [],
                "event_ts": self.space.stamp(),
            }
        )

    # ---- what they see

    def direct(self, user: str) -> str:
        """The conversation of a person with the bot."""
        return self.space.direct(user).id

    def seen(self, user: str, channel: str, *, thread: str | None = None) -> list[Message]:
        """What a person sees in a channel, or in a thread of it, in order."""
        shown = self.space.seen_by(user, channel)
        return shown if thread is None else [m for m in shown if thread in (m.ts, m.thread_ts)]

    def answers(self, user: str, channel: str, thread: str | None = None) -> list[Message]:
        """What the bot said of it."""
        return [m for m in self.seen(user, channel, thread=thread) if m.user == self.space.bot]

    def modal(self, user: str) -> View | None:
        return next((v for v in reversed(self.space.views.values()) if v.user == user), None)

    async def settled(self) -> None:
        """Until every event that follows from what happened is delivered."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    # ---- how it is carried

    def envelope(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event as it is delivered."""
        return {
            "token": "legacy", "team_id": self.space.team, "api_app_id": self.space.app,
            "event": {"event_ts": self.space.stamp(), **event}, "type": "event_callback",
            "event_id": self.space.name("Ev"), "event_time": int(self.space.clock()),
            "authorizations": [{"team_id": self.space.team, "user_id": self.space.bot, "is_bot": True}],
        }  # fmt: skip

    async def _emit(self, event: Mapping[str, Any]) -> None:
        """Deliver in the background, as Slack does: who wrote does not wait for the app."""
        self._begin(self.wire.event(self.envelope(event)))
        await asyncio.sleep(0)

    def _begin(self, work: Coroutine[Any, Any, Delivery]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _told_of_bot(self, message: Message) -> None:
        """An app hears its own messages, too."""
        place = self.space.channels[message.channel]
        self._begin(self.wire.event(self.envelope(self._said(message, place))))

    def _said(self, message: Message, place: Channel) -> dict[str, Any]:
        event = {**message.shown(), "channel": place.id, "channel_type": place.kind}
        author = self.space.users[message.user]
        if author.team and author.team != self.space.team:
            event["user_team"] = author.team
        return event | ({"subtype": "file_share"} if message.files else {})

    def _whisper(self, channel: str, user: str, text: str) -> None:
        made = Message(self.space.stamp(), channel, self.space.bot, text, only_for=user)
        self.space.post(made)

    def _who(self, user: str) -> dict[str, Any]:
        team = self.space.users[user].team or self.space.team
        return {
            "user": {"id": user, "team_id": team}, "team": {"id": self.space.team},
            "api_app_id": self.space.app, "trigger_id": self.space.trigger(user),
            "action_ts": self.space.stamp(),
        }  # fmt: skip

    def _place(self, channel: str, user: str) -> Channel:
        return self.space.channels.get(channel) or self.space.direct(user)

    def _element(
        self, blocks: Iterable[Mapping[str, Any]], action: str, value: str | None
    ) -> tuple[Mapping[str, Any], str]:
        for block in blocks:
            for element in block.get("elements") or ():
                if element.get("action_id") != action:
                    continue
                options = [o["value"] for o in element.get("options") or ()]
                if value is None or value in options:
                    return element, str(block.get("block_id") or "")
        raise LookupError(f"No button or menu '{action}' is shown there.")


@asynccontextmanager
async def running(
    setup: Setup | None = None, *, clock: Clock = time.time
) -> AsyncIterator[Simulator]:
    """The simulated Slack of the reference company on a loopback port."""
    from integrations.sandbox.slack.page import page_routes  # it shows this module's simulator

    setup = setup or Setup()
    simulator = Simulator(setup, reference_workspace(clock))
    application = simulator.server.application(page_routes(simulator))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", setup.port)
    await site.start()
    port = runner.addresses[0][1]
    simulator.server.url = f"http://127.0.0.1:{port}"
    try:
        yield simulator
    finally:
        await simulator.wire.close()
        await runner.cleanup()


def reference_workspace(clock: Clock) -> Workspace:
    """The people of the reference company's directory, a guest, and somebody of another company."""
    raw = yaml.safe_load(Path(__file__).parents[1].joinpath("directory.yaml").read_text("utf-8"))
    people = [User(account(p["id"]), p["name"], p["email"]) for p in raw["people"]]
    guest = User(GUEST, "Gil Guest", "gil@partner.example", is_restricted=True)
    stranger = User(STRANGER, "Sam Stranger", "sam@other.example", is_stranger=True, team="T0OTHER")
    everybody = [*people, guest, stranger]
    agents = {account(p["id"]) for p in raw["people"] if "service_desk" in p["groups"]}
    names = {user.id for user in everybody} | {"U0BOT"}
    rooms = [
        Channel(GENERAL, "general", "channel", set(names)),
        Channel(HELP, "it-help", "channel", set(names)),
        Channel(TRIAGE, "it-triage", "group", agents | {"U0BOT"}),
    ]
    return Workspace(everybody, rooms, clock)


def account(person: str) -> str:
    """The Slack id of a person of the directory: `dana.reed` is `UDANAREED`."""
    return "U" + "".join(c for c in person.upper() if c.isalnum())


def _tapped(element: Mapping[str, Any], block: str, value: str | None, at: str) -> dict[str, Any]:
    told = {
        "type": element["type"], "action_id": element["action_id"], "block_id": block,
        "action_ts": at,
    }  # fmt: skip
    if element["type"] == "static_select":
        chosen = next(o for o in element["options"] if o["value"] == value)
        return told | {"selected_option": chosen}
    return told | {"value": element.get("value", ""), "text": element.get("text")}


def _filled(element: Mapping[str, Any], value: str) -> dict[str, object]:
    if element["type"] == "static_select":
        return {"type": "static_select", "selected_option": {"value": value}}
    return {"type": element["type"], "value": value}
