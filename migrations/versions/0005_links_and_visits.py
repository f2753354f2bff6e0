"""Make the tables of links and visits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "devices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_devices_token_hash")),
    )
    op.create_table(
        "spent_nonces",
        sa.Column("nonce_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce_hash", name=op.f("pk_spent_nonces")),
    )
    op.create_index(op.f("ix_spent_nonces_at"), "spent_nonces", ["at"], unique=False)
    op.create_table(
        "links",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("sender_id", sa.String(length=32), nullable=True),
        sa.Column("sending_id", sa.String(length=32), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=True),
        sa.Column("modules", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("landing", sa.String(length=60), nullable=True),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(length=32), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.Column("device_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_links_hcp_id_hcps")),
        sa.ForeignKeyConstraint(["sender_id"], ["users.id"], name=op.f("fk_links_sender_id_users")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_links_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_hcp_id_created_at"), "links", ["hcp_id", "created_at"], unique=False)
    op.create_index(op.f("ix_links_sender_id_created_at"), "links", ["sender_id", "created_at"], unique=False)
    op.create_index(op.f("ix_links_sending_id"), "links", ["sending_id"], unique=False)
    op.create_table(
        "link_activity",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("visit_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("marks", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_link_activity_link_id_links")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_activity")),
    )
    op.create_index(op.f("ix_link_activity_address_hash_at"), "link_activity", ["address_hash", "at"], unique=False)
    op.create_index(op.f("ix_link_activity_link_id_at"), "link_activity", ["link_id", "at"], unique=False)
    op.create_index(op.f("ix_link_activity_visit_id"), "link_activity", ["visit_id"], unique=False)
    op.create_table(
        "visits",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=True),
        sa.Column("confidence", sa.String(length=10), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("marks", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("standard_order", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hcp_id"], ["hcps.id"], name=op.f("fk_visits_hcp_id_hcps")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_visits_link_id_links")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_visits_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_visits_token_hash")),
    )
    op.create_index(op.f("ix_visits_hcp_id_opened_at"), "visits", ["hcp_id", "opened_at"], unique=False)
    op.create_index(op.f("ix_visits_link_id"), "visits", ["link_id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("visits")
    op.drop_table("link_activity")
    op.drop_table("links")
    op.drop_table("spent_nonces")
    op.drop_table("devices")
