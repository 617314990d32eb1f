"""What an agent does with a case: each deed once, by who may, and said to whom it concerns."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from copilot.conversation import MAX_TEXT_CHARS, Identifier, Inquiry, Value
from copilot.errors import CopilotError
from integrations.access.identity import Identity
from integrations.api.runtime import Runtime
from integrations.tickets.view import ResolutionCode, TicketView

CODES: tuple[ResolutionCode, ...] = get_args(ResolutionCode)
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT_CHARS)
]


class CaseRefusedError(CopilotError):
    """The case is not as it has to be for this; the text says how it is."""


class Sent(Value):
    """A form as it came; which fields it needs is the deed's business."""

    key: Identifier
    """Made with the page: sending the form twice is one deed."""
    text: Words | None = None
    queue: str | None = None
    code: ResolutionCode | None = None
    articles: str | None = Field(default=None, max_length=500)
    """Ids of the articles that solved it, separated by commas or blanks."""
    minutes: int | None = Field(default=None, ge=0, le=10_000)
    verdict: (
        Literal[
            "complete", "missing", "wrong_queue", "bot_could_have_solved", "should_have_come_sooner"
        ]
        | None
    ) = None
    over: str | None = None
    """Whom the case is taken over from, as the page showed it."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One agent, one case, one form."""

    runtime: Runtime
    agent: Identity
    case: TicketView
    sent: Sent

    @property
    def line_id(self) -> str:
        return self.case.line.id

    def key(self, what: str) -> str:
        return f"web:{what}:{self.sent.key}"

    async def words(self) -> str:
        """What was typed, without secrets."""
        if self.sent.text is None:
            raise CaseRefusedError("There are no words. Write what it is about.")
        said = Inquiry(
            id="agent-0", text=self.sent.text, user=self.agent.id, at=self.runtime.clock()
        )
        return (await self.runtime.copilot.as_kept(said)).text


async def claim(deed: Deed) -> None:
    """The agent has the case, and the copilot is silent from now on."""
    line, runtime = deed.case.line, deed.runtime
    async with runtime.copilot.silence(line.thread_id):
        now = runtime.clock()
        if deed.sent.over is not None and deed.sent.over == line.assignee:
            await runtime.desk.release(line.id, key=deed.key("over"), by=deed.agent.id, at=now)
        claimed = await runtime.desk.claim(line.id, deed.agent.id, key=deed.key("claim"), at=now)
    if claimed.won:
        return
    if not claimed.holder:
        raise CaseRefusedError(f"{line.id} is {line.status}. Open it again first.")
    names = await runtime.directory.names([claimed.holder])
    raise CaseRefusedError(f"{names.get(claimed.holder, claimed.holder)} has {line.id} already.")


async def release(deed: Deed) -> None:
    """The copilot may speak again; a closed case opens."""
    line, runtime = deed.case.line, deed.runtime
    if not line.is_closed:
        await _check_holder(deed)
    async with runtime.copilot.silence(line.thread_id):
        await runtime.desk.release(
            line.id, key=deed.key("release"), by=deed.agent.id, at=runtime.clock()
        )


async def ask(deed: Deed) -> None:
    """Write to the employee; their answer comes to the case."""
    words = await deed.words()
    await _check_holder(deed)
    desk, by, now = deed.runtime.desk, deed.agent.id, deed.runtime.clock()
    await desk.note(deed.line_id, words, key=deed.key("ask"), by=by, at=now, kind="asked")
    await desk.set_status(deed.line_id, "waiting", key=deed.key("waiting"), by=by, at=now)


async def note(deed: Deed) -> None:
    """Write for colleagues; the employee does not see it."""
    words = await deed.words()
    await deed.runtime.desk.note(
        deed.line_id, words, key=deed.key("note"), by=deed.agent.id, at=deed.runtime.clock()
    )


async def move(deed: Deed) -> None:
    """Give the case to another queue, where somebody else claims it."""
    queue = deed.sent.queue
    if queue is None or queue not in deed.runtime.profile.queues:
        raise CaseRefusedError(f"There is no queue '{queue or ''}'. Choose one of the list.")
    await deed.runtime.desk.move(
        deed.line_id, queue, key=deed.key("move"), by=deed.agent.id, at=deed.runtime.clock()
    )


async def resolve(deed: Deed) -> None:
    """Close the case with a code, and tell the employee how it ended."""
    if deed.sent.code is None:
        raise CaseRefusedError("Choose how the case ended.")
    words = await deed.words()
    await _check_holder(deed)
    await _remember(deed)
    await deed.runtime.desk.set_status(
        deed.line_id,
        "resolved",
        key=deed.key("resolve"),
        by=deed.agent.id,
        at=deed.runtime.clock(),
        note=words,
        resolution=deed.sent.code,
        minutes=deed.sent.minutes,
    )


async def _remember(deed: Deed) -> None:
    """Which articles solved it, for those who ask like it. In the employee's words, as they are kept."""
    named = re.findall(r"[\w-]+", deed.sent.articles or "")
    if deed.sent.code == "solved_with_article" and not named:
        raise CaseRefusedError("Name the article that solved it, like kb-0101.")
    view = await deed.runtime.journal.thread(deed.case.line.thread_id, None)
    if not named or view is None or not view.turns:
        return
    handoff = deed.case.handoff
    known = handoff.category and handoff.subcategory
    await deed.runtime.memory.resolutions.record(
        deed.line_id,
        view.turns[0].text,
        named,
        by=deed.agent.id,
        person=deed.case.line.opened_by,
        at=deed.runtime.clock(),
        label=(handoff.category or "", handoff.subcategory or "") if known else None,
    )


async def rate(deed: Deed) -> None:
    """Say how good the handoff was; the latest word of an agent counts."""
    if deed.sent.verdict is None:
        raise CaseRefusedError("Choose what the handoff was like.")
    note = await deed.words() if deed.sent.text else None
    await deed.runtime.ratings.rate(
        deed.line_id,
        agent=deed.agent.id,
        verdict=deed.sent.verdict,
        note=note,
        key=deed.key("rate"),
        at=deed.runtime.clock(),
    )


DEEDS: Mapping[str, Callable[[Deed], Awaitable[None]]] = {
    "claim": claim,
    "release": release,
    "ask": ask,
    "note": note,
    "move": move,
    "resolve": resolve,
    "rate": rate,
}


async def _check_holder(deed: Deed) -> None:
    """Only who has a case speaks for it. What the page showed may be old, so the desk is asked again."""
    now = await deed.runtime.desk.ticket(deed.line_id)
    holder = now.line.assignee if now else None
    if now is not None and now.line.is_closed and deed.case.line.is_closed:
        raise CaseRefusedError(f"{deed.line_id} is {now.line.status}. Open it again first.")
    if holder == deed.agent.id:
        return
    if holder is None:
        raise CaseRefusedError(f"Nobody has {deed.line_id}. Claim it first.")
    names = await deed.runtime.directory.names([holder])
    raise CaseRefusedError(f"{names.get(holder, holder)} has {deed.line_id}. Take it over first.")
