"""What the pages show of turns, conversations and cases."""

from dataclasses import dataclass
from datetime import datetime

from copilot.company import CompanyFacts
from copilot.record import ThreadSummary, ThreadTurn
from integrations.shown.moments import due, moment, span
from integrations.shown.replies import ReplyCard, reply_card, status_words, thread_title
from integrations.tickets.view import TicketLine


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


def turn_card(turn: ThreadTurn) -> TurnCard:
    card = reply_card(turn.reply, turn.outcome) if turn.reply else None
    return TurnCard(turn.inquiry_id, turn.text, moment(turn.at), card)


def past_card(thread: ThreadSummary, company: CompanyFacts) -> PastCard:
    return PastCard(
        thread.thread_id, thread_title(thread, company), moment(thread.last_at), _past_state(thread)
    )


def case_card(line: TicketLine, now: datetime) -> CaseCard:
    is_done = line.is_closed
    return CaseCard(
        line,
        status=status_words(line.status),
        age=span(max(now, line.opened_at) - line.opened_at),
        due="done" if is_done else due(line.due_at, now),
        is_overdue=not is_done and line.due_at < now,
    )


def _past_state(thread: ThreadSummary) -> str:
    if thread.ticket is not None:
        return f"case {thread.ticket.id}"
    if thread.resolved:
        return "solved"
    return {"clarify": "waiting for you", "answer": "answered"}.get(thread.disposition or "", "")
