"""What tier 2 sees of a ticket."""

from datetime import datetime
from typing import Literal

from copilot.conversation import Handoff, Priority, Value

TicketStatus = Literal["open", "in_progress", "waiting", "resolved", "closed"]
CLOSED: tuple[TicketStatus, ...] = ("resolved", "closed")
"""The states of a ticket that nobody works on."""
EventKind = Literal["opened", "updated", "status", "moved", "note"]


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


class TicketView(Value):
    """A ticket with its latest handoff and its history, oldest first."""

    line: TicketLine
    handoff: Handoff
    history: tuple[TicketStep, ...]
