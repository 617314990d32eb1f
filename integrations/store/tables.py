"""The tables of the journal. Times are microseconds since 1970, documents are JSON texts.

Both databases store these alike, and a time compares as it sorts. A change here needs a migration beside it.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Sequence = BigInteger().with_variant(Integer, "sqlite")
"""Only INTEGER counts up by itself in SQLite."""

threads = Table(
    "threads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("disposition", Text),
    Column("category", Text),
    Column("subcategory", Text),
    Column("ticket", Text),
    Column("resolved", Boolean),
    Index(None, "user_id", "last_at"),
)

turns = Table(
    "turns",
    metadata,
    Column("seq", Sequence, primary_key=True),
    Column("inquiry_id", Text, nullable=False, unique=True),
    Column("thread_id", Text, ForeignKey("threads.id"), nullable=False, index=True),
    Column("user_id", Text, nullable=False),
    Column("text_hash", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("inquiry", Text, nullable=False),
    Column("reply", Text),
    Column("record", Text),
    Column("outcome", Text),
)
Index(
    "ix_turns_unfinished",
    turns.c.seq,
    sqlite_where=text("reply IS NULL"),
    postgresql_where=text("reply IS NULL"),
)

handoffs = Table(
    "handoffs",
    metadata,
    Column("key", Text, primary_key=True),
    Column("inquiry_id", Text, ForeignKey("turns.inquiry_id"), nullable=False, index=True),
    Column("handoff", Text, nullable=False),
    Column("ticket", Text),
)

feedback = Table(
    "feedback",
    metadata,
    Column("seq", Sequence, primary_key=True),
    Column("inquiry_id", Text, ForeignKey("turns.inquiry_id"), nullable=False, index=True),
    Column("verdict", Text, nullable=False),
    Column("at", BigInteger),
    Column("comment", Text),
)


def to_stamp(at: datetime) -> int:
    """The microseconds since 1970 of an aware time."""
    return (at - _EPOCH) // _MICROSECOND


def to_time(stamp: int) -> datetime:
    """The time of a stamp, in UTC; an offset beyond the calendar's ends is cut to its ends."""
    return _EPOCH + _MICROSECOND * min(max(stamp, to_stamp(_FIRST)), to_stamp(_LAST))
