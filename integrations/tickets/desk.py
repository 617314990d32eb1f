"""The embedded ticket desk: the default where the company connects no ticket system of its own."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam

from copilot.conversation import Handoff, Priority, TicketRef
from copilot.errors import DeskUnavailableError
from copilot.hours import WorkingHours
from copilot.record import Held
from integrations.store.database import Database, RacedError
from integrations.store.tables import to_stamp, to_time
from integrations.tickets import statements as sql
from integrations.tickets.promise import Promises
from integrations.tickets.rows import Changes, StoredRow, at_the_desk, change, row_of, step
from integrations.tickets.tables import ticket_events, ticket_numbers, tickets
from integrations.tickets.view import (
    CLOSED,
    Claim,
    DeskChange,
    EventKind,
    NoteKind,
    ResolutionCode,
    TicketLine,
    TicketStatus,
    TicketView,
)

SYSTEM = "desk"


class EmbeddedDesk:
    """Any method may raise `DeskUnavailableError`. Repeating a change's key gives the same ticket."""

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
            known = db.execute(sql.FIND_KEY, {"sought": key}).first()
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

        return await at_the_desk(self._database.write(work))

    async def update(
        self, ticket_id: str, handoff: Handoff, *, key: str, at: datetime
    ) -> TicketRef:
        """Replace the handoff of a ticket by what is known now; a closed one opens again.

        A ticket never becomes less urgent by an update.
        """
        self._check_queue(handoff.queue)

        def work(db: Connection) -> TicketRef:
            known = row_of(db, ticket_id)
            status = "open" if known.status in CLOSED else known.status
            if not self._note(
                db, ticket_id, key, at, kind="updated", status=status, handoff=handoff
            ):
                return self._ref(ticket_id, known.queue, known.status)
            priority: Priority = min(known.priority, handoff.priority)
            changes: Changes = {
                "queue": handoff.queue,
                "status": status,
                "priority": priority,
                "summary": handoff.summary,
                "handoff": handoff.model_dump_json(),
                "due_at": self._due_after(known, status, priority, at),
            }
            if known.status in CLOSED:
                changes |= {"assignee": None, "resolution": None}
            change(db, known, at, changes)
            return self._ref(ticket_id, handoff.queue, status)

        return await at_the_desk(self._database.write(work))

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
    ) -> TicketRef:
        """What an agent did with the ticket; one that is opened again belongs to nobody."""

        def work(db: Connection) -> TicketRef:
            known = row_of(db, ticket_id)
            if not self._note(
                db, ticket_id, key, at, kind="status", status=status, by=by, note=note
            ):
                return self._ref(ticket_id, known.queue, known.status)
            changes: Changes = {"status": status}
            if status in CLOSED:
                changes |= {"resolution": resolution or known.resolution}
                changes |= {"minutes": known.minutes if minutes is None else minutes}
            elif known.status in CLOSED:
                changes |= {"assignee": None, "resolution": None}
            change(db, known, at, changes)
            return self._ref(ticket_id, known.queue, status)

        return await at_the_desk(self._database.write(work))

    async def note(
        self,
        ticket_id: str,
        text: str,
        *,
        key: str,
        by: str,
        at: datetime,
        kind: NoteKind = "note",
    ) -> TicketRef:
        """Add what somebody says about the ticket; its state stays. The text is redacted already."""

        def work(db: Connection) -> TicketRef:
            known = row_of(db, ticket_id)
            if self._note(db, ticket_id, key, at, kind=kind, status=known.status, by=by, note=text):
                change(db, known, at, {})
            return self._ref(ticket_id, known.queue, known.status)

        return await at_the_desk(self._database.write(work))

    async def said(
        self, ticket_id: str, text: str, *, key: str, by: str, at: datetime
    ) -> TicketRef:
        """What the employee writes to the agent who has the ticket. The text is redacted already."""
        return await self.note(ticket_id, text, key=key, by=by, at=at, kind="said")

    async def move(
        self, ticket_id: str, queue: str, *, key: str, by: str, at: datetime
    ) -> TicketRef:
        """Give the ticket to another queue; there it waits for somebody to claim it."""
        self._check_queue(queue)

        def work(db: Connection) -> TicketRef:
            known = row_of(db, ticket_id)
            told = f"Moved from {known.queue} to {queue}."
            status = "open" if known.status == "in_progress" else known.status
            if not self._note(
                db, ticket_id, key, at, kind="moved", status=status, by=by, note=told
            ):
                return self._ref(ticket_id, known.queue, known.status)
            change(db, known, at, {"queue": queue, "status": status, "assignee": None})
            return self._ref(ticket_id, queue, status)

        return await at_the_desk(self._database.write(work))

    async def claim(self, ticket_id: str, agent: str, *, key: str, at: datetime) -> Claim:
        """Give the ticket to an agent, if nobody else has it and it is not done. First come, first served."""

        def work(db: Connection) -> Claim:
            taken = db.execute(sql.TAKE, {"sought": ticket_id, "agent": agent}).rowcount
            known = row_of(db, ticket_id)
            if known.assignee == agent and known.status not in CLOSED:
                if taken:
                    status = "in_progress" if known.status == "open" else known.status
                    change(db, known, at, {"status": status})
                    self._note(db, ticket_id, key, at, kind="claimed", status=status, by=agent)
                return Claim(holder=agent, won=True)
            return Claim(holder=known.assignee or "", won=False)

        return await at_the_desk(self._database.write(work))

    async def release(self, ticket_id: str, *, key: str, by: str, at: datetime) -> TicketRef:
        """Nobody has the ticket any more: the copilot may speak again. A closed one opens again."""

        def work(db: Connection) -> TicketRef:
            known = row_of(db, ticket_id)
            if self._note(db, ticket_id, key, at, kind="released", status="open", by=by):
                change(db, known, at, {"status": "open", "assignee": None, "resolution": None})
            return self._ref(ticket_id, known.queue, "open")

        return await at_the_desk(self._database.write(work))

    async def held(self, thread_id: str) -> Held | None:
        """The case of this conversation that an agent has; the copilot is silent there meanwhile."""

        def work(db: Connection) -> Held | None:
            row = db.execute(sql.HELD, {"sought": thread_id}).first()
            if row is None:
                return None
            handoff = Handoff.model_validate_json(row.handoff)
            ticket = self._ref(row.id, row.queue, row.status)
            return Held(agent=row.assignee, ticket=ticket, handoff=handoff)

        return await at_the_desk(self._database.read(work))

    async def open_case(self, thread_id: str) -> str | None:
        """The id of the newest case of this conversation that is not done."""

        def work(db: Connection) -> str | None:
            ticket: str | None = db.execute(sql.OPEN_CASE, {"sought": thread_id}).scalar()
            return ticket

        return await at_the_desk(self._database.read(work))

    async def newest(self) -> int:
        """The number of the latest event; 0 where nothing has happened yet."""
        query = sql.NEWEST
        return await at_the_desk(self._database.read(lambda db: db.execute(query).scalar() or 0))

    async def changes(self, since: int, *, limit: int = 200) -> Sequence[DeskChange]:
        """What happened after an event's number, oldest first."""
        sought = {"since": since, "at_most": limit}
        rows = await at_the_desk(
            self._database.read(lambda db: db.execute(sql.SINCE, sought).all())
        )
        return [
            DeskChange(seq=row.seq, ticket_id=row.ticket_id, key=row.key, step=step(row))
            for row in rows
        ]

    async def resolve(self, ticket_id: str, *, key: str, by: str, at: datetime) -> TicketRef:
        """The employee says that it works."""
        said = "The employee says that it works now."
        return await self.set_status(ticket_id, "resolved", key=key, by=by, at=at, note=said)

    async def ticket(self, ticket_id: str) -> TicketView | None:
        """A ticket with its history, or `None` when there is none of that id."""

        def work(db: Connection) -> TicketView | None:
            row = db.execute(sql.FIND, {"sought": ticket_id}).first()
            if row is None:
                return None
            history = db.execute(sql.EVENTS, {"sought": ticket_id}).all()
            return TicketView(
                line=self._line(row),
                handoff=Handoff.model_validate_json(row.handoff),
                history=tuple(map(step, history)),
            )

        return await at_the_desk(self._database.read(work))

    async def texts(self, ticket_ids: Sequence[str]) -> dict[str, str]:
        """Summary and notes of each ticket as they stand now, in the order asked for."""
        sought = {"sought": tuple(ticket_ids)}

        def work(db: Connection) -> dict[str, str]:
            said = {row.id: [row.summary] for row in db.execute(sql.SUMMARIES, sought)}
            for row in db.execute(sql.NOTES, sought):
                said[row.ticket_id].append(row.note)
            return {name: "\n".join(said[name]) for name in ticket_ids if name in said}

        return await at_the_desk(self._database.read(work))

    async def list(
        self,
        queue: str | None = None,
        status: TicketStatus | None = None,
        *,
        opened_by: str | None = None,
        limit: int = 200,
    ) -> list[TicketLine]:
        """Tickets of a queue, a status and a person, the one that is due first at the top."""
        query = sql.listed(limit, queue=queue, status=status, opened_by=opened_by)
        rows = await at_the_desk(self._database.read(lambda db: db.execute(query).all()))
        return [self._line(row) for row in rows]

    def _number(self, db: Connection, at: datetime) -> str:
        number = db.execute(self._next_number, {"year": at.year}).scalar_one()
        return f"T-{at.year:04d}-{number:06d}"

    def _note(
        self,
        db: Connection,
        ticket_id: str,
        key: str,
        at: datetime,
        *,
        kind: EventKind,
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
            assignee=row.assignee,
            resolution=row.resolution,
            minutes=row.minutes,
        )
