"""What is to be told to the ticket system, and how far reading from it has come."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from integrations.store.tables import metadata

deliveries = Table(
    "deliveries",
    metadata,
    # The number of the desk's own event: what happened once is told once.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("ticket_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("reason", Text),
    Index("ix_deliveries_state_ticket_id", "state", "ticket_id"),
)

remote_tickets = Table(
    "remote_tickets",
    metadata,
    Column("ticket_id", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("remote_id", Text, nullable=False, index=True),
    Column("url", Text),
)

delivery_cursors = Table(
    "delivery_cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
