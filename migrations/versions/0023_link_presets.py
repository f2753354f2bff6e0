"""Make the table of link presets, and let a link name the one it was issued with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "link_presets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("series_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("modules", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("landing", sa.String(length=60), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by", sa.String(length=32), nullable=True),
        sa.Column("retired_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_link_presets_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_presets")),
        sa.UniqueConstraint("series_id", "number", name=op.f("uq_link_presets_series_id_number")),
    )
    op.add_column("links", sa.Column("preset_id", sa.String(length=32), nullable=True))


def downgrade() -> None:
    """Drop the column and the table."""
    op.drop_column("links", "preset_id")
    op.drop_table("link_presets")
