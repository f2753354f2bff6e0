"""Make the tables of the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=True),
        sa.Column("hcp_id", sa.String(length=32), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("id", name=op.f("uq_audit_events_id")),
    )
    op.create_index(
        op.f("ix_audit_events_actor_kind_actor_id_seq"), "audit_events", ["actor_kind", "actor_id", "seq"], unique=False
    )
    op.create_index(op.f("ix_audit_events_at"), "audit_events", ["at"], unique=False)
    op.create_index(op.f("ix_audit_events_hcp_id_seq"), "audit_events", ["hcp_id", "seq"], unique=False)
    op.create_index(op.f("ix_audit_events_name_seq"), "audit_events", ["name", "seq"], unique=False)
    op.create_table(
        "audit_personal",
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("hcp_id", sa.String(length=32), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("fields", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["audit_events.id"], name=op.f("fk_audit_personal_event_id_audit_events")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_personal")),
    )
    op.create_index(op.f("ix_audit_personal_hcp_id"), "audit_personal", ["hcp_id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("audit_personal")
    op.drop_table("audit_events")
