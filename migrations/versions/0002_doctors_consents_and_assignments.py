"""Make the tables of doctors, consents and assignments."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "territories",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_territories")),
        sa.UniqueConstraint("key", name=op.f("uq_territories_key")),
    )
    op.create_table(
        "hcps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("npi", sa.String(length=10), nullable=True),
        sa.Column("title", sa.String(length=20), nullable=False),
        sa.Column("first_name", sa.String(length=80), nullable=True),
        sa.Column("last_name", sa.String(length=80), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("specialty", sa.String(length=80), nullable=True),
        sa.Column("segment", sa.String(length=1), nullable=True),
        sa.Column("decile", sa.Integer(), nullable=True),
        sa.Column("adoption_step", sa.String(length=20), nullable=True),
        sa.Column("knowledge_level", sa.String(length=20), nullable=True),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("market", sa.String(length=2), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=True),
        sa.Column("territory_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("access_revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["territory_id"], ["territories.id"], name=op.f("fk_hcps_territory_id_territories")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hcps")),
        sa.UniqueConstraint("npi", name=op.f("uq_hcps_npi")),
        sa.UniqueConstraint("ref", name=op.f("uq_hcps_ref")),
    )
    op.create_index(op.f("ix_hcps_email"), "hcps", ["email"], unique=False)
    op.create_index(op.f("ix_hcps_territory_id"), "hcps", ["territory_id"], unique=False)
    op.create_table(
        "adoption_steps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_adoption_steps_hcp_id_hcps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adoption_steps")),
    )
    op.create_index(op.f("ix_adoption_steps_hcp_id"), "adoption_steps", ["hcp_id"], unique=False)
    op.create_table(
        "assignments",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_assignments_hcp_id_hcps")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_assignments_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
    )
    op.create_index(op.f("ix_assignments_hcp_id"), "assignments", ["hcp_id"], unique=False)
    op.create_index(op.f("ix_assignments_user_id_until"), "assignments", ["user_id", "until"], unique=False)
    op.create_table(
        "consents",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=True),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_consents_hcp_id_hcps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_hcp_id_purpose_at"), "consents", ["hcp_id", "purpose", "at"], unique=False)
    op.create_table(
        "declared_interests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_declared_interests_hcp_id_hcps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declared_interests")),
        sa.UniqueConstraint("hcp_id", "site_id", "topic", name=op.f("uq_declared_interests_hcp_id_site_id_topic")),
    )
    op.create_index(op.f("ix_declared_interests_hcp_id"), "declared_interests", ["hcp_id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("declared_interests")
    op.drop_table("consents")
    op.drop_table("assignments")
    op.drop_table("adoption_steps")
    op.drop_table("hcps")
    op.drop_table("territories")
