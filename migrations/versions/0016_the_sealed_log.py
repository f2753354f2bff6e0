"""Make the tables of the sealed log, append-only from the first row."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

TABLES = ("audit_leaves", "audit_nodes", "audit_checkpoints")


def upgrade() -> None:
    """Make the tables and their triggers."""
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_leaves",
        sa.Column("place", serial, autoincrement=False, nullable=False),
        sa.Column("event_seq", serial, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["audit_events.seq"], name=op.f("fk_audit_leaves_event_seq_audit_events")
        ),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_audit_leaves")),
        sa.UniqueConstraint("event_seq", name=op.f("uq_audit_leaves_event_seq")),
    )
    op.create_table(
        "audit_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", serial, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("level", "place", name=op.f("pk_audit_nodes")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", serial, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_checkpoints")),
    )
    run = op.get_bind().exec_driver_sql
    for table in TABLES:
        if op.get_bind().dialect.name == "sqlite":
            for deed in ("UPDATE", "DELETE"):
                run(
                    f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            continue
        run(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        run(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Drop the tables, and the triggers with them."""
    for table in reversed(TABLES):
        op.drop_table(table)
