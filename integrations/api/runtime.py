"""What the HTTP doors need of a running copilot. The composition root's `App` offers it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from copilot.company import CompanyFacts
from copilot.conversation import Feedback, Inquiry, Reply, Takeover, TicketEvent, TicketRef
from copilot.people import Person
from copilot.record import ThreadSummary, ThreadView
from integrations.access.doors import Doors
from integrations.tickets.ratings import Ratings
from integrations.tickets.view import (
    Claim,
    DeskChange,
    NoteKind,
    ResolutionCode,
    TicketLine,
    TicketStatus,
    TicketView,
)


class Verbs(Protocol):
    """The copilot's two verbs."""

    async def ask(
        self, inquiry: Inquiry, *, kept: Callable[[Inquiry], None] | None = None
    ) -> Reply: ...

    async def follow_up(self, event: Feedback | Takeover | TicketEvent) -> None: ...

    async def as_kept(self, inquiry: Inquiry) -> Inquiry: ...

    def silence(self, thread_id: str) -> asyncio.Lock: ...


class Record(Protocol):
    """Reading the conversations that were recorded."""

    async def thread(self, thread_id: str, user: str | None) -> ThreadView | None: ...

    async def recent_threads(
        self, user: str, since: datetime, limit: int
    ) -> Sequence[ThreadSummary]: ...


class Cases(Protocol):
    """The tickets of the desk, read and worked on. Every change carries a key: repeating it changes nothing."""

    async def ticket(self, ticket_id: str) -> TicketView | None: ...

    async def list(
        self,
        queue: str | None = None,
        status: TicketStatus | None = None,
        *,
        opened_by: str | None = None,
        limit: int = 200,
    ) -> Sequence[TicketLine]: ...

    async def changes(self, since: int, *, limit: int = 200) -> Sequence[DeskChange]: ...

    async def newest(self) -> int: ...

    async def claim(self, ticket_id: str, agent: str, *, key: str, at: datetime) -> Claim: ...

    async def release(self, ticket_id: str, *, key: str, by: str, at: datetime) -> TicketRef: ...

    async def move(
        self, ticket_id: str, queue: str, *, key: str, by: str, at: datetime
    ) -> TicketRef: ...

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

    async def set_status(
        self,
        ticket_id: str,
        status: TicketStatus,
        *,
        key: str,
        by: str,
        at: datetime,
        note: str | None = None,
        resolution: ResolutionCode | None = None,
        minutes: int | None = None,
    ) -> TicketRef: ...


class Resolutions(Protocol):
    """Where it is kept which articles solved a ticket."""

    async def record(
        self,
        ticket_id: str,
        problem: str,
        articles: Sequence[str],
        *,
        by: str,
        person: str,
        at: datetime,
        label: tuple[str, str] | None = None,
    ) -> None: ...


class Remembering(Protocol):
    """What is learnt from resolved tickets."""

    @property
    def resolutions(self) -> Resolutions: ...


class People(Protocol):
    """The company's people. `person` may raise `DirectoryUnavailableError`."""

    async def person(self, person_id: str) -> Person | None: ...

    async def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """The name of each id, as far as they are known now."""
        ...

    def people(self) -> Sequence[Person]:
        """For the demonstration's user switcher."""
        ...


class Options(Protocol):
    """The settings that shape the doors."""

    @property
    def mode(self) -> Literal["demo", "production"]: ...

    @property
    def max_body_bytes(self) -> int: ...

    @property
    def body_seconds(self) -> float: ...

    @property
    def turn_seconds(self) -> float: ...


class Profile(Protocol):
    """The company's queues, with what each is for."""

    @property
    def queues(self) -> Mapping[str, str]: ...


class Metrics(Protocol):
    """The counters of this process in Prometheus' text format."""

    def exposed(self) -> bytes: ...

    def failure(self, where: str, error: BaseException) -> None: ...

    def problem(self, slug: str) -> None: ...


class Runtime(Protocol):
    """A running copilot."""

    @property
    def copilot(self) -> Verbs: ...

    @property
    def journal(self) -> Record: ...

    @property
    def desk(self) -> Cases: ...

    @property
    def ratings(self) -> Ratings: ...

    @property
    def memory(self) -> Remembering: ...

    @property
    def directory(self) -> People: ...

    @property
    def company(self) -> CompanyFacts: ...

    @property
    def profile(self) -> Profile: ...

    @property
    def settings(self) -> Options: ...

    @property
    def counters(self) -> Metrics: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...

    @property
    def doors(self) -> Doors: ...

    @property
    def default_user(self) -> str: ...

    async def ready(self) -> Sequence[str]: ...
