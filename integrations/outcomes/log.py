"""A conversation as a neutral log of events: all that any definition of deflection is computed from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal[
    "answered",  # steps, a rule or a form were shown
    "clarified",  # one question was asked
    "declined",
    "escalated",  # people got the case, as a ticket that the copilot opened
    "fixed",  # the employee says that it works: a button, a probe, or in words
    "stuck",  # the employee says that it does not, or that it is back
    "rated_good",
    "rated_bad",
    "closed",  # people resolved the ticket
    "reopened",  # the ticket left its resolved state
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a conversation."""

    kind: Kind
    at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation of one person. `events` are in the order of time."""

    thread_id: str
    user: str
    started_at: datetime
    last_at: datetime
    """When the employee last wrote."""
    events: tuple[Event, ...]
    label: str | None = None
    """`category.subcategory` of the last answer or case."""
    versions: tuple[tuple[str, str], ...] = ()
    ticket: str | None = None
    resolution: str | None = None
    """The agent's code for how the ticket ended."""
    minutes: int | None = None
    """Working time that agents report."""
    handoff_complete: bool | None = None
    """The latest rating of the handoff by an agent; `None` without one."""

    def has(self, *kinds: Kind) -> bool:
        return any(event.kind in kinds for event in self.events)

    def last(self, *kinds: Kind) -> Event | None:
        return next((event for event in reversed(self.events) if event.kind in kinds), None)

    @property
    def shown(self) -> Event | None:
        """The last thing that the copilot did."""
        return self.last("answered", "clarified", "declined", "escalated")

    @property
    def verdict(self) -> Event | None:
        """The employee's latest word on whether it works."""
        return self.last("fixed", "stuck")

    @property
    def rating(self) -> Event | None:
        return self.last("rated_good", "rated_bad")


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation with what came after it."""

    talk: Conversation
    returned_at: datetime | None = None
    """When the same person next asked about the same subcategory, in another conversation."""
