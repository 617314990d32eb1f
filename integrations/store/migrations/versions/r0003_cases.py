"""Cases: who has a ticket, how it ended, and how long it took."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("assignee", sa.Text()))
    op.add_column("tickets", sa.Column("resolution", sa.Text()))
    op.add_column("tickets", sa.Column("minutes", sa.Integer()))
    op.drop_column("slack_threads", "taken_by")
    op.create_table(
        "slack_followed",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_slack_followed"),
    )
