"""What Slack's worker needs of a running copilot. The composition root's `App` offers it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from copilot.company import CompanyFacts
from copilot.conversation import Feedback, Inquiry, Reply, Takeover, TicketEvent, TicketRef
from copilot.people import Person
from integrations.api import runtime
from integrations.tickets.ratings import Ratings
from integrations.tickets.view import Claim, DeskChange, NoteKind, TicketStatus, TicketView


class Verbs(Protocol):
    """The copilot's two verbs, and how it would keep a text."""

    async def ask(
        self, inquiry: Inquiry, *, step: Callable[[str], None] | None = None
    ) -> Reply: ...

    async def follow_up(self, event: Feedback | Takeover | TicketEvent) -> None: ...

    async def as_kept(self, inquiry: Inquiry) -> Inquiry: ...


class Tickets(Protocol):
    """The desk as tier 2 works on it."""

    async def ticket(self, ticket_id: str) -> TicketView | None: ...

    async def changes(self, since: int, *, limit: int = 200) -> Sequence[DeskChange]: ...

    async def newest(self) -> int: ...

    async def note(
        self,
        ticket_id: str,
        text: str,
        *,
        key: str,
        by: str,
        at: datetime,
        kind: NoteKind = "note",
    ) -> TicketRef: ...

    async def said(
        self, ticket_id: str, text: str, *, key: str, by: str, at: datetime
    ) -> TicketRef: ...

    async def claim(self, ticket_id: str, agent: str, *, key: str, at: datetime) -> Claim: ...

    async def release(self, ticket_id: str, *, key: str, by: str, at: datetime) -> TicketRef: ...

    async def move(
        self, ticket_id: str, queue: str, *, key: str, by: str, at: datetime
    ) -> TicketRef: ...

    async def set_status(
        self,
        ticket_id: str,
        status: TicketStatus,
        *,
        key: str,
        by: str,
        at: datetime,
        note: str | None = None,
    ) -> TicketRef: ...


class People(runtime.People, Protocol):
    """The company's people, also by the address that Slack vouches for."""

    async def person_by_email(self, address: str) -> Person | None: ...


class Metrics(Protocol):
    def failure(self, where: str, error: BaseException) -> None: ...

    def slack(self, what: str) -> None: ...


class Helpdesk(Protocol):
    """A running copilot."""

    @property
    def ratings(self) -> Ratings: ...

    @property
    def copilot(self) -> Verbs: ...

    @property
    def journal(self) -> runtime.Record: ...

    @property
    def desk(self) -> Tickets: ...

    @property
    def directory(self) -> People: ...

    @property
    def company(self) -> CompanyFacts: ...

    @property
    def profile(self) -> runtime.Profile: ...

    @property
    def counters(self) -> Metrics: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...

    async def forget(self, person: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Options:
    """The settings that shape how Slack is answered, as plain values."""

    triage_channel: str | None = None
    agents_group: str = "service_desk"
    """Directory group whose members may work on cases."""
    private_categories: frozenset[str] = frozenset()
    """Topics whose answers are shown to the asker alone in a channel."""
    check_in: timedelta = timedelta(minutes=15)
    """How soon somebody in a hurry is asked whether it works now."""
    follow_ups: tuple[timedelta, ...] = field(default=(timedelta(days=1), timedelta(days=7)))
    call_seconds: float = 10.0
    """How long a call to Slack may take."""
    status_after: float = 1.0
    """Seconds until somebody who waits is shown what is going on."""
    status_every: float = 1.0
    stream_after: float = 3.0
    """Seconds until a direct message that is still worked on gets a message that shows the steps."""
