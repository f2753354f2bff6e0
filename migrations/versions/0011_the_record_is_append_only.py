"""Keep the record append-only in the database itself."""

from alembic import op

revision = "0011"
down_revision = "0010"

# table: what may not be done to its rows
KEPT = {
    "audit_events": ("UPDATE", "DELETE"),
    "audit_personal": ("UPDATE",),  # a row may be deleted: that is how personal values are erased
    "arrangements": ("UPDATE", "DELETE"),
    "consents": ("UPDATE", "DELETE"),
    "link_activity": ("UPDATE", "DELETE"),
}


def upgrade() -> None:
    """Make the triggers."""
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "sqlite":
        for table, deeds in KEPT.items():
            for deed in deeds:
                run(
                    f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    run(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME; END $$"
    )
    for table, deeds in KEPT.items():
        run(
            f"CREATE TRIGGER {table}_append_only BEFORE {' OR '.join(deeds)} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        run(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Drop the triggers."""
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "sqlite":
        for table, deeds in KEPT.items():
            for deed in deeds:
                run(f"DROP TRIGGER {table}_no_{deed.lower()}")
        return
    for table in KEPT:
        run(f"DROP TRIGGER {table}_append_only ON {table}")
        run(f"DROP TRIGGER {table}_no_truncate ON {table}")
    run("DROP FUNCTION refuse_change()")
