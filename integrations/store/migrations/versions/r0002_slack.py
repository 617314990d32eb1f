"""Slack: whose conversation a thread is, what was posted, who rated and who opted out."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "slack_threads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text()),
        sa.Column("taken_by", sa.Text()),
        sa.Column("stopped", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_slack_threads"),
    )
    op.create_index("ix_slack_threads_ticket", "slack_threads", ["ticket"])
    op.create_index("ix_slack_threads_person", "slack_threads", ["person"])
    op.create_table(
        "slack_posts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text()),
        sa.Column("ts", sa.Text()),
        sa.PrimaryKeyConstraint("key", name="pk_slack_posts"),
    )
    op.create_table(
        "slack_people",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("follow_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_slack_people"),
    )
    op.create_table(
        "handoff_ratings",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_handoff_ratings"),
        sa.UniqueConstraint("key", name="uq_handoff_ratings_key"),
    )
    op.create_index("ix_handoff_ratings_ticket", "handoff_ratings", ["ticket"])
