"""The two verbs. Everything that reaches the copilot, from any channel, comes through here."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from copilot import held, outage
from copilot.company import CompanyFacts
from copilot.conversation import (
    MAX_CHANNEL_CHARS,
    Feedback,
    Inquiry,
    PastMessage,
    Reply,
    Takeover,
    TicketEvent,
    TicketRef,
    Versions,
)
from copilot.errors import (
    CopilotError,
    DirectoryUnavailableError,
    InquiryError,
    UnknownThreadError,
    UnknownUserError,
)
from copilot.given import given_to
from copilot.graph import Graph
from copilot.locks import Locks
from copilot.people import Person, only_signed_in
from copilot.ports import Desk, Directory, Journal
from copilot.record import (
    NewInquiry,
    PlannedHandoff,
    Stored,
    ThreadSummary,
    TurnRecord,
    Unfinished,
)
from copilot.recording import fields_of, held_record, outage_record, record_of
from copilot.state import Asked, Memory, TurnState
from policies.redaction import Redacted, Redactor, Seen

_MADE_UP = re.compile(r"(?:[a-z]{1,8}-)?[0-9a-f-]{1,36}")
"""Ids as programs make them up; they need no look."""
EARLIER_DAYS = 14
"""How far back a conversation counts as the earlier case of somebody who comes back."""


class Telemetry(Protocol):
    """Where a turn is counted and its typed fields are logged; never its text."""

    def turn(self, fields: Mapping[str, str | float | int | bool | None]) -> None: ...

    def failure(self, where: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a turn."""

    turn_seconds: float = 20.0
    """A turn that takes longer goes to people."""


class Copilot:
    """`ask` and `follow_up`."""

    def __init__(
        self,
        *,
        graph: Graph,
        journal: Journal,
        desk: Desk,
        directory: Directory,
        redactor: Redactor,
        company: CompanyFacts,
        versions: Callable[[], Versions],
        digest: Callable[[str], str],
        telemetry: Telemetry,
        limits: Limits | None = None,
    ) -> None:
        self._graph = graph
        self._journal = journal
        self._desk = desk
        self._directory = directory
        self._redactor = redactor
        self._company = company
        self._versions = versions
        self._digest = digest
        self._telemetry = telemetry
        self._limits = limits or Limits()
        self._locks = Locks()

    async def ask(
        self,
        inquiry: Inquiry,
        *,
        kept: Callable[[Inquiry], None] | None = None,
        step: Callable[[str], None] | None = None,
    ) -> Reply:
        """Answer, clarify, hand over or decline; never silence.

        A repeated id gives the stored reply. Raises an `InquiryError` (whose text says what to do) for
        somebody else's thread, an unknown user or a reused id, and `StoreUnavailableError` when nothing
        can be recorded: then no case exists and the door must say so. While the directory can't say who
        asks, people get the case. `kept` is told the inquiry as it
        will be kept, for a door that shows a message before its reply is there; `step` the name of each step
        of the graph as it begins, for a door that shows what is going on.
        """
        started = time.perf_counter()
        person = await self._who_asks(inquiry.user)
        await self._redactor_loaded()
        self._check_ids(inquiry)
        clean, redacted = self._clean(inquiry, await self._seen(inquiry))
        if kept is not None:
            kept(clean)
        digest = self._digest(f"{inquiry.user}\n{inquiry.text}")
        begun = await self._journal.begin(clean, text_hash=digest)
        if isinstance(begun, Stored):
            return begun.reply
        async with self._locks.of(begun.thread_id):
            if isinstance(begun, Unfinished):
                # A twin of this call may have finished while this one waited for the lock.
                again = await self._journal.begin(clean, text_hash=digest)
                if isinstance(again, Stored):
                    return again.reply
            asked = Asked(
                inquiry=clean,
                thread_id=begun.thread_id,
                person=person,
                redactions=redacted.count,
                secrets=tuple(redacted.found),
                seen=redacted.seen,
                opens_thread=inquiry.thread is None and isinstance(begun, NewInquiry),
                tell=step,
            )
            return await self._turn(asked, started)

    def over(
        self, *, graph: Graph, journal: Journal, desk: Desk, directory: Directory | None = None
    ) -> "Copilot":
        """The same copilot over records of their own: what one writes the other never sees."""
        other = copy(self)
        other._graph, other._journal, other._desk = graph, journal, desk  # noqa: SLF001  # its twin
        other._directory = directory or self._directory  # noqa: SLF001  # its twin
        other._locks = Locks()  # noqa: SLF001  # its twin
        return other

    async def as_kept(self, inquiry: Inquiry) -> Inquiry:
        """The inquiry as `ask` would keep it, for whoever looks for its text in a record."""
        await self._redactor_loaded()
        clean, _ = self._clean(inquiry, await self._seen(inquiry))
        return clean

    async def follow_up(self, event: Feedback | Takeover | TicketEvent) -> None:
        """Record what became of a reply; what is fixed is resolved at the desk too."""
        if isinstance(event, Feedback):
            await self._redactor_loaded()
            comment = (
                event.comment and self._redactor.redact(event.comment, names_but=event.user).text
            )
            said = event.model_copy(update={"comment": comment})
            ticket = await self._journal.note_feedback(said)
            if ticket is not None and said.verdict == "fixed" and said.at is not None:
                key = f"resolved:{said.inquiry_id}"
                await self._desk.resolve(ticket.id, key=key, by=said.user, at=said.at)
        elif isinstance(event, Takeover):
            await self._take_over(event)

    def silence(self, thread_id: str) -> asyncio.Lock:
        """While it is held, nothing is said in a conversation: who takes it over does so in between."""
        return self._locks.of(thread_id)

    async def _take_over(self, event: Takeover) -> None:
        """An agent has the conversation from here on, after whatever is being said now, or gives it back."""
        async with self._locks.of(event.thread_id):
            case = await self._desk.open_case(event.thread_id)
            if case is None:
                raise UnknownThreadError(
                    "That conversation has no open case to take over. Use the `thread_id` of an escalation."
                )
            key = f"takeover:{event.thread_id}:{event.agent}:{event.active}:{event.at.isoformat()}"
            if event.active:
                await self._desk.claim(case, event.agent, key=key, at=event.at)
            else:
                await self._desk.release(case, key=key, by=event.agent, at=event.at)

    async def recover(self) -> int:
        """Finish what a crash left without a reply; returns how many inquiries that were."""
        unfinished = await self._journal.unfinished()
        for inquiry in unfinished:
            if inquiry.thread is None:
                continue
            try:
                person = await self._who_asks(inquiry.user)
            except UnknownUserError:
                continue
            async with self._locks.of(inquiry.thread):
                asked = Asked(inquiry=inquiry, thread_id=inquiry.thread, person=person)
                await self._turn(asked, time.perf_counter())
        for planned in await self._journal.unopened():
            await self._open_late(planned)
        return len(unfinished)

    async def _who_asks(self, user: str) -> Person:
        """As `known_person`; only the signed-in id is known while the directory can't be asked."""
        try:
            return await known_person(user, self._directory)
        except DirectoryUnavailableError as error:
            self._telemetry.failure("directory", error)
            return only_signed_in(user)

    async def _open_late(self, planned: PlannedHandoff) -> None:
        """Open the ticket of a case that was told "a person has it" while the desk was away."""
        try:
            ticket = await self._desk.open(
                planned.handoff,
                key=planned.key,
                thread_id=planned.thread_id,
                opened_by=planned.inquiry.user,
                at=planned.inquiry.at,
            )
            await self._journal.handed_off(planned.key, ticket)
        except CopilotError as error:
            self._telemetry.failure("desk", error)

    async def _turn(self, asked: Asked, started: float) -> Reply:
        try:
            answered = self._answered(asked)
            reply, record = await asyncio.wait_for(answered, self._limits.turn_seconds)
        except InquiryError:
            raise
        except Exception as error:  # noqa: BLE001  # the edge of a turn: whatever broke, a person gets the case
            self._telemetry.failure("turn", error)
            reply, record = await self._hand_over_outage(asked)
        took = round((time.perf_counter() - started) * 1000, 2)
        reply = reply.model_copy(update={"timing_ms": {**reply.timing_ms, "total": took}})
        await self._journal.finish(reply, record.model_copy(update={"timing_ms": reply.timing_ms}))
        self._telemetry.turn(fields_of(reply))
        return reply

    async def _answered(self, asked: Asked) -> tuple[Reply, TurnRecord]:
        """What is said, by the graph, or, while an agent has the case, to the agent."""
        case = None if asked.opens_thread else await self._desk.held(asked.thread_id)
        if case is None:
            state = await self._run(asked)
            return state["reply"], record_of(state)
        key, words = f"said:{asked.inquiry.id}", asked.inquiry.text
        await self._desk.said(
            case.ticket.id, words, key=key, by=asked.person.id, at=asked.inquiry.at
        )
        reply = held.reply(asked, case, await self._name(case.agent), self._versions())
        return reply, held_record(asked, reply)

    async def _name(self, person_id: str) -> str:
        try:
            person = await self._directory.person(person_id)
        except DirectoryUnavailableError as error:
            self._telemetry.failure("directory", error)
            return person_id
        return person.name if person else person_id

    async def _run(self, asked: Asked) -> TurnState:
        if not asked.person.is_known:
            raise DirectoryUnavailableError(
                "The directory can't say who asks, so nothing was decided and people get the case. "
                "Check it with `copilot doctor`."
            )
        config: RunnableConfig = {"configurable": {"thread_id": asked.thread_id}}
        before = {} if asked.opens_thread else await self._checkpointed(asked.thread_id)
        memory: Memory = before.get("memory") or Memory()
        if memory.last_inquiry == asked.inquiry.id:
            # The graph finished before the crash; running it again would count the turn twice.
            return TurnState(memory=memory, reply=before["reply"], asked=asked)
        asked = await with_past(asked, self._journal, self._company, first=not memory.turns)
        given = await given_to(asked, memory, self._desk, self._redactor)
        asked = replace(asked, given=given)
        result = await self._graph.ainvoke(TurnState(asked=asked), config, durability="exit")
        return cast(TurnState, result)

    async def _seen(self, inquiry: Inquiry) -> Seen | None:
        """Which secrets this conversation named before; only needed to number placeholders."""
        if inquiry.thread is None:
            return None
        try:
            memory = (await self._checkpointed(inquiry.thread)).get("memory")
        except Exception as error:  # noqa: BLE001  # numbering placeholders is not worth a turn
            self._telemetry.failure("checkpoint", error)
            return None
        return memory.seen if isinstance(memory, Memory) else None

    async def _checkpointed(self, thread_id: str) -> Mapping[str, Any]:
        """What the last checkpoint of a conversation holds: `memory` and `reply`.

        A step of this graph is one node, so no other node's writes can be pending beside it.
        """
        saver = self._graph.checkpointer
        if not isinstance(saver, BaseCheckpointSaver):
            return {}
        last = await saver.aget_tuple({"configurable": {"thread_id": thread_id}})
        return last.checkpoint["channel_values"] if last else {}

    async def _hand_over_outage(self, asked: Asked) -> tuple[Reply, TurnRecord]:
        filled = outage.handoff(asked, self._company)
        key = f"handoff:{asked.inquiry.id}"
        await self._journal.plan_handoff(asked.inquiry.id, key, filled)
        ticket: TicketRef | None = None
        with suppress(CopilotError, OSError):
            ticket = await self._desk.open(
                filled,
                key=key,
                thread_id=asked.thread_id,
                opened_by=asked.person.id,
                at=asked.inquiry.at,
            )
            await self._journal.handed_off(key, ticket)
        reply = outage.reply(asked, filled, ticket, self._company, self._versions())
        return reply, outage_record(asked, reply)

    async def _redactor_loaded(self) -> None:
        """No text passes before the redactor is there; other turns go on meanwhile."""
        if not self._redactor.is_warm:
            await asyncio.to_thread(self._redactor.warm)

    def _check_ids(self, inquiry: Inquiry) -> None:
        """Ids are kept and shown as they are, so none may be a secret."""
        for name, value in (("id", inquiry.id), ("thread", inquiry.thread)):
            if value and not _MADE_UP.fullmatch(value) and self._redactor.redact(value).found:
                raise InquiryError(f"The value of '{name}' looks like a secret. Use an id without.")

    def _clean(self, inquiry: Inquiry, seen: Seen | None) -> tuple[Inquiry, Redacted]:
        """The inquiry without secrets in any of its texts; one value keeps one placeholder."""
        history: list[PastMessage] = []
        for past in inquiry.history:
            earlier = self._redactor.redact(past.text, seen)
            seen = earlier.seen
            user = past.user and self._redactor.redact(past.user).text
            history.append(past.model_copy(update={"text": earlier.text, "user": user}))
        redacted = self._redactor.redact(inquiry.text, seen)
        name = inquiry.display_name and self._redactor.redact(inquiry.display_name).text
        channel = self._redactor.redact(inquiry.channel).text[:MAX_CHANNEL_CHARS]
        texts = {
            "text": redacted.text or "[removed]",
            "channel": channel,
            "display_name": name,
            "history": tuple(history),
        }
        return inquiry.model_copy(update=texts), redacted


async def known_person(user: str, directory: Directory) -> Person:
    """Who asks. Raises `UnknownUserError` for somebody whom the directory does not know."""
    person = await directory.person(user)
    if person is None:
        raise UnknownUserError(
            "The directory knows nobody of the id in 'user'. Sign in with your company account."
        )
    return person


async def with_past(asked: Asked, journal: Journal, company: CompanyFacts, *, first: bool) -> Asked:
    """With what the person's other conversations say; only a conversation's first turn looks at them."""
    since = _before(asked.inquiry.at, timedelta(days=EARLIER_DAYS))
    recent = await journal.recent_threads(asked.person.id, since, 20)
    others = tuple(t for t in recent if t.thread_id != asked.thread_id)
    return replace(
        asked,
        earlier=others if first else (),
        lockouts_24h=_lockouts(others, asked.inquiry.at, company),
    )


def _lockouts(threads: tuple[ThreadSummary, ...], at: datetime, company: CompanyFacts) -> int:
    since = _before(at, timedelta(hours=24))
    return sum(
        f"{t.category}.{t.subcategory}" in company.lockout_labels and since <= t.last_at <= at
        for t in threads
    )


def _before(at: datetime, span: timedelta) -> datetime:
    """Earlier by a span, as far as the calendar goes."""
    return at - min(span, at - datetime.min.replace(tzinfo=at.tzinfo))
