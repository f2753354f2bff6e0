"""Make the tables of rule sets."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rule_sets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("origin", sa.String(length=12), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=True),
        sa.Column("killed_rule", sa.String(length=64), nullable=True),
        sa.Column("author_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_by", sa.String(length=32), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.String(length=32), nullable=True),
        sa.Column("approved_over", sa.String(length=32), nullable=True),
        sa.Column("live_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("live_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_rule_sets_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_sets")),
        sa.UniqueConstraint("site_id", "version", name=op.f("uq_rule_sets_site_id_version")),
    )
    op.create_index(op.f("ix_rule_sets_state"), "rule_sets", ["state"], unique=False)
    op.create_index(
        "uq_rule_sets_one_open_end",
        "rule_sets",
        ["site_id"],
        unique=True,
        sqlite_where=sa.text("live_from IS NOT NULL AND live_until IS NULL"),
        postgresql_where=sa.text("live_from IS NOT NULL AND live_until IS NULL"),
    )
    op.create_table(
        "rule_set_steps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("rule_set_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.String(length=30), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_set_id"], ["rule_sets.id"], name=op.f("fk_rule_set_steps_rule_set_id_rule_sets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set_steps")),
    )
    op.create_index(op.f("ix_rule_set_steps_rule_set_id_at"), "rule_set_steps", ["rule_set_id", "at"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("rule_set_steps")
    op.drop_table("rule_sets")
