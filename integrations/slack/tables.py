"""Slack's tables, in the same schema and migrations as the journal."""

from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from integrations.store.tables import Sequence, metadata

slack_threads = Table(
    "slack_threads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("team", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("person", Text, nullable=False, index=True),
    Column("ticket", Text, index=True),
    Column("stopped", Text),
)

slack_posts = Table(
    "slack_posts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("thread", Text),
    Column("ts", Text),
)

slack_people = Table(
    "slack_people",
    metadata,
    Column("person", Text, primary_key=True),
    Column("team", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("follow_up", Boolean, nullable=False),
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
