"""The table of resolutions: what was confirmed, withdrawn or forgotten, one row an event."""

from sqlalchemy import BigInteger, Column, Table, Text

from integrations.store.tables import Sequence, metadata

resolutions = Table(
    "resolutions",
    metadata,
    Column("seq", Sequence, primary_key=True),
    Column("ticket_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("person", Text, index=True),
    Column("problem", Text),
    Column("articles", Text),
    Column("audience", Text),
    Column("category", Text),
    Column("subcategory", Text),
)
