"""Tier 2's channel: a card for each handoff, and what agents do with it."""

from collections.abc import Sequence

from copilot.conversation import Reply
from copilot.people import Person
from integrations.jobs.port import Job, Steps
from integrations.slack import triage_cards as cards
from integrations.slack.client import SlackRefusedError
from integrations.slack.ledger import Place, Talk
from integrations.slack.message import Message, plain
from integrations.slack.parts import Kit, Payload
from integrations.slack.people import Visitor
from integrations.tickets.view import TicketStatus, TicketView

_NOT_YOURS = "Only the service desk can do that here."
_GONE = "I can't find that case any more. See the list of cases."


class TierTwo:
    """The work of handoffs and of what agents tap."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def announce(
        self, reply: Reply, talk: Talk, files: Sequence[dict[str, str]] = ()
    ) -> None:
        """The card of a handoff, or what is new on the one that is there."""
        kit = self._kit
        if reply.ticket is None:
            return
        if files:
            await self._attach(reply.ticket.id, talk, reply.inquiry_id, files)
        view = await kit.helpdesk.desk.ticket(reply.ticket.id)
        room = self._room(talk.place.team)
        if view is None or room is None:
            return
        key = _card_key(reply.ticket.id)
        root = await kit.ledger.post(key)
        if root is None or root.ts is None:
            try:
                await kit.poster.say(key, room, await self._card(view, reply, talk))
            except SlackRefusedError as error:
                # The case is at the desk; a wrong channel must not keep the employee waiting.
                kit.helpdesk.counters.failure("slack.triage", error)
            return
        await self._refresh(view, talk.place.team, talk, reply)
        if reply.handoff is not None:
            news = plain(f"More from the employee: {reply.handoff.summary}")
            thread = Place(room.team, room.channel, root.ts)
            await kit.poster.say(f"{reply.inquiry_id}:news", thread, news)

    async def pass_on(
        self,
        talk: Talk,
        person: Person,
        words: str,
        *,
        key: str,
        files: Sequence[dict[str, str]] = (),
    ) -> None:
        """What an employee writes while a person talks with them."""
        kit = self._kit
        words = "\n".join([words, *(f"{file['name']} {file['link']}" for file in files)]).strip()
        said = await self._kit.redacted(words or "(a file without words)", person.id)
        if talk.ticket is not None:
            now = kit.helpdesk.clock()
            await kit.helpdesk.desk.said(talk.ticket, said, key=f"said:{key}", by=person.id, at=now)
        await self._beside(talk, f"{key}:passed", f"{person.name} writes: {said}")
        kit.count("passed_on", thread=talk.id)

    async def tap(self, job: Job, payload: Payload) -> None:
        """A button of a card."""
        agent = await self._kit.agent(str(payload["team"]), str(payload["user"]))
        if agent is None:
            await self._whisper(payload, job.id, _NOT_YOURS)
            return
        ticket, _, choice = str(payload["value"]).partition("|")
        view = await self._kit.helpdesk.desk.ticket(ticket)
        if view is None:
            await self._whisper(payload, job.id, _GONE)
            return
        talk = await self._kit.ledger.known(view.line.thread_id)
        action = str(payload["action"])
        if action == cards.CLAIM:
            await self._claim(job, payload, agent, view, talk)
        elif action == cards.GIVE_BACK:
            await self._give_back(job, agent, view, talk)
        elif action == cards.RATE:
            await self.rate(job, agent, ticket, choice, None)
            if choice != cards.MISSING:  # A modal asks what was missing.
                await self._whisper(payload, job.id, "Thank you, your rating is stored.")

    async def submission(self, job: Job, _steps: Steps) -> None:
        """A modal that somebody filled in."""
        payload = job.payload
        modal, about = str(payload["modal"]), str(payload["about"])
        if modal == cards.ADD_MODAL:
            await self._add_line(job, about)
            return
        agent = await self._kit.agent(str(payload["team"]), str(payload["user"]))
        view = await self._kit.helpdesk.desk.ticket(about)
        if agent is None or view is None:
            self._kit.count("refused_submission", kind=modal)
            team, member = str(payload["team"]), str(payload["user"])
            direct = await self._kit.poster.direct(team, member)
            told = plain(_NOT_YOURS if agent is None else _GONE)
            await self._kit.poster.say(f"{job.id}:refused", direct, told)
            return
        talk = await self._kit.ledger.known(view.line.thread_id)
        if talk is None:
            await self._unreachable(job, view)
        words = _typed(payload, "said")
        if modal == cards.ASK_MODAL:
            await self._ask(job, agent, view, talk, words)
        elif modal == cards.RESOLVE_MODAL:
            await self._resolve(job, agent, view, talk, words)
        elif modal == cards.REASSIGN_MODAL:
            await self._reassign(job, agent, view, talk, _typed(payload, "queue"))
        elif modal == cards.MISSING_MODAL:
            said = await self._kit.redacted(words, agent.id)
            await self.rate(job, agent, about, cards.MISSING, said)

    async def _unreachable(self, job: Job, view: TicketView) -> None:
        """Tell the agent that nothing they do here reaches the employee."""
        direct = await self._kit.poster.direct(str(job.payload["team"]), str(job.payload["user"]))
        name = await self._name(view.line.opened_by)
        told = f"{name} can't be reached here about {view.line.id}: they asked to be forgotten. Use another way."
        await self._kit.poster.say(f"{job.id}:unreachable", direct, plain(told))

    async def closed_by(self, talk: Talk, person: Person, key: str) -> None:
        """The employee says that it works: whoever had the conversation is done."""
        if talk.ticket is None:
            return
        await self._beside(talk, f"{key}:closed", f"{person.name} says that it works now.")
        await self._refresh_by_id(talk.ticket, talk.place.team, talk)

    async def rate(
        self, job: Job, agent: Person, ticket: str, verdict: str, note: str | None
    ) -> None:
        await self._kit.helpdesk.ratings.rate(
            ticket,
            agent=agent.id,
            verdict=verdict,
            note=note,
            key=job.id,
            at=self._kit.helpdesk.clock(),
        )
        self._kit.count("rated", verdict=verdict, ticket=ticket)

    async def _claim(
        self, job: Job, payload: Payload, agent: Person, view: TicketView, talk: Talk | None
    ) -> None:
        kit, ticket = self._kit, view.line.id
        async with kit.turns.of(view.line.thread_id):
            key, now = f"slack:claim:{job.id}", kit.helpdesk.clock()
            claim = await kit.helpdesk.desk.claim(ticket, agent.id, key=key, at=now)
        if not claim.won and not claim.holder:
            await self._whisper(payload, job.id, f"{ticket} is resolved. Open it again first.")
            return
        if not claim.won or view.line.assignee == agent.id:
            name = "You have" if claim.won else f"{await self._name(claim.holder)} has"
            await self._whisper(payload, job.id, f"{name} {ticket} already.")
            return
        if talk is None:
            await self._unreachable(job, view)
            await self._refresh_by_id(ticket, str(job.payload["team"]), None)
            return
        told = f"{agent.name} has your case {ticket} now and reads what you write here. I stay silent until they are done."
        await self._kit.tell(talk, f"{job.id}:told", cards.progress(told))
        await self._refresh_by_id(ticket, str(job.payload["team"]), talk)

    async def _give_back(
        self, job: Job, agent: Person, view: TicketView, talk: Talk | None
    ) -> None:
        kit, ticket = self._kit, view.line.id
        async with kit.turns.of(view.line.thread_id):
            key, now = f"slack:release:{job.id}", kit.helpdesk.clock()
            await kit.helpdesk.desk.release(ticket, key=key, by=agent.id, at=now)
        if talk is not None and view.line.assignee not in (None, agent.id):
            said = f"{agent.name} has handed {ticket} back; {await self._name(str(view.line.assignee))} had it."
            await self._beside(talk, f"{job.id}:back", said)
        if view.line.is_closed:
            told = f"Your case {ticket} is open again with {view.line.queue}."
        else:
            told = f"{agent.name} has handed this thread back to me. Your case {ticket} stays with {view.line.queue}."
        if talk is not None:
            await self._kit.tell(talk, f"{job.id}:told", cards.progress(told))
        await self._refresh_by_id(ticket, str(job.payload["team"]), talk)

    async def _ask(
        self, job: Job, agent: Person, view: TicketView, talk: Talk | None, words: str
    ) -> None:
        kit, ticket = self._kit, view.line.id
        said = await self._kit.redacted(words, agent.id)
        now = kit.helpdesk.clock()
        async with kit.turns.of(view.line.thread_id):
            # The answer belongs to who asked, so the copilot is silent from now on.
            key = f"slack:ask-claim:{job.id}"
            await kit.helpdesk.desk.claim(ticket, agent.id, key=key, at=now)
            await kit.helpdesk.desk.note(
                ticket, said, key=f"slack:ask:{job.id}", by=agent.id, at=now, kind="asked"
            )
            if talk is None:
                return
            await self._kit.tell(talk, f"{job.id}:told", cards.human_says(agent.name, said))
        await self._set(view, "waiting", job, agent)
        await self._refresh_by_id(ticket, str(job.payload["team"]), talk)

    async def _resolve(
        self, job: Job, agent: Person, view: TicketView, talk: Talk | None, words: str
    ) -> None:
        kit, ticket = self._kit, view.line.id
        said = await self._kit.redacted(words, agent.id)
        await self._set(view, "resolved", job, agent, note=said)
        if talk is not None:
            told = f"Your case {ticket} is resolved by {agent.name}:\n{said}\nIf it is not, write here and it opens again."
            await self._kit.tell(talk, f"{job.id}:told", cards.progress(told))
            await kit.try_call(
                talk.place.team,
                "agents.sessions.setStatus",
                channel_id=talk.place.channel,
                thread_ts=talk.place.root,
                status="closed",
            )
        await self._refresh_by_id(ticket, str(job.payload["team"]), talk)

    async def _reassign(
        self, job: Job, agent: Person, view: TicketView, talk: Talk | None, queue: str
    ) -> None:
        kit, ticket = self._kit, view.line.id
        if queue not in kit.helpdesk.profile.queues:
            kit.count("refused_submission", kind="queue")
            return
        now = kit.helpdesk.clock()
        await kit.helpdesk.desk.move(ticket, queue, key=f"slack:move:{job.id}", by=agent.id, at=now)
        if talk is not None:
            told = f"Your case {ticket} is now with {queue}; you don't need to explain it again."
            await self._kit.tell(talk, f"{job.id}:told", cards.progress(told))
        await self._refresh_by_id(ticket, str(job.payload["team"]), talk)

    async def _add_line(self, job: Job, about: str) -> None:
        """The employee adds something to what tier 2 was sent."""
        kit, payload = self._kit, job.payload
        name, _, ticket = about.partition("|")
        talk = await kit.ledger.known(name)
        who = await kit.members.who(str(payload["team"]), str(payload["user"]))
        if talk is None or isinstance(who, Visitor) or who.id != talk.person:
            kit.count("refused_submission", kind=cards.ADD_MODAL)
            return
        if talk.ticket != ticket and await kit.helpdesk.desk.ticket(ticket) is None:
            return
        said = await self._kit.redacted(_typed(payload, "said"), who.id)
        now = kit.helpdesk.clock()
        await kit.helpdesk.desk.note(ticket, said, key=f"line:{job.id}", by=who.id, at=now)
        await self._beside(talk, f"{job.id}:line", f"{who.name} adds: {said}")
        await self._kit.tell(talk, f"{job.id}:told", plain(f"Added to {ticket}: {said}"))

    async def _attach(
        self, ticket: str, talk: Talk, key: str, files: Sequence[dict[str, str]]
    ) -> None:
        listed = "; ".join(f"{file['name']} {file['link']}" for file in files)
        now = self._kit.helpdesk.clock()
        note = f"Files in Slack, not read by the copilot: {listed}"
        await self._kit.helpdesk.desk.note(ticket, note, key=f"files:{key}", by=talk.person, at=now)

    async def _set(
        self,
        view: TicketView,
        status: TicketStatus,
        job: Job,
        agent: Person,
        note: str | None = None,
    ) -> None:
        await self._kit.helpdesk.desk.set_status(
            view.line.id,
            status,
            key=f"slack:status:{job.id}",
            by=agent.id,
            at=self._kit.helpdesk.clock(),
            note=note,
        )

    async def refresh(self, ticket: str, talk: Talk) -> None:
        """Show the case on its card as it is now."""
        await self._refresh_by_id(ticket, talk.place.team, talk)

    async def _refresh_by_id(self, ticket: str, team: str, talk: Talk | None) -> None:
        view = await self._kit.helpdesk.desk.ticket(ticket)
        if view is not None:
            known = await self._kit.ledger.known(talk.id) if talk else None
            await self._refresh(view, team, known, None)

    async def _refresh(
        self, view: TicketView, team: str, talk: Talk | None, reply: Reply | None
    ) -> None:
        posted = await self._kit.ledger.post(_card_key(view.line.id))
        if posted is None or posted.ts is None:
            return
        room = Place(team, posted.channel)
        await self._kit.poster.rewrite(room, posted.ts, await self._card(view, reply, talk))

    async def _card(self, view: TicketView, reply: Reply | None, talk: Talk | None) -> Message:
        holder = await self._name(talk.taken_by) if talk and talk.taken_by else None
        return cards.card(view, reply, agent=holder, asker=await self._name(view.line.opened_by))

    async def _name(self, person: str) -> str:
        names = await self._kit.helpdesk.directory.names([person])
        return names.get(person, person)

    def _room(self, team: str) -> Place | None:
        channel = self._kit.options.triage_channel
        return Place(team, channel) if channel else None

    async def _beside(self, talk: Talk, key: str, words: str) -> None:
        """Say something in the thread of the talk's card."""
        if talk.ticket is None:
            return
        posted = await self._kit.ledger.post(_card_key(talk.ticket))
        if posted is not None and posted.ts is not None:
            thread = Place(talk.place.team, posted.channel, posted.ts)
            await self._kit.poster.say(key, thread, plain(words))

    async def _whisper(self, payload: Payload, key: str, words: str) -> None:
        """Tell who tapped on a card."""
        room = Place(str(payload["team"]), str(payload["channel"]))
        await self._kit.whisper(room, str(payload["user"]), key, words)


def _card_key(ticket: str) -> str:
    return f"card:{ticket}"


def _typed(payload: Payload, name: str) -> str:
    """What was typed or chosen in a modal."""
    values = payload["values"]
    return str(values.get(name) or "") if isinstance(values, dict) else ""
