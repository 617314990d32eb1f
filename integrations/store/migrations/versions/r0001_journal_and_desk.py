"""The journal of turns and the embedded desk's tickets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _journal()
    _desk()


def _journal() -> None:
    op.create_table(
        "threads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("disposition", sa.Text()),
        sa.Column("category", sa.Text()),
        sa.Column("subcategory", sa.Text()),
        sa.Column("ticket", sa.Text()),
        sa.Column("resolved", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_threads"),
    )
    op.create_index("ix_threads_user_id_last_at", "threads", ["user_id", "last_at"])
    op.create_table(
        "turns",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("inquiry_id", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("inquiry", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text()),
        sa.Column("record", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_turns"),
        sa.UniqueConstraint("inquiry_id", name="uq_turns_inquiry_id"),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name="fk_turns_thread_id"),
    )
    op.create_index("ix_turns_thread_id", "turns", ["thread_id"])
    op.create_index("ix_turns_at", "turns", ["at"])
    unfinished = sa.text("reply IS NULL")
    op.create_index(
        "ix_turns_unfinished",
        "turns",
        ["seq"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_table(
        "handoffs",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("inquiry_id", sa.Text(), nullable=False),
        sa.Column("handoff", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text()),
        sa.PrimaryKeyConstraint("key", name="pk_handoffs"),
        sa.ForeignKeyConstraint(
            ["inquiry_id"], ["turns.inquiry_id"], name="fk_handoffs_inquiry_id"
        ),
    )
    op.create_index("ix_handoffs_inquiry_id", "handoffs", ["inquiry_id"])
    op.create_table(
        "feedback",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("inquiry_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger()),
        sa.Column("comment", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_feedback"),
        sa.ForeignKeyConstraint(
            ["inquiry_id"], ["turns.inquiry_id"], name="fk_feedback_inquiry_id"
        ),
    )
    op.create_index("ix_feedback_inquiry_id", "feedback", ["inquiry_id"])


def _desk() -> None:
    op.create_table(
        "ticket_numbers",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_ticket_numbers"),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("handoff", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("key", name="uq_tickets_key"),
    )
    op.create_index("ix_tickets_thread_id", "tickets", ["thread_id"])
    op.create_index("ix_tickets_status_queue_due_at", "tickets", ["status", "queue", "due_at"])
    op.create_table(
        "ticket_events",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("handoff", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_ticket_events"),
        sa.UniqueConstraint("key", name="uq_ticket_events_key"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_ticket_events_ticket_id"),
    )
    op.create_index("ix_ticket_events_ticket_id", "ticket_events", ["ticket_id"])
