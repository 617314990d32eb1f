"""Delivery to the company's ticket system."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_state_ticket_id", "deliveries", ["state", "ticket_id"])
    op.create_table(
        "remote_tickets",
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_remote_tickets"),
    )
    op.create_index("ix_remote_tickets_remote_id", "remote_tickets", ["remote_id"])
    op.create_table(
        "delivery_cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_delivery_cursors"),
    )
