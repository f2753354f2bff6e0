"""Make the tables of codes for other devices and of staff addresses, and let a visit name its key."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the three tables and the column."""
    moment, row_id = sa.DateTime(timezone=True), sa.String(length=32)
    op.create_table(
        "known_devices",
        sa.Column("link_id", row_id, nullable=False),
        sa.Column("device_id", row_id, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_known_devices_link_id_links")),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_known_devices_device_id_devices")),
        sa.PrimaryKeyConstraint("link_id", "device_id", name=op.f("pk_known_devices")),
    )
    op.create_table(
        "step_up_codes",
        sa.Column("id", row_id, nullable=False),
        sa.Column("visit_id", row_id, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.id"], name=op.f("fk_step_up_codes_visit_id_visits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_up_codes")),
    )
    op.create_index(op.f("ix_step_up_codes_visit_id_created_at"), "step_up_codes", ["visit_id", "created_at"])
    op.create_table(
        "staff_addresses",
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_staff_addresses")),
    )
    op.create_index(op.f("ix_staff_addresses_seen_at"), "staff_addresses", ["seen_at"])
    op.add_column("visits", sa.Column("key_mark", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Drop the column and the tables."""
    op.drop_column("visits", "key_mark")
    for name in ("staff_addresses", "step_up_codes", "known_devices"):
        op.drop_table(name)
