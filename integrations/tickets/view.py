"""What tier 2 sees of a ticket."""

from datetime import datetime
from typing import Literal

from copilot.conversation import Handoff, Priority, Value

TicketStatus = Literal["open", "in_progress", "waiting", "resolved", "closed"]
CLOSED: tuple[TicketStatus, ...] = ("resolved", "closed")
"""The states of a ticket that nobody works on."""
EventKind = Literal[
    "opened", "updated", "status", "note", "asked", "said", "claimed", "released", "moved"
]
"""`asked` is what an agent wrote to the employee, `said` what the employee wrote to the agent."""
NoteKind = Literal["note", "asked", "said"]
ResolutionCode = Literal[
    "solved_with_article",
    "solved_by_agent",
    "request_fulfilled",
    "request_refused",
    "outage_over",
    "duplicate",
    "no_reply",
    "not_it",
]
"""How an agent says a ticket ended."""


class TicketLine(Value):
    """A ticket in a list."""

    id: str
    url: str
    queue: str
    status: TicketStatus
    priority: Priority
    summary: str
    thread_id: str
    opened_by: str
    opened_at: datetime
    updated_at: datetime
    due_at: datetime
    assignee: str | None = None
    """The agent who has it; while somebody has it the copilot is silent in its conversation."""
    resolution: ResolutionCode | None = None
    minutes: int | None = None
    """Working time that the agent reports."""

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED


class TicketStep(Value):
    """Something that happened to a ticket."""

    kind: EventKind
    at: datetime
    by: str | None = None
    """Who did it; `None` is the copilot."""
    status: TicketStatus
    note: str | None = None
    handoff: Handoff | None = None


class Claim(Value):
    """What became of an agent's claim: who has the ticket now, and whether this claim got it."""

    holder: str
    won: bool


class DeskChange(Value):
    """Something that happened at the desk, in the order in which it was written."""

    seq: int
    ticket_id: str
    key: str
    """Says where it came from: changes from elsewhere carry a prefix of their own."""
    step: TicketStep


class TicketView(Value):
    """A ticket with its latest handoff and its history, oldest first."""

    line: TicketLine
    handoff: Handoff
    history: tuple[TicketStep, ...]
