"""The embedded desk behind the port of ticket systems: what holds for a vendor's system holds without one."""

import re
from collections.abc import Callable, Collection
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, func, select

from copilot.errors import DeskUnavailableError, StoreUnavailableError
from integrations.clock import Clock
from integrations.store.database import Database, Work
from integrations.store.tables import to_time
from integrations.tickets.desk import EmbeddedDesk
from integrations.tickets.port import (
    Applied,
    Capabilities,
    ChangeKind,
    ChangePage,
    Conflict,
    NewTicket,
    Outcome,
    Rejected,
    RemoteStatus,
    RemoteTicket,
    TicketChange,
    TicketSystemUnavailableError,
    Visibility,
)
from integrations.tickets.systems.rendering import one_line, sendable
from integrations.tickets.tables import ticket_events, tickets
from integrations.tickets.view import TicketStatus

T = TypeVar("T")
SYSTEM = "embedded"
_TITLE_CHARS = 2_000
_LINK = "Belongs to "
_MOVED = re.compile(r"Moved from (.+) to (.+)\.")

_THEIRS: dict[RemoteStatus, TicketStatus] = {
    "new": "open",
    "open": "in_progress",
    "pending_user": "waiting",
    "pending_vendor": "waiting",
    "resolved": "resolved",
    "closed": "closed",
}
_OURS: dict[str, RemoteStatus] = {
    "open": "new",
    "in_progress": "open",
    "waiting": "pending_user",
    "resolved": "resolved",
    "closed": "closed",
}
_KINDS: dict[str, ChangeKind] = {
    "opened": "created",
    "status": "status",
    "moved": "moved",
    "note": "comment",
}

_BY_KEY = select(tickets).where(tickets.c.key == bindparam("sought"))
_BY_ID = select(tickets).where(tickets.c.id == bindparam("sought"))
_HAS_EVENT = select(ticket_events.c.seq).where(ticket_events.c.key == bindparam("key"))
_LAST = select(func.max(ticket_events.c.seq))
_LINKS = (
    select(ticket_events.c.note)
    .where(
        ticket_events.c.ticket_id == bindparam("sought"),
        ticket_events.c.key.startswith("link:", autoescape=True),
    )
    .order_by(ticket_events.c.seq)
)
_earlier = ticket_events.alias()
_BEFORE = (
    select(_earlier.c.status)
    .where(_earlier.c.ticket_id == ticket_events.c.ticket_id, _earlier.c.seq < ticket_events.c.seq)
    .order_by(_earlier.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
_SINCE = (
    select(ticket_events, tickets.c.key.label("correlation"), _BEFORE.label("before"))
    .join(tickets, tickets.c.id == ticket_events.c.ticket_id)
    .where(ticket_events.c.seq > bindparam("since"))
    .order_by(ticket_events.c.seq)
    .limit(bindparam("limit"))
)


class EmbeddedTickets:
    """The embedded desk as the company's ticket system. It knows one kind of waiting, read as waiting for the user."""

    system = SYSTEM
    capabilities = Capabilities(server_idempotency=True, internal_notes=True, custom_fields=True)

    def __init__(
        self,
        desk: EmbeddedDesk,
        database: Database,
        *,
        queues: Collection[str],
        clock: Clock,
        us: str = "copilot",
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._desk = desk
        self._database = database
        self._queues = frozenset(queues)
        self._clock = clock
        self._us = us
        self._new_id = new_id

    async def create(self, ticket: NewTicket) -> Outcome:
        if ticket.queue not in self._queues:
            return self._unknown_queue(ticket.queue)
        title = one_line(ticket.title, _TITLE_CHARS)
        changes = {"queue": ticket.queue, "priority": ticket.priority, "summary": title}
        handoff = ticket.handoff.model_copy(update=changes)
        key, at = ticket.correlation_id, self._clock()
        try:
            made = await self._desk.open(
                handoff, key=key, thread_id=key, opened_by=ticket.requester_id, at=at
            )
            parts = [ticket.handoff.summary, ticket.body, ticket.thread_url]
            said = "\n\n".join(sendable(part) for part in parts if part and part != title)
            if said:
                await self._desk.note(made.id, said, key=f"body:{key}", by=self._us, at=at)
        except DeskUnavailableError as error:
            raise TicketSystemUnavailableError(str(error)) from error
        return await self._applied(made.id)

    async def find(self, correlation_id: str) -> RemoteTicket | None:
        return await self._one(_BY_KEY, correlation_id)

    async def get(self, ticket_id: str) -> RemoteTicket | None:
        return await self._one(_BY_ID, ticket_id)

    async def comment(
        self, ticket_id: str, text: str, *, visibility: Visibility, key: str
    ) -> Outcome:
        stored = f"{visibility}:{ticket_id}:{key}"
        return await self._noted(ticket_id, sendable(text), stored)

    async def has_comment(self, ticket_id: str, key: str) -> bool:
        def work(db: Connection) -> bool:
            stored = (f"{visibility}:{ticket_id}:{key}" for visibility in ("internal", "public"))
            return any(db.execute(_HAS_EVENT, {"key": one}).first() for one in stored)

        return await self._read(work)

    async def set_status(
        self, ticket_id: str, status: RemoteStatus, *, version: str | None = None
    ) -> Outcome:
        known = await self.get(ticket_id)
        if known is None:
            return _unknown_ticket(ticket_id)
        if version is not None and version != known.version:
            return Conflict(known.version)
        theirs = _THEIRS[status]
        if known.status != _OURS[theirs]:
            try:
                await self._desk.set_status(
                    ticket_id, theirs, key=self._new_id(), by=self._us, at=self._clock()
                )
            except DeskUnavailableError as error:
                raise TicketSystemUnavailableError(str(error)) from error
        return await self._applied(ticket_id)

    async def move(self, ticket_id: str, queue: str, *, version: str | None = None) -> Outcome:
        if queue not in self._queues:
            return self._unknown_queue(queue)
        known = await self.get(ticket_id)
        if known is None:
            return _unknown_ticket(ticket_id)
        if version is not None and version != known.version:
            return Conflict(known.version)
        if known.queue != queue:
            try:
                await self._desk.move(
                    ticket_id, queue, key=self._new_id(), by=self._us, at=self._clock()
                )
            except DeskUnavailableError as error:
                raise TicketSystemUnavailableError(str(error)) from error
        return await self._applied(ticket_id)

    async def link(self, ticket_id: str, other: str) -> Outcome:
        return await self._noted(
            ticket_id, f"{_LINK}{one_line(other, _TITLE_CHARS)}", f"link:{ticket_id}:{other}"
        )

    async def history(self, since: str | None, *, limit: int = 100) -> ChangePage:
        def work(db: Connection) -> ChangePage:
            last = int(db.execute(_LAST).scalar() or 0)
            if since is None:
                return ChangePage(changes=(), cursor=str(last))
            rows = db.execute(_SINCE, {"since": int(since), "limit": limit}).all()
            cursor = rows[-1].seq if rows else int(since)
            changes = tuple(self._change(row) for row in rows)
            return ChangePage(changes=changes, cursor=str(cursor), is_last=cursor >= last)

        return await self._read(work)

    async def problems(self) -> list[str]:
        try:
            await self.history(None)
        except TicketSystemUnavailableError as error:
            return [str(error)]
        return []

    async def close(self) -> None:
        """The database belongs to whoever opened it."""

    async def _noted(self, ticket_id: str, text: str, key: str) -> Outcome:
        if await self.get(ticket_id) is None:
            return _unknown_ticket(ticket_id)
        try:
            await self._desk.note(ticket_id, text, key=key, by=self._us, at=self._clock())
        except DeskUnavailableError as error:
            raise TicketSystemUnavailableError(str(error)) from error
        return await self._applied(ticket_id)

    async def _applied(self, ticket_id: str) -> Outcome:
        known = await self.get(ticket_id)
        return _unknown_ticket(ticket_id) if known is None else Applied(known)

    async def _one(self, query: object, sought: str) -> RemoteTicket | None:
        def work(db: Connection) -> RemoteTicket | None:
            row = db.execute(query, {"sought": sought}).first()  # type: ignore[call-overload]
            return None if row is None else self._ticket(db, row)

        return await self._read(work)

    async def _read(self, work: Work[T]) -> T:
        try:
            return await self._database.read(work)
        except StoreUnavailableError as error:
            raise TicketSystemUnavailableError(str(error)) from error

    def _ticket(self, db: Connection, row: Row[tuple[object, ...]]) -> RemoteTicket:
        sought = {"sought": row.id}
        events = _LAST.where(ticket_events.c.ticket_id == bindparam("sought"))
        links = db.execute(_LINKS, sought).scalars()
        return RemoteTicket(
            system=SYSTEM,
            id=row.id,
            url=self._desk.url(row.id),
            version=str(db.execute(events, sought).scalar()),
            correlation_id=row.key,
            title=row.summary,
            queue=row.queue,
            status=_OURS[row.status],
            priority=row.priority,
            requester=row.opened_by,
            links=tuple(str(note).removeprefix(_LINK) for note in links),
            updated_at=to_time(row.updated_at),
        )

    def _change(self, row: Row[tuple[object, ...]]) -> TicketChange:
        kind = _KINDS.get(row.kind, "other")
        if row.kind == "updated" and row.before != row.status:
            kind = "status"
        old, new = _words(kind, row)
        by_us = row.by is None or row.by == self._us
        return TicketChange(
            event_id=f"embedded-{row.seq}",
            ticket_id=row.ticket_id,
            kind=kind,
            at=to_time(row.at),
            actor=row.by or self._us,
            actor_is_us=by_us,
            old=old,
            new=new,
            text=row.note if kind == "comment" else None,
            visibility=_visibility(row.key) if kind == "comment" else None,
            correlation_id=row.correlation,
        )

    def _unknown_queue(self, queue: str) -> Rejected:
        return Rejected(
            f"The desk has no queue '{queue}'. Use one of: {', '.join(sorted(self._queues))}."
        )


def _words(kind: ChangeKind, row: Row[tuple[object, ...]]) -> tuple[str | None, str | None]:
    if kind == "status":
        return (_OURS[row.before] if row.before else None), _OURS[row.status]
    moved = _MOVED.fullmatch(row.note or "") if kind == "moved" else None
    return (moved[1], moved[2]) if moved else (None, None)


def _visibility(key: str) -> Visibility:
    """What is not said to be for the employee is for the people at the desk."""
    return "public" if key.startswith("public:") else "internal"


def _unknown_ticket(ticket_id: str) -> Rejected:
    return Rejected(f"The desk has no ticket '{ticket_id}'.")
