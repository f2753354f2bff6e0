"""Make the table of rate counts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rate_counts",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", "window_start", name=op.f("pk_rate_counts")),
    )
    op.create_index(op.f("ix_rate_counts_window_start"), "rate_counts", ["window_start"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("rate_counts")
