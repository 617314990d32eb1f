"""Rows of the embedded desk, read and changed."""

from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Row

from copilot.conversation import Handoff
from copilot.errors import DeskUnavailableError, StoreUnavailableError
from integrations.store.tables import to_stamp, to_time
from integrations.tickets import statements as sql
from integrations.tickets.view import TicketStep

T = TypeVar("T")
StoredRow = Row[tuple[object, ...]]
Changes = dict[str, str | int | None]


def row_of(db: Connection, ticket_id: str) -> StoredRow:
    row = db.execute(sql.FIND, {"sought": ticket_id}).first()
    if row is None:
        raise DeskUnavailableError(f"The desk has no ticket '{ticket_id}'. Open one first.")
    return row


def change(db: Connection, known: StoredRow, at: datetime, changes: Changes) -> None:
    names = (
        "queue",
        "status",
        "priority",
        "summary",
        "handoff",
        "due_at",
        "assignee",
        "resolution",
        "minutes",
    )
    values = {f"new_{name}": changes.get(name, getattr(known, name)) for name in names}
    updated = max(to_stamp(at), known.updated_at)
    db.execute(sql.CHANGE, {"sought": known.id, "new_updated_at": updated, **values})


def step(row: StoredRow) -> TicketStep:
    return TicketStep(
        kind=row.kind,
        at=to_time(row.at),
        by=row.by,
        status=row.status,
        note=row.note,
        handoff=Handoff.model_validate_json(row.handoff) if row.handoff else None,
    )


async def at_the_desk(work: Awaitable[T]) -> T:
    try:
        return await work
    except StoreUnavailableError as error:
        raise DeskUnavailableError(f"The ticket desk is not available. {error}") from error
