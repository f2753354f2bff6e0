"""Let a module's version carry the definition of its calculator, kept like the rest once it left the draft."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

SENTENCE = "a version that has left the draft is not edited"


def upgrade() -> None:
    """Add the column and its triggers."""
    op.add_column("module_versions", sa.Column("definition", sa.Text(), nullable=True))
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "sqlite":
        run(
            "CREATE TRIGGER module_versions_definition_kept BEFORE UPDATE ON module_versions "
            "WHEN OLD.state <> 'draft' AND OLD.definition IS NOT NEW.definition "
            f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        )
        return
    run(
        "CREATE FUNCTION module_versions_definition_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF OLD.state <> 'draft' AND OLD.definition IS DISTINCT FROM NEW.definition THEN "
        f"RAISE EXCEPTION '{SENTENCE}'; END IF; RETURN NEW; END $$"
    )
    run(
        "CREATE TRIGGER module_versions_definition_kept BEFORE UPDATE ON module_versions "
        "FOR EACH ROW EXECUTE FUNCTION module_versions_definition_kept()"
    )


def downgrade() -> None:
    """Drop the triggers and the column."""
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "sqlite":
        run("DROP TRIGGER module_versions_definition_kept")
    else:
        run("DROP TRIGGER module_versions_definition_kept ON module_versions")
        run("DROP FUNCTION module_versions_definition_kept()")
    op.drop_column("module_versions", "definition")
