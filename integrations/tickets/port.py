"""A company's ticket system as the copilot needs it: what every vendor's adapter offers.

A write that may or may not have happened is `Unknown`; whoever called looks it up by its correlation id or key,
and never sends it again blindly.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from copilot.conversation import Handoff, Priority, Value

RemoteStatus = Literal["new", "open", "pending_user", "pending_vendor", "resolved", "closed"]
"""The states that every vendor's own are read as."""
DONE: tuple[RemoteStatus, ...] = ("resolved", "closed")
"""A change from one of these to any other is a reopening, whatever the vendor calls it."""
Visibility = Literal["internal", "public"]
ChangeKind = Literal["created", "status", "comment", "moved", "other"]


class TicketSystemError(Exception):
    """The ticket system did not do what was asked; nothing was changed. The text says what to do."""


class TicketSystemUnavailableError(TicketSystemError):
    """It can't be reached, is overloaded or failing. Surely nothing was changed; try again later."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds to wait, where the system says so."""


class TicketSystemRefusedError(TicketSystemError):
    """It refuses the account or the configuration. Trying again does not help; somebody must mend it."""


class NewTicket(Value):
    """An escalation as a ticket system gets it: text for people, fields where the system has them."""

    correlation_id: str
    """Ours, one for each escalation: what a ticket is found by, and never made twice for."""
    title: str
    body: str
    """The whole handoff as text, for systems without fields."""
    requester_id: str
    requester_email: str | None = None
    requester_name: str | None = None
    queue: str
    """As the company names it; the adapter's configuration says what the vendor calls it."""
    priority: Priority
    category: str | None = None
    subcategory: str | None = None
    handoff: Handoff
    thread_url: str | None = None


class RemoteTicket(Value):
    """A ticket as the system has it now."""

    system: str
    id: str
    url: str | None = None
    version: str
    """Opaque; given back with a change, it guards against overwriting somebody else's."""
    correlation_id: str | None = None
    title: str
    queue: str
    status: RemoteStatus
    priority: Priority | None = None
    assignee: str | None = None
    requester: str | None = None
    links: tuple[str, ...] = ()
    updated_at: datetime | None = None


class TicketChange(Value):
    """Something that happened to a ticket at the vendor's."""

    event_id: str
    """The vendor's own, the same whether pushed or polled: what a change is counted once by."""
    ticket_id: str
    kind: ChangeKind
    at: datetime
    actor: str | None = None
    actor_is_system: bool = False
    actor_is_us: bool = False
    """Made by the copilot's own account: no news."""
    old: str | None = None
    """With `status` a `RemoteStatus`, with `moved` a queue as the company names it."""
    new: str | None = None
    text: str | None = None
    """With `comment`: what was written. Untrusted."""
    visibility: Visibility | None = None
    correlation_id: str | None = None


class ChangePage(Value):
    """Changes since a cursor, oldest first."""

    changes: tuple[TicketChange, ...]
    cursor: str
    """Where to go on; opaque, and never behind a change that is not in a page yet."""
    is_last: bool = True


class Capabilities(Value):
    """What a vendor's system can do; the rest is made up for by the copilot."""

    server_idempotency: bool = False
    optimistic_lock: bool = False
    webhooks: bool = False
    internal_notes: bool = False
    custom_fields: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """It is done, and was read back: the ticket as it is now."""

    ticket: RemoteTicket


@dataclass(frozen=True, slots=True)
class Rejected:
    """The system says no to this request for good; `reason` in its words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody changed the ticket meanwhile; `version` is the one that it has now."""

    version: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent, and no answer that says what became of it. Look it up; never just send it again."""

    reason: str


Outcome = Applied | Rejected | Conflict | Unknown


class TicketDesk(Protocol):
    """One company's ticket system. Any method may raise a `TicketSystemError`: then nothing was changed."""

    @property
    def system(self) -> str:
        """Short name, like `rt`."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def create(self, ticket: NewTicket) -> Outcome:
        """Make the ticket. A system that can tell a repeated correlation id gives the first one."""
        ...

    async def find(self, correlation_id: str) -> RemoteTicket | None:
        """The ticket of that correlation id; the oldest, should there be several."""
        ...

    async def get(self, ticket_id: str) -> RemoteTicket | None: ...

    async def comment(
        self, ticket_id: str, text: str, *, visibility: Visibility, key: str
    ) -> Outcome:
        """Write on the ticket. `key` is found again by `has_comment`."""
        ...

    async def has_comment(self, ticket_id: str, key: str) -> bool: ...

    async def set_status(
        self, ticket_id: str, status: RemoteStatus, *, version: str | None = None
    ) -> Outcome:
        """Already there counts as applied. With `version`, only if nobody changed the ticket since."""
        ...

    async def move(self, ticket_id: str, queue: str, *, version: str | None = None) -> Outcome: ...

    async def link(self, ticket_id: str, other: str) -> Outcome:
        """Note that a ticket belongs to another ticket (its id) or page (its URL)."""
        ...

    async def history(self, since: str | None, *, limit: int = 100) -> ChangePage:
        """Changes of all tickets that carry one of our correlation ids; `None` is from now on."""
        ...

    async def problems(self) -> list[str]:
        """What keeps it from working: unreachable, wrong token, unknown queue or field. For `doctor`."""
        ...

    async def close(self) -> None: ...
