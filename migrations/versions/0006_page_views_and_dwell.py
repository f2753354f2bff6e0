"""Make the tables of page views and dwell."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "calculator_uses",
        sa.Column("view_id", sa.String(length=32), nullable=False),
        sa.Column("calculator", sa.String(length=40), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=True),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("band", sa.String(length=40), nullable=False),
        sa.Column("profiled", sa.Boolean(), nullable=False),
        sa.Column("last_no", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", "calculator", name=op.f("pk_calculator_uses")),
    )
    op.create_index(
        op.f("ix_calculator_uses_calculator_opened_at"), "calculator_uses", ["calculator", "opened_at"], unique=False
    )
    op.create_index(
        op.f("ix_calculator_uses_hcp_id_opened_at"), "calculator_uses", ["hcp_id", "opened_at"], unique=False
    )
    op.create_table(
        "daily_dwell",
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("module_key", sa.String(length=80), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("profiled", sa.Boolean(), nullable=False),
        sa.Column("eng_ms", sa.BigInteger(), nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.Column("skips", sa.Integer(), nullable=False),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Boolean(), nullable=False),
        sa.Column("useful", sa.Boolean(), nullable=True),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hcp_id", "site_id", "module_key", "day", "profiled", name=op.f("pk_daily_dwell")),
    )
    op.create_index(op.f("ix_daily_dwell_site_id_day"), "daily_dwell", ["site_id", "day"], unique=False)
    op.create_table(
        "drops",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "reason", name=op.f("pk_drops")),
    )
    op.create_table(
        "interactions",
        sa.Column("view_id", sa.String(length=32), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=161), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=True),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("view_id", "no", "type", "subject", name=op.f("pk_interactions")),
    )
    op.create_index(op.f("ix_interactions_hcp_id_at"), "interactions", ["hcp_id", "at"], unique=False)
    op.create_index(op.f("ix_interactions_type_at"), "interactions", ["type", "at"], unique=False)
    op.create_table(
        "interest",
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("value_ms", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hcp_id", "site_id", "topic", name=op.f("pk_interest")),
    )
    op.create_table(
        "not_relevant",
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("module_key", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hcp_id", "site_id", "module_key", name=op.f("pk_not_relevant")),
    )
    op.create_table(
        "page_views",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("copy_of", sa.String(length=32), nullable=True),
        sa.Column("hcp_id", sa.String(length=32), nullable=True),
        sa.Column("visit_id", sa.String(length=32), nullable=True),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("page", sa.String(length=80), nullable=False),
        sa.Column("arrangement_id", sa.String(length=32), nullable=True),
        sa.Column("mode", sa.String(length=12), nullable=False),
        sa.Column("feeds_profile", sa.Boolean(), nullable=False),
        sa.Column("staff", sa.Boolean(), nullable=False),
        sa.Column("sections", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("grace_ms", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_ms", sa.Integer(), nullable=True),
        sa.Column("vis_ms", sa.Integer(), nullable=True),
        sa.Column("eng_ms", sa.Integer(), nullable=True),
        sa.Column("ret_ms", sa.Integer(), nullable=True),
        sa.Column("silences", sa.Integer(), nullable=True),
        sa.Column("pend_ms", sa.Integer(), nullable=True),
        sa.Column("blur_ms", sa.Integer(), nullable=True),
        sa.Column("idle_ms", sa.Integer(), nullable=True),
        sa.Column("gap_ms", sa.Integer(), nullable=True),
        sa.Column("video_ms", sa.Integer(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=True),
        sa.Column("received", sa.Integer(), nullable=True),
        sa.Column("wall_ms", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("refused", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_views")),
    )
    op.create_index(op.f("ix_page_views_hcp_id_opened_at"), "page_views", ["hcp_id", "opened_at"], unique=False)
    op.create_index(op.f("ix_page_views_opened_at"), "page_views", ["opened_at"], unique=False)
    op.create_index(op.f("ix_page_views_visit_id"), "page_views", ["visit_id"], unique=False)
    op.create_table(
        "section_views",
        sa.Column("view_id", sa.String(length=32), nullable=False),
        sa.Column("section", sa.String(length=161), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=True),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("module_key", sa.String(length=80), nullable=False),
        sa.Column("module_version", sa.String(length=32), nullable=False),
        sa.Column("attention_ms", sa.Integer(), nullable=False),
        sa.Column("seen_ms", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", "section", name=op.f("pk_section_views")),
    )
    op.create_index(op.f("ix_section_views_hcp_id_module_key"), "section_views", ["hcp_id", "module_key"], unique=False)
    op.create_index(op.f("ix_section_views_module_version"), "section_views", ["module_version"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("section_views")
    op.drop_table("page_views")
    op.drop_table("not_relevant")
    op.drop_table("interest")
    op.drop_table("interactions")
    op.drop_table("drops")
    op.drop_table("daily_dwell")
    op.drop_table("calculator_uses")
