"""The embedded ticket desk: the default where the company connects no ticket system of its own."""

from collections.abc import Awaitable, Collection, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Row, bindparam, select, update

from copilot.conversation import Handoff, Priority, TicketRef
from copilot.errors import DeskUnavailableError, StoreUnavailableError
from copilot.hours import WorkingHours
from integrations.store.database import Database, RacedError
from integrations.store.tables import to_stamp, to_time
from integrations.tickets.promise import Promises
from integrations.tickets.tables import ticket_events, ticket_numbers, tickets
from integrations.tickets.view import CLOSED, TicketLine, TicketStatus, TicketStep, TicketView

T = TypeVar("T")
StoredRow = Row[tuple[object, ...]]

SYSTEM = "desk"

_FIND_KEY = select(tickets).where(tickets.c.key == bindparam("sought"))
_FIND = select(tickets).where(tickets.c.id == bindparam("sought"))
_EVENTS = (
    select(ticket_events)
    .where(ticket_events.c.ticket_id == bindparam("sought"))
    .order_by(ticket_events.c.seq)
)
_SUMMARIES = select(tickets.c.id, tickets.c.summary).where(
    tickets.c.id.in_(bindparam("sought", expanding=True))
)
_NOTES = (
    select(ticket_events.c.ticket_id, ticket_events.c.note)
    .where(
        ticket_events.c.ticket_id.in_(bindparam("sought", expanding=True)),
        ticket_events.c.note.is_not(None),
    )
    .order_by(ticket_events.c.seq)
)
_CHANGE = (
    update(tickets)
    .where(tickets.c.id == bindparam("sought"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in (
                "queue",
                "status",
                "priority",
                "summary",
                "handoff",
                "due_at",
                "updated_at",
            )
        }
    )
)


class EmbeddedDesk:
    """Tickets in the record store. Any method may raise `DeskUnavailableError`.

    Every change carries a key: repeating it changes nothing and gives the same ticket.
    """

    def __init__(
        self,
        database: Database,
        *,
        queues: Collection[str],
        promises: Promises,
        hours: WorkingHours | None = None,
        base_url: str = "",
    ) -> None:
        self._database = database
        self._queues = frozenset(queues)
        self._promises = promises
        self._hours = hours or WorkingHours()
        self._base_url = base_url.rstrip("/")
        number = database.insert(ticket_numbers).values(year=bindparam("year"), last=1)
        self._next_number = number.on_conflict_do_update(
            index_elements=["year"], set_={"last": ticket_numbers.c.last + 1}
        ).returning(ticket_numbers.c.last)
        self._add_ticket = database.insert(tickets).on_conflict_do_nothing()
        self._add_event = database.insert(ticket_events).on_conflict_do_nothing()

    async def open(
        self, handoff: Handoff, *, key: str, thread_id: str, opened_by: str, at: datetime
    ) -> TicketRef:
        """The ticket of this key, made now if there is none."""
        self._check_queue(handoff.queue)

        def work(db: Connection) -> TicketRef:
            known = db.execute(_FIND_KEY, {"sought": key}).first()
            if known is not None:
                return self._ref(known.id, known.queue, known.status)
            ticket = {
                "id": self._number(db, at),
                "key": key,
                "thread_id": thread_id,
                "opened_by": opened_by,
                "opened_at": to_stamp(at),
                "updated_at": to_stamp(at),
                "due_at": self._due(handoff.priority, at),
                "queue": handoff.queue,
                "status": "open",
                "priority": handoff.priority,
                "summary": handoff.summary,
                "handoff": handoff.model_dump_json(),
            }
            if not db.execute(self._add_ticket, ticket).rowcount:
                raise RacedError
            self._note(
                db, str(ticket["id"]), key, at, kind="opened", status="open", handoff=handoff
            )
            return self._ref(str(ticket["id"]), handoff.queue, "open")

        return await _at_the_desk(self._database.write(work))

    async def update(
        self, ticket_id: str, handoff: Handoff, *, key: str, at: datetime
    ) -> TicketRef:
        """Replace the handoff of a ticket by what is known now; a closed one opens again.

        A ticket never becomes less urgent by an update.
        """
        self._check_queue(handoff.queue)

        def work(db: Connection) -> TicketRef:
            known = _known(db, ticket_id)
            status = "open" if known.status in CLOSED else known.status
            if not self._note(
                db, ticket_id, key, at, kind="updated", status=status, handoff=handoff
            ):
                return self._ref(ticket_id, known.queue, known.status)
            priority: Priority = min(known.priority, handoff.priority)
            changes = {
                "queue": handoff.queue,
                "status": status,
                "priority": priority,
                "summary": handoff.summary,
                "handoff": handoff.model_dump_json(),
                "due_at": self._due_after(known, status, priority, at),
            }
            _change(db, known, at, changes)
            return self._ref(ticket_id, handoff.queue, status)

        return await _at_the_desk(self._database.write(work))

    async def set_status(
        self,
        ticket_id: str,
        status: TicketStatus,
        *,
        key: str,
        by: str,
        at: datetime,
        note: str | None = None,
    ) -> TicketRef:
        """What an agent did with the ticket."""

        def work(db: Connection) -> TicketRef:
            known = _known(db, ticket_id)
            if not self._note(
                db, ticket_id, key, at, kind="status", status=status, by=by, note=note
            ):
                return self._ref(ticket_id, known.queue, known.status)
            _change(db, known, at, {"status": status})
            return self._ref(ticket_id, known.queue, status)

        return await _at_the_desk(self._database.write(work))

    async def note(
        self, ticket_id: str, text: str, *, key: str, by: str, at: datetime
    ) -> TicketRef:
        """Add what somebody says about the ticket; its state stays. The text is redacted already."""

        def work(db: Connection) -> TicketRef:
            known = _known(db, ticket_id)
            if self._note(
                db, ticket_id, key, at, kind="note", status=known.status, by=by, note=text
            ):
                _change(db, known, at, {})
            return self._ref(ticket_id, known.queue, known.status)

        return await _at_the_desk(self._database.write(work))

    async def move(
        self, ticket_id: str, queue: str, *, key: str, by: str, at: datetime
    ) -> TicketRef:
        """Give the ticket to another queue."""
        self._check_queue(queue)

        def work(db: Connection) -> TicketRef:
            known = _known(db, ticket_id)
            note = f"Moved from {known.queue} to {queue}."
            if self._note(
                db, ticket_id, key, at, kind="moved", status=known.status, by=by, note=note
            ):
                _change(db, known, at, {"queue": queue})
            return self._ref(ticket_id, queue, known.status)

        return await _at_the_desk(self._database.write(work))

    async def resolve(self, ticket_id: str, *, key: str, by: str, at: datetime) -> TicketRef:
        """The employee says that it works."""
        note = "The employee says that it works now."
        return await self.set_status(ticket_id, "resolved", key=key, by=by, at=at, note=note)

    async def ticket(self, ticket_id: str) -> TicketView | None:
        """A ticket with its history, or `None` when there is none of that id."""

        def work(db: Connection) -> TicketView | None:
            row = db.execute(_FIND, {"sought": ticket_id}).first()
            if row is None:
                return None
            history = db.execute(_EVENTS, {"sought": ticket_id}).all()
            return TicketView(
                line=self._line(row),
                handoff=Handoff.model_validate_json(row.handoff),
                history=tuple(map(_step, history)),
            )

        return await _at_the_desk(self._database.read(work))

    async def texts(self, ticket_ids: Sequence[str]) -> dict[str, str]:
        """Summary and notes of each ticket as they stand now, in the order asked for."""
        sought = {"sought": tuple(ticket_ids)}

        def work(db: Connection) -> dict[str, str]:
            said = {row.id: [row.summary] for row in db.execute(_SUMMARIES, sought)}
            for row in db.execute(_NOTES, sought):
                said[row.ticket_id].append(row.note)
            return {name: "\n".join(said[name]) for name in ticket_ids if name in said}

        return await _at_the_desk(self._database.read(work))

    async def list(
        self, queue: str | None = None, status: TicketStatus | None = None, *, limit: int = 200
    ) -> list[TicketLine]:
        """Tickets of a queue and a status, the one that is due first at the top."""
        query = select(tickets).order_by(tickets.c.due_at, tickets.c.id).limit(limit)
        if queue is not None:
            query = query.where(tickets.c.queue == queue)
        if status is not None:
            query = query.where(tickets.c.status == status)
        rows = await _at_the_desk(self._database.read(lambda db: db.execute(query).all()))
        return [self._line(row) for row in rows]

    def _number(self, db: Connection, at: datetime) -> str:
        number: int = db.execute(self._next_number, {"year": at.year}).scalar_one()
        return f"T-{at.year:04d}-{number:06d}"

    def _note(
        self,
        db: Connection,
        ticket_id: str,
        key: str,
        at: datetime,
        *,
        kind: str,
        status: str,
        by: str | None = None,
        note: str | None = None,
        handoff: Handoff | None = None,
    ) -> bool:
        """Add an event; says whether its key is new."""
        event = {
            "ticket_id": ticket_id,
            "key": key,
            "kind": kind,
            "at": to_stamp(at),
            "by": by,
            "status": status,
            "note": note,
            "handoff": handoff.model_dump_json() if handoff else None,
        }
        return bool(db.execute(self._add_event, event).rowcount)

    def _due(self, priority: Priority, at: datetime) -> int:
        promise = self._promises.get(priority)
        return to_stamp(at if promise is None else promise.due(at, self._hours))

    def _due_after(self, known: StoredRow, status: str, priority: Priority, at: datetime) -> int:
        """A ticket that opens again or becomes more urgent is promised anew."""
        if status == known.status and priority == known.priority:
            due: int = known.due_at
            return due
        return self._due(priority, at)

    def _check_queue(self, queue: str) -> None:
        if queue not in self._queues:
            raise DeskUnavailableError(
                f"The desk has no queue '{queue}'. Use one of: {', '.join(sorted(self._queues))}."
            )

    def url(self, ticket_id: str) -> str:
        """Where people open the ticket."""
        return f"{self._base_url}/cases/{ticket_id}"

    def _ref(self, ticket_id: str, queue: str, status: str) -> TicketRef:
        return TicketRef(
            system=SYSTEM, id=ticket_id, url=self.url(ticket_id), queue=queue, status=status
        )

    def _line(self, row: StoredRow) -> TicketLine:
        return TicketLine(
            id=row.id,
            url=self.url(row.id),
            queue=row.queue,
            status=row.status,
            priority=row.priority,
            summary=row.summary,
            thread_id=row.thread_id,
            opened_by=row.opened_by,
            opened_at=to_time(row.opened_at),
            updated_at=to_time(row.updated_at),
            due_at=to_time(row.due_at),
        )


def _known(db: Connection, ticket_id: str) -> StoredRow:
    row = db.execute(_FIND, {"sought": ticket_id}).first()
    if row is None:
        raise DeskUnavailableError(f"The desk has no ticket '{ticket_id}'. Open one first.")
    return row


def _change(db: Connection, known: StoredRow, at: datetime, changes: dict[str, str | int]) -> None:
    names = ("queue", "status", "priority", "summary", "handoff", "due_at")
    values = {f"new_{name}": changes.get(name, getattr(known, name)) for name in names}
    updated = max(to_stamp(at), known.updated_at)
    db.execute(_CHANGE, {"sought": known.id, "new_updated_at": updated, **values})


def _step(row: StoredRow) -> TicketStep:
    return TicketStep(
        kind=row.kind,
        at=to_time(row.at),
        by=row.by,
        status=row.status,
        note=row.note,
        handoff=Handoff.model_validate_json(row.handoff) if row.handoff else None,
    )


async def _at_the_desk(work: Awaitable[T]) -> T:
    try:
        return await work
    except StoreUnavailableError as error:
        raise DeskUnavailableError(f"The ticket desk is not available. {error}") from error
