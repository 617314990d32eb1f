"""The tables of access, in the same schema and migrations as the journal. No secret is stored, only its hash."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from integrations.store.tables import Sequence, metadata

access_grants = Table(
    "access_grants",
    metadata,
    Column("person", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("queues", Text),
    Column("granted_at", BigInteger, nullable=False),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("person", Text, nullable=False, index=True),
    Column("roles", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

access_sessions = Table(
    "access_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("person", Text, nullable=False, index=True),
    Column("how", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

access_links = Table(
    "access_links",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

access_attempts = Table(
    "access_attempts",
    metadata,
    Column("state", Text, primary_key=True),
    Column("browser", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

access_accounts = Table(
    "access_accounts",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
)

access_events = Table(
    "access_events",
    metadata,
    Column("seq", Sequence, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("person", Text),
    Column("how", Text),
    Column("session", Text),
    Column("route", Text),
    Column("reason", Text),
    Index(None, "at"),
)
