"""Slack's tables, in the same schema and migrations as the journal."""

from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from integrations.store.tables import metadata

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

slack_followed = Table(
    "slack_followed",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

slack_people = Table(
    "slack_people",
    metadata,
    Column("person", Text, primary_key=True),
    Column("team", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("follow_up", Boolean, nullable=False),
)
