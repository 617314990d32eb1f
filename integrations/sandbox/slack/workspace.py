"""The state of a simulated workspace. No I/O; the clock is given."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

Block = dict[str, Any]
Clock = Callable[[], float]
"""Seconds since 1970."""

ChannelKind = Literal["im", "channel", "group"]


@dataclass(slots=True)
class User:
    """Somebody with an account here, or in a connected workspace."""

    id: str
    name: str
    email: str
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    team: str = ""
    deleted: bool = False
    timezone: str = "Europe/London"


@dataclass(slots=True)
class Message:
    """A message as Slack keeps it."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Block] = field(default_factory=list)
    thread_ts: str | None = None
    bot_id: str | None = None
    metadata: dict[str, Any] | None = None
    edited: str | None = None
    files: list[dict[str, str]] = field(default_factory=list)
    only_for: str | None = None
    """The one who sees an ephemeral message."""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    stream: "Stream | None" = None
    """While it is being streamed, and after."""

    def shown(self, *, with_metadata: bool = False) -> dict[str, Any]:
        """As the Web API and events show it."""
        told: dict[str, Any] = {
            "type": "message", "ts": self.ts, "user": self.user, "text": self.text,
            "team": "T0LARK",
        }  # fmt: skip
        if self.blocks:
            told["blocks"] = self.blocks
        if self.thread_ts:
            told["thread_ts"] = self.thread_ts
        if self.bot_id:
            told |= {"bot_id": self.bot_id, "app_id": "A0COPILOT"}
        if self.edited:
            told["edited"] = {"user": self.user, "ts": self.edited}
        if self.files:
            told["files"] = self.files
        if self.reactions:
            told["reactions"] = [
                {"name": name, "users": users, "count": len(users)}
                for name, users in self.reactions.items()
            ]
        if with_metadata and self.metadata:
            told["metadata"] = self.metadata
        return told


@dataclass(slots=True)
class Stream:
    """A message that comes bit by bit. Slack closes it by itself after some minutes."""

    opened: float
    is_open: bool = True
    tasks: dict[str, str] = field(default_factory=dict)
    """Title of each step by its id, with its state."""


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    kind: ChannelKind
    members: set[str]
    messages: list[Message] = field(default_factory=list)

    def find(self, ts: str) -> Message | None:
        return next((m for m in self.messages if m.ts == ts), None)


@dataclass(slots=True)
class View:
    """A modal that is open."""

    id: str
    user: str
    view: Block
    hash: str


@dataclass(slots=True)
class Trigger:
    """The right to open a modal, for a moment and once."""

    user: str
    made: float
    used: bool = False


TRIGGER_SECONDS = 3.0
STREAM_SECONDS = 300.0


class Workspace:
    """Users, channels and what was said in them."""

    def __init__(
        self,
        users: Iterable[User],
        channels: Iterable[Channel],
        clock: Clock,
        *,
        bot: str = "U0BOT",
    ) -> None:
        self.team = "T0LARK"
        self.users = {user.id: user for user in users}
        self.bot, self.bot_id, self.app = bot, "B0BOT", "A0COPILOT"
        self.users[bot] = User(bot, "IT copilot", "", is_bot=True, team=self.team)
        self.channels = {channel.id: channel for channel in channels}
        self.clock = clock
        self.bot_token = ""
        self.codes: set[str] = set()
        """Codes of installations that were agreed to and not yet redeemed."""
        self.stream_seconds = STREAM_SECONDS
        self.views: dict[str, View] = {}
        self.homes: dict[str, Block] = {}
        self.statuses: dict[tuple[str, str], str] = {}
        self.prompts: dict[str, list[dict[str, str]]] = {}
        self.sessions: dict[tuple[str, str], dict[str, str]] = {}
        self.triggers: dict[str, Trigger] = {}
        self._numbers = count(1)
        self._last = 0.0

    def stamp(self) -> str:
        """A `ts` that no other message has, later than all."""
        self._last = max(self.clock(), self._last + 0.000001)
        return f"{self._last:.6f}"

    def name(self, prefix: str) -> str:
        """An id that nothing else has."""
        return f"{prefix}{next(self._numbers):08d}"

    def direct(self, user: str) -> Channel:
        """The conversation of a person with the bot, opened now if there is none."""
        known = f"D{user[1:]}"
        if known not in self.channels:
            self.channels[known] = Channel(known, "", "im", {user, self.bot})
        return self.channels[known]

    def post(self, message: Message) -> Message:
        """Keep a message. One of the bot ends its status line there, as in Slack."""
        if message.user == self.bot:
            self.statuses.pop((message.channel, message.thread_ts or ""), None)
        self.channels[message.channel].messages.append(message)
        return message

    def trigger(self, user: str) -> str:
        made = self.name("trigger.")
        self.triggers[made] = Trigger(user, self.clock())
        return made

    def redeem(self, trigger: str) -> Trigger | str:
        """The trigger, or Slack's word for why it is not good any more."""
        found = self.triggers.get(trigger)
        if found is None:
            return "invalid_trigger_id"
        if found.used:
            return "exchanged_trigger_id"
        if self.clock() - found.made > TRIGGER_SECONDS:
            return "expired_trigger_id"
        found.used = True
        return found

    def shown_view(self, view: View) -> Block:
        """A view as the Web API and interactions show it."""
        return {
            "title": None, "submit": None, "close": None, "private_metadata": "", "callback_id": "",
            "external_id": "", "clear_on_close": False, "notify_on_close": False,
            "state": {"values": {}}, **view.view, "id": view.id, "hash": view.hash,
            "team_id": self.team, "app_id": self.app, "bot_id": self.bot_id,
            "root_view_id": view.id, "previous_view_id": None,
        }  # fmt: skip

    def seen_by(self, user: str, channel: str) -> list[Message]:
        """What a person sees in a channel, in order."""
        return [m for m in self.channels[channel].messages if m.only_for in (None, user)]
