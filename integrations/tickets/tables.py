"""The tables of the embedded desk, in the same schema and migrations as the journal."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from integrations.store.tables import Sequence, metadata

ticket_numbers = Table(
    "ticket_numbers",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("thread_id", Text, nullable=False, index=True),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("queue", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("handoff", Text, nullable=False),
    Column("assignee", Text),
    Column("resolution", Text),
    Column("minutes", Integer),
    Index("ix_tickets_status_queue_due_at", "status", "queue", "due_at"),
)

ticket_events = Table(
    "ticket_events",
    metadata,
    Column("seq", Sequence, primary_key=True),
    Column("ticket_id", Text, ForeignKey("tickets.id"), nullable=False, index=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text),
    Column("status", Text, nullable=False),
    Column("note", Text),
    Column("handoff", Text),
)

handoff_ratings = Table(
    "handoff_ratings",
    metadata,
    Column("seq", Sequence, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("ticket", Text, nullable=False, index=True),
    Column("agent", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("note", Text),
    Column("at", BigInteger, nullable=False),
)
