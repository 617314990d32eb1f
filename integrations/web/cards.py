"""What the pages show of turns, conversations and cases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from copilot.company import CompanyFacts
from copilot.conversation import Citation, Handoff, Reply
from copilot.record import ThreadSummary, ThreadTurn
from integrations.tickets.view import TicketLine
from integrations.web.moments import due, moment, span
from integrations.web.text import Block, blocks

UNKNOWN = "unknown"
_NAMES = {"os": "system"}
_STATES = {"in_progress": "in progress"}


@dataclass(frozen=True, slots=True)
class Source:
    """One article with the passages that were quoted from it."""

    article_id: str
    title: str
    reviewed_on: str
    version: str
    quotes: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class ReplyCard:
    """A reply as the page shows it."""

    reply: Reply
    blocks: Sequence[Block]
    sources: tuple[Source, ...]
    outcome: str | None = None

    @property
    def id(self) -> str:
        return self.reply.inquiry_id

    @property
    def asks_for_outcome(self) -> bool:
        """Whether the buttons make sense: something was answered, or a case is open."""
        return self.reply.disposition in ("answer", "escalate") and self.reply.resolved is not True


@dataclass(frozen=True, slots=True)
class TurnCard:
    """A message, and its reply once there is one."""

    inquiry_id: str
    text: str
    at: str
    card: ReplyCard | None


@dataclass(frozen=True, slots=True)
class PastCard:
    """An earlier conversation in the list beside the chat."""

    thread_id: str
    title: str
    at: str
    state: str


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A case in the list."""

    line: TicketLine
    status: str
    age: str
    due: str
    is_overdue: bool


def reply_card(reply: Reply, outcome: str | None = None) -> ReplyCard:
    """The lines that name a source are left out: the page shows the sources by themselves."""
    lines = [line for line in reply.text.splitlines() if not _names_a_source(line, reply)]
    return ReplyCard(reply, blocks("\n".join(lines)), _sources(reply.citations), outcome)


def turn_card(turn: ThreadTurn) -> TurnCard:
    card = reply_card(turn.reply, turn.outcome) if turn.reply else None
    return TurnCard(turn.inquiry_id, turn.text, moment(turn.at), card)


def past_card(thread: ThreadSummary, company: CompanyFacts) -> PastCard:
    return PastCard(
        thread.thread_id, _past_title(thread, company), moment(thread.last_at), _past_state(thread)
    )


def case_card(line: TicketLine, now: datetime) -> CaseCard:
    is_done = line.status in ("resolved", "closed")
    return CaseCard(
        line,
        status=status_words(line.status),
        age=span(max(now, line.opened_at) - line.opened_at),
        due="done" if is_done else due(line.due_at, now),
        is_overdue=not is_done and line.due_at < now,
    )


def status_words(status: str) -> str:
    return _STATES.get(status, status)


def facts_of(handoff: Handoff) -> list[tuple[str, str | None]]:
    """The environment, with unknown facts as `None`."""
    return [(_words(name), _shown(value)) for name, value in handoff.environment]


def missing_words(missing: Iterable[str]) -> list[str]:
    """`environment.app_version` as `app version`."""
    return [_words(name.rpartition(".")[2]) for name in missing]


def _words(name: str) -> str:
    return _NAMES.get(name) or name.replace("_", " ")


def _shown(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)


def _past_title(thread: ThreadSummary, company: CompanyFacts) -> str:
    # Before a question is answered, and when it was declined, the topic is a guess.
    if thread.disposition not in ("answer", "escalate") or thread.category is None:
        return "Question to IT"
    label = f"{thread.category}.{thread.subcategory}"
    return company.choices.get(label) or _words(thread.category)


def _past_state(thread: ThreadSummary) -> str:
    if thread.ticket is not None:
        return f"case {thread.ticket.id}"
    if thread.resolved:
        return "solved"
    return {"clarify": "waiting for you", "answer": "answered"}.get(thread.disposition or "", "")


def _names_a_source(line: str, reply: Reply) -> bool:
    return any(
        all(part in line for part in (found.title, found.article_id, found.reviewed_on))
        for found in reply.citations
    )


def _sources(citations: Iterable[Citation]) -> tuple[Source, ...]:
    found: dict[str, list[Citation]] = {}
    for citation in citations:
        known = found.setdefault(citation.article_id, [])
        if all(citation.quote != other.quote for other in known):
            known.append(citation)
    return tuple(
        Source(article, quotes[0].title, quotes[0].reviewed_on, quotes[0].version, tuple(quotes))
        for article, quotes in found.items()
    )
