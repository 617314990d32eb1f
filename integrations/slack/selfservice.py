"""What a person asks about themselves: their cases, their data, whether they want to be asked later."""

from datetime import UTC, datetime, timedelta

from copilot.people import Person
from copilot.record import ThreadSummary
from integrations.shown.moments import moment
from integrations.shown.replies import thread_title
from integrations.slack.home import Past, home_view
from integrations.slack.ledger import Member, Talk
from integrations.slack.message import actions, button, parts, plain
from integrations.slack.parts import Kit
from integrations.slack.words import Wish

FORGET = "forget_me"
_HELP = (
    "Write your IT question in plain words: what you were doing and what you see.\n"
    "- my cases: what is open, and who has it\n"
    "- show my data: what is kept of our conversations\n"
    "- forget me: delete it\n"
    "- stop asking me: no questions days later whether it still works"
)
_PAST = timedelta(days=3650)
_SHOWN = 50
_HOME_DAYS = timedelta(days=90)


class SelfService:
    """Small requests that need no answer from the knowledge base."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def grant(self, wish: Wish, talk: Talk, inquiry: str) -> None:
        """Do what a command says, and say what was done."""
        key = f"{inquiry}:reply:0"
        if wish == "forget":
            sure = actions(
                talk.place.lane,
                button(FORGET, "Yes, forget me", "yes", style="danger"),
            )
            case = await self.open_case(talk.person)
            stays = (
                f"\nYour open case {case} stays, but nobody can reach you here about it."
                if case
                else ""
            )
            told = plain(f"{_FORGET_WHAT}{stays}", sure)
        elif wish == "data":
            await self._show_data(talk, inquiry)
            return
        elif wish in ("quiet", "ask_later"):
            await self._kit.ledger.set_follow_up(talk.person, wanted=wish == "ask_later")
            told = plain(_FOLLOW_UP[wish == "ask_later"])
        elif wish == "cases":
            told = plain(await self._cases_in_words(talk.person))
        else:
            told = plain(_HELP)
        await self._kit.tell(talk, key, told)

    async def forget(self, talk: Talk, key: str) -> None:
        """Delete what is kept of a person."""
        kit = self._kit
        count = await kit.helpdesk.forget(talk.person)
        await kit.tell(
            talk,
            f"{key}:forgotten",
            plain(f"Done: {count} messages of yours and my replies are deleted here. {_STAYS}"),
        )
        await kit.ledger.forget(talk.person)
        kit.count("forgotten")

    async def refresh_home(self, team: str, member: str, person: Person) -> None:
        """Publish App Home as it stands now."""
        helpdesk = self._kit.helpdesk
        known = await self._kit.ledger.member(person.id)
        view = home_view(
            person.name.split(" ")[0],
            await self._past(person.id),
            helpdesk.clock(),
            follow_up=known.follow_up if known else True,
        )
        await self._kit.try_call(team, "views.publish", user_id=member, view=view)

    async def set_follow_up(self, team: str, member: str, person: Person, *, wanted: bool) -> None:
        await self._kit.ledger.met(Member(person.id, team, member))
        await self._kit.ledger.set_follow_up(person.id, wanted=wanted)
        await self.refresh_home(team, member, person)

    async def open_case(self, person: str) -> str | None:
        """The id of a case that is open, the latest first."""
        for past in await self._past(person):
            if past.ticket is not None and not past.ticket.is_closed:
                return past.ticket.id
        return None

    async def _past(self, person: str) -> list[Past]:
        helpdesk = self._kit.helpdesk
        since = helpdesk.clock() - _HOME_DAYS
        threads = await helpdesk.journal.recent_threads(person, since, _SHOWN)
        found = []
        for thread in threads:
            view = await helpdesk.desk.ticket(thread.ticket.id) if thread.ticket else None
            # Only a case is in somebody's hands.
            talk = await self._kit.ledger.known(thread.thread_id) if view else None
            holder = talk.taken_by if talk else None
            names = await helpdesk.directory.names([holder] if holder else [])
            line = view.line if view else None
            found.append(
                Past(
                    thread_title(thread, helpdesk.company),
                    thread.last_at,
                    _state(thread),
                    line,
                    names.get(holder or ""),
                )
            )
        return found

    async def _cases_in_words(self, person: str) -> str:
        lines = [
            f"- {past.ticket.id}: {past.title}, {past.ticket.status.replace('_', ' ')} with "
            f"{past.agent or past.ticket.queue}, pick-up by {moment(past.ticket.due_at)}"
            for past in await self._past(person)
            if past.ticket is not None
        ]
        return "\n".join(["Your cases:", *lines]) if lines else "You have no case with us."

    async def _show_data(self, talk: Talk, inquiry: str) -> None:
        """Everything that is kept of the person's conversations, in messages that Slack takes."""
        helpdesk = self._kit.helpdesk
        since = max(helpdesk.clock() - _PAST, datetime.min.replace(tzinfo=UTC))
        threads = await helpdesk.journal.recent_threads(talk.person, since, 10_000)
        names = await helpdesk.directory.names([talk.person])
        known = [f"You are {name} ({id_}) in our directory." for id_, name in names.items()]
        lines = [*known, f"{len(threads)} conversations are kept, without the secrets you typed:"]
        for thread in threads:
            view = await helpdesk.journal.thread(thread.thread_id, talk.person)
            for turn in view.turns if view else ():
                lines.append(f"{moment(turn.at)} You: {turn.text}")
                if turn.reply is not None:
                    first = turn.reply.text.partition("\n")[0]
                    lines.append(f"Copilot ({turn.reply.disposition}): {first}")
                if turn.outcome is not None:
                    lines.append(f"You said: {turn.outcome.replace('_', ' ')}")
        for number, part in enumerate(parts("\n".join(lines))):
            await self._kit.tell(talk, f"{inquiry}:reply:{number}", plain(part))


_STAYS = "Tickets that people have worked on are records of the service desk and stay there."
_FORGET_WHAT = (
    "I will delete our conversations, my replies and your feedback. "
    f"{_STAYS} This can't be undone. Shall I?"
)
_FOLLOW_UP = {
    False: 'All right, I won\'t ask you later whether it still works. Say "ask me later" to change that.',
    True: "I will ask you a day and a week later whether it still works.",
}


def _state(thread: ThreadSummary) -> str:
    if thread.resolved:
        return "solved"
    if thread.ticket is not None:
        return f"handed over to {thread.ticket.queue}"
    return {"answer": "answered", "clarify": "asked you back", "decline": "could not help"}.get(
        thread.disposition or "", "in progress"
    )
