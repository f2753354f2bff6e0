"""Make the table of what was discussed with a doctor in a visit."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "discussions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("module_key", sa.String(length=80), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_discussions_hcp_id_hcps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discussions")),
        sa.UniqueConstraint(
            "hcp_id", "site_id", "module_key", "day", name=op.f("uq_discussions_hcp_id_site_id_module_key_day")
        ),
    )
    op.create_index(op.f("ix_discussions_day"), "discussions", ["day"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_index(op.f("ix_discussions_day"), table_name="discussions")
    op.drop_table("discussions")
