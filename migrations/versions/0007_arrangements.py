"""Make the table of arrangements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "arrangements",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("visit_id", sa.String(length=32), nullable=True),
        sa.Column("hcp_id", sa.String(length=32), nullable=True),
        sa.Column("page", sa.String(length=60), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("rule_set_id", sa.String(length=32), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("candidates", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("pieces", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("page_sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrangements")),
    )
    op.create_index(op.f("ix_arrangements_hcp_id_at"), "arrangements", ["hcp_id", "at"], unique=False)
    op.create_index(op.f("ix_arrangements_rule_set_id"), "arrangements", ["rule_set_id"], unique=False)
    op.create_index(op.f("ix_arrangements_site_id_at"), "arrangements", ["site_id", "at"], unique=False)
    op.create_index(op.f("ix_arrangements_visit_id"), "arrangements", ["visit_id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("arrangements")
