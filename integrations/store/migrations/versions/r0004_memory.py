"""Resolutions: which articles people confirmed to have solved a ticket."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "resolutions",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("person", sa.Text()),
        sa.Column("problem", sa.Text()),
        sa.Column("articles", sa.Text()),
        sa.Column("audience", sa.Text()),
        sa.Column("category", sa.Text()),
        sa.Column("subcategory", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_resolutions"),
    )
    op.create_index("ix_resolutions_ticket_id", "resolutions", ["ticket_id"])
    op.create_index("ix_resolutions_person", "resolutions", ["person"])
