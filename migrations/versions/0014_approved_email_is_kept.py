"""Keep approved mail immutable and its record append-only in the database itself."""

from alembic import op

revision = "0014"
down_revision = "0013"

ONCE = ("mail_reviews", "delivery_reports", "unsubscribes")
CONTENT = (
    "id",
    "piece_id",
    "number",
    "title",
    "subject",
    "body",
    "fields",
    "bounds",
    "audiences",
    "sha256",
    "created_at",
)
APPROVED = (
    "author_id",
    "submitted_at",
    "approved_at",
    "approved_by",
    "approval_code",
    "in_force_from",
    "html",
    "text",
    "row_html",
    "rendered_sha256",
)


def _differs(names: tuple[str, ...], distinct: str) -> str:
    return "(" + " OR ".join(f"OLD.{name} {distinct} NEW.{name}" for name in names) + ")"


def _faults(distinct: str) -> tuple[tuple[str, str], ...]:
    later = "OLD.in_force_until IS NOT NULL AND (NEW.in_force_until IS NULL OR NEW.in_force_until > OLD.in_force_until)"
    return (
        (f"OLD.state <> 'draft' AND {_differs(CONTENT, distinct)}", "a piece that has left the draft is not edited"),
        (
            "OLD.state = 'approved' AND NEW.state NOT IN ('approved', 'withdrawn')",
            "an approved piece only ends or is withdrawn",
        ),
        ("OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn'", "a withdrawn piece stays withdrawn"),
        (f"OLD.state IN ('approved', 'withdrawn') AND ({later})", "an approved piece only ends or is withdrawn"),
        (
            f"OLD.state IN ('approved', 'withdrawn') AND {_differs(APPROVED, distinct)}",
            "an approved piece only ends or is withdrawn",
        ),
        (
            "NEW.state = 'approved' AND (NEW.approved_by IS NULL OR NEW.approved_by = NEW.author_id)",
            "author and approver are two people",
        ),
    )


def upgrade() -> None:
    """Make the triggers."""
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "sqlite":
        for place, (condition, sentence) in enumerate(_faults("IS NOT"), start=1):
            run(
                f"CREATE TRIGGER mail_piece_versions_kept_{place} BEFORE UPDATE ON mail_piece_versions "
                f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
            )
        run(
            "CREATE TRIGGER mail_piece_versions_no_delete BEFORE DELETE ON mail_piece_versions "
            "WHEN OLD.state <> 'draft' BEGIN SELECT RAISE(ABORT, 'what has left the draft is kept'); END"
        )
        for table in ONCE:
            for verb in ("UPDATE", "DELETE"):
                run(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    checks = " ".join(
        f"IF {condition} THEN RAISE EXCEPTION '{sentence}'; END IF;"
        for condition, sentence in _faults("IS DISTINCT FROM")
    )
    run(
        "CREATE FUNCTION mail_piece_versions_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF OLD.state <> 'draft' THEN RAISE EXCEPTION 'what has left the draft is kept'; "
        f"END IF; RETURN OLD; END IF; {checks} RETURN NEW; END $$"
    )
    run(
        "CREATE TRIGGER mail_piece_versions_kept BEFORE UPDATE OR DELETE ON mail_piece_versions "
        "FOR EACH ROW EXECUTE FUNCTION mail_piece_versions_kept()"
    )
    run(
        "CREATE FUNCTION mail_written_once() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in ONCE:
        run(
            f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION mail_written_once()"
        )


def downgrade() -> None:
    """Drop the triggers."""
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "sqlite":
        for place in range(1, len(_faults("")) + 1):
            run(f"DROP TRIGGER mail_piece_versions_kept_{place}")
        run("DROP TRIGGER mail_piece_versions_no_delete")
        for table in ONCE:
            run(f"DROP TRIGGER {table}_no_update")
            run(f"DROP TRIGGER {table}_no_delete")
        return
    run("DROP TRIGGER mail_piece_versions_kept ON mail_piece_versions")
    run("DROP FUNCTION mail_piece_versions_kept()")
    for table in ONCE:
        run(f"DROP TRIGGER {table}_written_once ON {table}")
    run("DROP FUNCTION mail_written_once()")
