"""Keep released rules, their approval and their history immutable in the database itself.

What a version is and began with never changes; its rules change only on the way back to a draft. While it is released,
nothing changes but when its life ends and what it was compared with; once it decided a page it stays released. No
version and no line of a history is deleted, and nobody approves what they began themselves.
"""

from alembic import op

revision = "0026"
down_revision = "0025"

ALWAYS = ("id", "site_id", "version", "origin", "based_on", "killed_rule", "author_id", "created_at")
RELEASED = ("body", "note", "edited_by", "edited_at", "revision", "submitted_at", "approved_at", "approved_by")

KEPT = "a released version is kept as it is"
SERVED = "EXISTS (SELECT 1 FROM arrangements WHERE arrangements.rule_set_id = OLD.id)"


def rules(differs: str) -> tuple[tuple[str, str], ...]:
    """Give what is refused on an update, with the words that say so."""

    def changed(names: tuple[str, ...]) -> str:
        return "(" + " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in names) + ")"

    return (
        (changed(ALWAYS), "what a version began with is kept"),
        (f"NEW.state <> 'draft' AND OLD.body {differs} NEW.body", "rules that were reviewed are not edited"),
        (f"OLD.state = 'discarded' AND {changed(('state', 'body'))}", "a discarded version is kept"),
        (f"OLD.state = 'released' AND NEW.state = 'released' AND {changed((*RELEASED, 'live_from'))}", KEPT),
        (f"OLD.state = 'released' AND NEW.state <> 'released' AND ({changed(('body', 'note'))} OR {SERVED})", KEPT),
        ("NEW.approved_by IS NOT NULL AND NEW.approved_by = NEW.author_id", "author and approver are two people, kept"),
    )


def upgrade() -> None:
    """Make the triggers."""
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "sqlite":
        for place, (when, why) in enumerate(rules("IS NOT"), 1):
            run(
                f"CREATE TRIGGER rule_sets_kept_{place} BEFORE UPDATE ON rule_sets WHEN {when} "
                f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
            )
        for table, deed in (("rule_sets", "DELETE"), ("rule_set_steps", "UPDATE"), ("rule_set_steps", "DELETE")):
            run(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the history of rules is kept'); END"
            )
        return
    tests = " ".join(f"IF {when} THEN RAISE EXCEPTION '{why}'; END IF;" for when, why in rules("IS DISTINCT FROM"))
    run(f"CREATE FUNCTION rule_sets_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {tests} RETURN NEW; END $$")
    run(
        "CREATE FUNCTION rule_history_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the history of rules is kept'; END $$"
    )
    each = "FOR EACH ROW EXECUTE FUNCTION"
    run(f"CREATE TRIGGER rule_sets_kept BEFORE UPDATE ON rule_sets {each} rule_sets_kept()")
    run(f"CREATE TRIGGER rule_sets_no_delete BEFORE DELETE ON rule_sets {each} rule_history_kept()")
    run(f"CREATE TRIGGER rule_set_steps_kept BEFORE UPDATE OR DELETE ON rule_set_steps {each} rule_history_kept()")


def downgrade() -> None:
    """Drop the triggers."""
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "sqlite":
        for place in range(1, len(rules("IS NOT")) + 1):
            run(f"DROP TRIGGER rule_sets_kept_{place}")
        for name in ("rule_sets_no_delete", "rule_set_steps_no_update", "rule_set_steps_no_delete"):
            run(f"DROP TRIGGER {name}")
        return
    run("DROP TRIGGER rule_sets_kept ON rule_sets")
    run("DROP TRIGGER rule_sets_no_delete ON rule_sets")
    run("DROP TRIGGER rule_set_steps_kept ON rule_set_steps")
    run("DROP FUNCTION rule_sets_kept()")
    run("DROP FUNCTION rule_history_kept()")
