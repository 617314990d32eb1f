"""What the work of Slack's jobs is done with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from copilot.conversation import MAX_TEXT_CHARS, Inquiry
from copilot.errors import OutageError
from copilot.locks import Locks
from copilot.people import Person
from integrations.clock import Clock, wall_clock
from integrations.jobs.port import Inbox
from integrations.slack.client import Slack, SlackRefusedError
from integrations.slack.ledger import Ledger, Place, Talk
from integrations.slack.message import Message, context, plain
from integrations.slack.people import Members, Visitor
from integrations.slack.posting import Poster
from integrations.slack.runtime import Helpdesk, Options

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kit:
    """The parts."""

    helpdesk: Helpdesk
    slack: Slack
    ledger: Ledger
    poster: Poster
    members: Members
    inbox: Inbox
    options: Options
    turns: Locks = field(default_factory=Locks)
    """One thing at a time in a conversation: what is posted is decided and posted in one go."""
    now: Clock = wall_clock
    """The time by which jobs wait; the helpdesk's own may stand on the day of a demonstration."""

    def count(self, what: str, **fields: str | int) -> None:
        """Count and log something that happened, by its name."""
        self.helpdesk.counters.slack(what)
        structlog.get_logger("slack").info(f"slack.{what}", **fields)

    async def try_call(self, team: str, method: str, **arguments: object) -> None:
        """A call that is nice to have: its failure is counted and changes nothing else."""
        try:
            await self.slack.call(team, method, **arguments)
        except SlackRefusedError as error:
            self.count("refused", where=method, kind=error.code)
        except OutageError as error:
            self.helpdesk.counters.failure("slack", error)

    async def tell(self, talk: Talk, key: str, message: Message) -> None:
        """Say something that is for one person, whenever they look.

        What began in a channel goes on between the two of us: what one person sees in a channel
        is gone when they were away.
        """
        if talk.place.is_direct:
            await self.poster.say(key, talk.place, message)
            return
        direct = await self.poster.direct(talk.place.team, talk.member)
        about = context(f"About your conversation in <#{talk.place.channel}>")
        root = await self.poster.say(key, direct, message.with_blocks(about))
        await self.ledger.go_on(talk, replace(direct, root=root))

    async def whisper(self, place: Place, member: str, key: str, words: str) -> None:
        """Tell somebody who tapped what came of it, where they tapped."""
        if place.channel:
            await self.poster.whisper(f"{key}:told", place, member, plain(words))

    async def redacted(self, words: str, person: str) -> str:
        """The words as they may be kept and shown: without secrets."""
        text = words.strip()[:MAX_TEXT_CHARS] or "(nothing)"
        said = Inquiry(id="line-0", text=text, user=person, at=self.helpdesk.clock())
        return (await self.helpdesk.copilot.as_kept(said)).text

    async def agent(self, team: str, member: str) -> Person | None:
        """The person, if they may work on cases."""
        found = await self.members.who(team, member)
        if isinstance(found, Visitor) or self.options.agents_group not in found.groups:
            return None
        return found


def place_of(payload: Payload) -> Place:
    return Place(
        str(payload["team"]), str(payload["channel"]), str(payload.get("root") or "") or None
    )
