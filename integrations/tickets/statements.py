"""The embedded desk's statements, built once."""

from typing import Any

from sqlalchemy import Select, bindparam, func, select, update

from integrations.tickets.tables import ticket_events, tickets
from integrations.tickets.view import CLOSED

FIND_KEY = select(tickets).where(tickets.c.key == bindparam("sought"))
FIND = select(tickets).where(tickets.c.id == bindparam("sought"))
EVENTS = (
    select(ticket_events)
    .where(ticket_events.c.ticket_id == bindparam("sought"))
    .order_by(ticket_events.c.seq)
)
SUMMARIES = select(tickets.c.id, tickets.c.summary).where(
    tickets.c.id.in_(bindparam("sought", expanding=True))
)
NOTES = (
    select(ticket_events.c.ticket_id, ticket_events.c.note)
    .where(
        ticket_events.c.ticket_id.in_(bindparam("sought", expanding=True)),
        ticket_events.c.note.is_not(None),
    )
    .order_by(ticket_events.c.seq)
)
_OPEN = select(tickets).where(
    tickets.c.thread_id == bindparam("sought"), tickets.c.status.not_in(CLOSED)
)
HELD = _OPEN.where(tickets.c.assignee.is_not(None)).order_by(tickets.c.updated_at.desc()).limit(1)
OPEN_CASE = (
    _OPEN.with_only_columns(tickets.c.id)
    .order_by(tickets.c.opened_at.desc(), tickets.c.id.desc())
    .limit(1)
)
TAKE = (
    update(tickets)
    .where(
        tickets.c.id == bindparam("sought"),
        tickets.c.assignee.is_(None),
        tickets.c.status.not_in(CLOSED),
    )
    .values(assignee=bindparam("agent"))
)
NEWEST = select(func.max(ticket_events.c.seq))
SINCE = (
    select(ticket_events)
    .where(ticket_events.c.seq > bindparam("since"))
    .order_by(ticket_events.c.seq)
    .limit(bindparam("at_most"))
)
CHANGE = (
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
                "assignee",
                "resolution",
                "minutes",
            )
        }
    )
)


def listed(limit: int, **wanted: str | None) -> Select[Any]:
    """Tickets by their columns; `None` is any."""
    given = {name: value for name, value in wanted.items() if value is not None}
    query = select(tickets).order_by(tickets.c.due_at, tickets.c.id).limit(limit)
    return query.filter_by(**given)
