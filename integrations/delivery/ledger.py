"""The rows of deliveries, of tickets elsewhere, and of how far reading has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Row, func, select, update

from integrations.delivery.tables import deliveries, delivery_cursors, remote_tickets
from integrations.store.database import Database
from integrations.store.tables import to_stamp, to_time
from integrations.tickets.port import RemoteTicket
from integrations.tickets.view import DeskChange

State = Literal["waiting", "done", "refused"]
_DESK = "desk"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One change of the desk on its way to the ticket system."""

    seq: int
    ticket_id: str
    state: State
    attempts: int
    next_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The ticket of a case in the company's ticket system."""

    ticket_id: str
    system: str
    remote_id: str
    url: str | None


class DeliveryLedger:
    """Any method may raise `StoreUnavailableError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = database.insert(deliveries).on_conflict_do_nothing()
        remote = database.insert(remote_tickets)
        self._keep_remote = remote.on_conflict_do_update(
            index_elements=["ticket_id"],
            set_={name: remote.excluded[name] for name in ("system", "remote_id", "url")},
        )
        cursor = database.insert(delivery_cursors)
        self._keep_cursor = cursor.on_conflict_do_update(
            index_elements=["name"], set_={"value": cursor.excluded.value}
        )

    async def read_up_to(self) -> int:
        """The number of the last event of the desk that is in the ledger."""
        return int(await self.cursor(_DESK) or 0)

    async def add(self, changes: Sequence[DeskChange], up_to: int) -> None:
        """Note the changes to deliver, and that the desk was read up to an event; both or neither."""
        rows = [
            {
                "seq": change.seq,
                "ticket_id": change.ticket_id,
                "state": "waiting",
                "attempts": 0,
                "next_at": to_stamp(change.step.at),
                "reason": None,
            }
            for change in changes
        ]

        def work(db: Connection) -> None:
            for row in rows:
                db.execute(self._add, row | {"next_at": 0})
            db.execute(self._keep_cursor, {"name": _DESK, "value": str(up_to)})

        await self._database.write(work)

    async def first_waiting(self) -> list[Delivery]:
        """The oldest waiting delivery of each ticket, oldest first: a ticket's changes keep their order."""
        oldest = (
            select(func.min(deliveries.c.seq))
            .where(deliveries.c.state == "waiting")
            .group_by(deliveries.c.ticket_id)
        )
        query = select(deliveries).where(deliveries.c.seq.in_(oldest)).order_by(deliveries.c.seq)
        rows = await self._database.read(lambda db: db.execute(query).all())
        return [_delivery(row) for row in rows]

    async def settle(self, seq: int, state: State, reason: str | None = None) -> None:
        change = (
            update(deliveries)
            .where(deliveries.c.seq == seq)
            .values(state=state, reason=reason, attempts=deliveries.c.attempts + 1)
        )
        await self._database.write(lambda db: db.execute(change))

    async def put_off(self, seq: int, until: datetime, reason: str) -> None:
        change = (
            update(deliveries)
            .where(deliveries.c.seq == seq)
            .values(next_at=to_stamp(until), reason=reason, attempts=deliveries.c.attempts + 1)
        )
        await self._database.write(lambda db: db.execute(change))

    async def try_again(self) -> int:
        """Let everything refused or put off be tried at once; says how many deliveries that is."""
        change = (
            update(deliveries)
            .where(deliveries.c.state != "done")
            .values(state="waiting", next_at=0, attempts=0)
        )
        return await self._database.write(lambda db: db.execute(change).rowcount)

    async def undelivered(self, limit: int = 200) -> list[Delivery]:
        query = (
            select(deliveries)
            .where(deliveries.c.state != "done")
            .order_by(deliveries.c.seq)
            .limit(limit)
        )
        rows = await self._database.read(lambda db: db.execute(query).all())
        return [_delivery(row) for row in rows]

    async def counts(self) -> dict[str, int]:
        query = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
        rows = await self._database.read(lambda db: db.execute(query).all())
        return {row[0]: row[1] for row in rows}

    async def elsewhere(self, ticket_id: str) -> Elsewhere | None:
        """The ticket of a case of ours."""
        return await self._one(
            select(remote_tickets).where(remote_tickets.c.ticket_id == ticket_id)
        )

    async def ours(self, remote_id: str) -> Elsewhere | None:
        """The case of a ticket of theirs."""
        return await self._one(
            select(remote_tickets).where(remote_tickets.c.remote_id == remote_id)
        )

    async def made(self, ticket_id: str, remote: RemoteTicket) -> None:
        row = {
            "ticket_id": ticket_id,
            "system": remote.system,
            "remote_id": remote.id,
            "url": remote.url,
        }
        await self._database.write(lambda db: db.execute(self._keep_remote, row))

    async def cursor(self, name: str) -> str | None:
        query = select(delivery_cursors.c.value).where(delivery_cursors.c.name == name)

        def work(db: Connection) -> str | None:
            value: str | None = db.execute(query).scalar()
            return value

        return await self._database.read(work)

    async def keep_cursor(self, name: str, value: str) -> None:
        row = {"name": name, "value": value}
        await self._database.write(lambda db: db.execute(self._keep_cursor, row))

    async def _one(self, query: object) -> Elsewhere | None:
        row = await self._database.read(lambda db: db.execute(query).first())  # type: ignore[call-overload]  # a select
        return Elsewhere(row.ticket_id, row.system, row.remote_id, row.url) if row else None


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        row.seq, row.ticket_id, row.state, row.attempts, to_time(row.next_at), row.reason
    )
