"""Keep approved content immutable in the database itself."""

from alembic import op

revision = "0010"
down_revision = "0009"

SQLITE_UP = (
    "CREATE TRIGGER module_versions_kept_1 BEFORE UPDATE ON module_versions WHEN OLD.state <> 'draft' AND (OLD.id IS NOT NEW.id OR OLD.number IS NOT NEW.number OR OLD.title IS NOT NEW.title OR OLD.summary IS NOT NEW.summary OR OLD.body IS NOT NEW.body OR OLD.words IS NOT NEW.words OR OLD.sections IS NOT NEW.sections OR OLD.source IS NOT NEW.source OR OLD.sha256 IS NOT NEW.sha256 OR OLD.created_at IS NOT NEW.created_at OR OLD.position IS NOT NEW.position OR OLD.module_id IS NOT NEW.module_id OR OLD.topics IS NOT NEW.topics OR OLD.key_message IS NOT NEW.key_message OR OLD.audiences IS NOT NEW.audiences OR OLD.calculator IS NOT NEW.calculator OR OLD.calculator_version IS NOT NEW.calculator_version) BEGIN SELECT RAISE(ABORT, 'a version that has left the draft is not edited'); END",
    "CREATE TRIGGER module_versions_kept_2 BEFORE UPDATE ON module_versions WHEN OLD.state = 'approved' AND NEW.state NOT IN ('approved', 'withdrawn') BEGIN SELECT RAISE(ABORT, 'an approved version is never opened again'); END",
    "CREATE TRIGGER module_versions_kept_3 BEFORE UPDATE ON module_versions WHEN OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn' BEGIN SELECT RAISE(ABORT, 'an approved version is never opened again'); END",
    "CREATE TRIGGER module_versions_kept_4 BEFORE UPDATE ON module_versions WHEN OLD.state IN ('approved', 'withdrawn') AND (OLD.in_force_until IS NOT NULL AND (NEW.in_force_until IS NULL OR NEW.in_force_until > OLD.in_force_until)) BEGIN SELECT RAISE(ABORT, 'an approved version only ends or is withdrawn'); END",
    "CREATE TRIGGER module_versions_kept_5 BEFORE UPDATE ON module_versions WHEN OLD.state IN ('approved', 'withdrawn') AND (OLD.author_id IS NOT NEW.author_id OR OLD.submitted_at IS NOT NEW.submitted_at OR OLD.approval_code IS NOT NEW.approval_code OR OLD.approved_at IS NOT NEW.approved_at OR OLD.approved_by IS NOT NEW.approved_by OR OLD.in_force_from IS NOT NEW.in_force_from OR OLD.card_hash IS NOT NEW.card_hash OR OLD.page_hash IS NOT NEW.page_hash) BEGIN SELECT RAISE(ABORT, 'an approved version only ends or is withdrawn'); END",
    "CREATE TRIGGER module_versions_kept_6 BEFORE UPDATE ON module_versions WHEN OLD.state = 'withdrawn' AND (OLD.withdrawn_at IS NOT NEW.withdrawn_at OR OLD.withdrawn_reason IS NOT NEW.withdrawn_reason OR OLD.in_force_until IS NOT NEW.in_force_until) BEGIN SELECT RAISE(ABORT, 'an approved version only ends or is withdrawn'); END",
    "CREATE TRIGGER module_versions_kept_7 BEFORE UPDATE ON module_versions WHEN NEW.state = 'approved' AND (NEW.approved_by IS NULL OR NEW.approved_by = NEW.author_id) BEGIN SELECT RAISE(ABORT, 'author and approver are two people'); END",
    "CREATE TRIGGER module_versions_no_delete BEFORE DELETE ON module_versions WHEN OLD.state <> 'draft' BEGIN SELECT RAISE(ABORT, 'what has left the draft is kept'); END",
    "CREATE TRIGGER block_versions_kept_1 BEFORE UPDATE ON block_versions WHEN OLD.state <> 'draft' AND (OLD.id IS NOT NEW.id OR OLD.number IS NOT NEW.number OR OLD.title IS NOT NEW.title OR OLD.summary IS NOT NEW.summary OR OLD.body IS NOT NEW.body OR OLD.words IS NOT NEW.words OR OLD.sections IS NOT NEW.sections OR OLD.source IS NOT NEW.source OR OLD.sha256 IS NOT NEW.sha256 OR OLD.created_at IS NOT NEW.created_at OR OLD.position IS NOT NEW.position OR OLD.block_id IS NOT NEW.block_id) BEGIN SELECT RAISE(ABORT, 'a version that has left the draft is not edited'); END",
    "CREATE TRIGGER block_versions_kept_2 BEFORE UPDATE ON block_versions WHEN OLD.state = 'approved' AND NEW.state NOT IN ('approved', 'withdrawn') BEGIN SELECT RAISE(ABORT, 'an approved version is never opened again'); END",
    "CREATE TRIGGER block_versions_kept_3 BEFORE UPDATE ON block_versions WHEN OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn' BEGIN SELECT RAISE(ABORT, 'an approved version is never opened again'); END",
    "CREATE TRIGGER block_versions_kept_4 BEFORE UPDATE ON block_versions WHEN OLD.state IN ('approved', 'withdrawn') AND (OLD.in_force_until IS NOT NULL AND (NEW.in_force_until IS NULL OR NEW.in_force_until > OLD.in_force_until)) BEGIN SELECT RAISE(ABORT, 'an approved version only ends or is withdrawn'); END",
    "CREATE TRIGGER block_versions_kept_5 BEFORE UPDATE ON block_versions WHEN OLD.state IN ('approved', 'withdrawn') AND (OLD.author_id IS NOT NEW.author_id OR OLD.submitted_at IS NOT NEW.submitted_at OR OLD.approval_code IS NOT NEW.approval_code OR OLD.approved_at IS NOT NEW.approved_at OR OLD.approved_by IS NOT NEW.approved_by OR OLD.in_force_from IS NOT NEW.in_force_from OR OLD.card_hash IS NOT NEW.card_hash OR OLD.page_hash IS NOT NEW.page_hash) BEGIN SELECT RAISE(ABORT, 'an approved version only ends or is withdrawn'); END",
    "CREATE TRIGGER block_versions_kept_6 BEFORE UPDATE ON block_versions WHEN OLD.state = 'withdrawn' AND (OLD.withdrawn_at IS NOT NEW.withdrawn_at OR OLD.withdrawn_reason IS NOT NEW.withdrawn_reason OR OLD.in_force_until IS NOT NEW.in_force_until) BEGIN SELECT RAISE(ABORT, 'an approved version only ends or is withdrawn'); END",
    "CREATE TRIGGER block_versions_kept_7 BEFORE UPDATE ON block_versions WHEN NEW.state = 'approved' AND (NEW.approved_by IS NULL OR NEW.approved_by = NEW.author_id) BEGIN SELECT RAISE(ABORT, 'author and approver are two people'); END",
    "CREATE TRIGGER block_versions_no_delete BEFORE DELETE ON block_versions WHEN OLD.state <> 'draft' BEGIN SELECT RAISE(ABORT, 'what has left the draft is kept'); END",
    "CREATE TRIGGER reviews_no_update BEFORE UPDATE ON reviews BEGIN SELECT RAISE(ABORT, 'this is written once and kept'); END",
    "CREATE TRIGGER reviews_no_delete BEFORE DELETE ON reviews BEGIN SELECT RAISE(ABORT, 'this is written once and kept'); END",
    "CREATE TRIGGER labels_no_update BEFORE UPDATE ON labels BEGIN SELECT RAISE(ABORT, 'this is written once and kept'); END",
    "CREATE TRIGGER labels_no_delete BEFORE DELETE ON labels BEGIN SELECT RAISE(ABORT, 'this is written once and kept'); END",
    "CREATE TRIGGER label_sections_no_update BEFORE UPDATE ON label_sections BEGIN SELECT RAISE(ABORT, 'this is written once and kept'); END",
    "CREATE TRIGGER label_sections_no_delete BEFORE DELETE ON label_sections BEGIN SELECT RAISE(ABORT, 'this is written once and kept'); END",
    "CREATE TRIGGER fragments_no_update BEFORE UPDATE ON fragments BEGIN SELECT RAISE(ABORT, 'this is written once and kept'); END",
    "CREATE TRIGGER fragments_no_delete BEFORE DELETE ON fragments BEGIN SELECT RAISE(ABORT, 'this is written once and kept'); END",
)

SQLITE_DOWN = (
    "DROP TRIGGER module_versions_kept_1",
    "DROP TRIGGER module_versions_kept_2",
    "DROP TRIGGER module_versions_kept_3",
    "DROP TRIGGER module_versions_kept_4",
    "DROP TRIGGER module_versions_kept_5",
    "DROP TRIGGER module_versions_kept_6",
    "DROP TRIGGER module_versions_kept_7",
    "DROP TRIGGER module_versions_no_delete",
    "DROP TRIGGER block_versions_kept_1",
    "DROP TRIGGER block_versions_kept_2",
    "DROP TRIGGER block_versions_kept_3",
    "DROP TRIGGER block_versions_kept_4",
    "DROP TRIGGER block_versions_kept_5",
    "DROP TRIGGER block_versions_kept_6",
    "DROP TRIGGER block_versions_kept_7",
    "DROP TRIGGER block_versions_no_delete",
    "DROP TRIGGER reviews_no_update",
    "DROP TRIGGER reviews_no_delete",
    "DROP TRIGGER labels_no_update",
    "DROP TRIGGER labels_no_delete",
    "DROP TRIGGER label_sections_no_update",
    "DROP TRIGGER label_sections_no_delete",
    "DROP TRIGGER fragments_no_update",
    "DROP TRIGGER fragments_no_delete",
)

POSTGRES_UP = (
    "CREATE FUNCTION module_versions_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.state <> 'draft' AND (OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number OR OLD.title IS DISTINCT FROM NEW.title OR OLD.summary IS DISTINCT FROM NEW.summary OR OLD.body IS DISTINCT FROM NEW.body OR OLD.words IS DISTINCT FROM NEW.words OR OLD.sections IS DISTINCT FROM NEW.sections OR OLD.source IS DISTINCT FROM NEW.source OR OLD.sha256 IS DISTINCT FROM NEW.sha256 OR OLD.created_at IS DISTINCT FROM NEW.created_at OR OLD.position IS DISTINCT FROM NEW.position OR OLD.module_id IS DISTINCT FROM NEW.module_id OR OLD.topics IS DISTINCT FROM NEW.topics OR OLD.key_message IS DISTINCT FROM NEW.key_message OR OLD.audiences IS DISTINCT FROM NEW.audiences OR OLD.calculator IS DISTINCT FROM NEW.calculator OR OLD.calculator_version IS DISTINCT FROM NEW.calculator_version) THEN RAISE EXCEPTION 'a version that has left the draft is not edited'; END IF; IF OLD.state = 'approved' AND NEW.state NOT IN ('approved', 'withdrawn') THEN RAISE EXCEPTION 'an approved version is never opened again'; END IF; IF OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn' THEN RAISE EXCEPTION 'an approved version is never opened again'; END IF; IF OLD.state IN ('approved', 'withdrawn') AND (OLD.in_force_until IS NOT NULL AND (NEW.in_force_until IS NULL OR NEW.in_force_until > OLD.in_force_until)) THEN RAISE EXCEPTION 'an approved version only ends or is withdrawn'; END IF; IF OLD.state IN ('approved', 'withdrawn') AND (OLD.author_id IS DISTINCT FROM NEW.author_id OR OLD.submitted_at IS DISTINCT FROM NEW.submitted_at OR OLD.approval_code IS DISTINCT FROM NEW.approval_code OR OLD.approved_at IS DISTINCT FROM NEW.approved_at OR OLD.approved_by IS DISTINCT FROM NEW.approved_by OR OLD.in_force_from IS DISTINCT FROM NEW.in_force_from OR OLD.card_hash IS DISTINCT FROM NEW.card_hash OR OLD.page_hash IS DISTINCT FROM NEW.page_hash) THEN RAISE EXCEPTION 'an approved version only ends or is withdrawn'; END IF; IF OLD.state = 'withdrawn' AND (OLD.withdrawn_at IS DISTINCT FROM NEW.withdrawn_at OR OLD.withdrawn_reason IS DISTINCT FROM NEW.withdrawn_reason OR OLD.in_force_until IS DISTINCT FROM NEW.in_force_until) THEN RAISE EXCEPTION 'an approved version only ends or is withdrawn'; END IF; IF NEW.state = 'approved' AND (NEW.approved_by IS NULL OR NEW.approved_by = NEW.author_id) THEN RAISE EXCEPTION 'author and approver are two people'; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER module_versions_kept BEFORE UPDATE ON module_versions FOR EACH ROW EXECUTE FUNCTION module_versions_kept()",
    "CREATE FUNCTION module_versions_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.state <> 'draft' THEN RAISE EXCEPTION 'what has left the draft is kept'; END IF; RETURN OLD; END $$",
    "CREATE TRIGGER module_versions_no_delete BEFORE DELETE ON module_versions FOR EACH ROW EXECUTE FUNCTION module_versions_no_delete()",
    "CREATE FUNCTION block_versions_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.state <> 'draft' AND (OLD.id IS DISTINCT FROM NEW.id OR OLD.number IS DISTINCT FROM NEW.number OR OLD.title IS DISTINCT FROM NEW.title OR OLD.summary IS DISTINCT FROM NEW.summary OR OLD.body IS DISTINCT FROM NEW.body OR OLD.words IS DISTINCT FROM NEW.words OR OLD.sections IS DISTINCT FROM NEW.sections OR OLD.source IS DISTINCT FROM NEW.source OR OLD.sha256 IS DISTINCT FROM NEW.sha256 OR OLD.created_at IS DISTINCT FROM NEW.created_at OR OLD.position IS DISTINCT FROM NEW.position OR OLD.block_id IS DISTINCT FROM NEW.block_id) THEN RAISE EXCEPTION 'a version that has left the draft is not edited'; END IF; IF OLD.state = 'approved' AND NEW.state NOT IN ('approved', 'withdrawn') THEN RAISE EXCEPTION 'an approved version is never opened again'; END IF; IF OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn' THEN RAISE EXCEPTION 'an approved version is never opened again'; END IF; IF OLD.state IN ('approved', 'withdrawn') AND (OLD.in_force_until IS NOT NULL AND (NEW.in_force_until IS NULL OR NEW.in_force_until > OLD.in_force_until)) THEN RAISE EXCEPTION 'an approved version only ends or is withdrawn'; END IF; IF OLD.state IN ('approved', 'withdrawn') AND (OLD.author_id IS DISTINCT FROM NEW.author_id OR OLD.submitted_at IS DISTINCT FROM NEW.submitted_at OR OLD.approval_code IS DISTINCT FROM NEW.approval_code OR OLD.approved_at IS DISTINCT FROM NEW.approved_at OR OLD.approved_by IS DISTINCT FROM NEW.approved_by OR OLD.in_force_from IS DISTINCT FROM NEW.in_force_from OR OLD.card_hash IS DISTINCT FROM NEW.card_hash OR OLD.page_hash IS DISTINCT FROM NEW.page_hash) THEN RAISE EXCEPTION 'an approved version only ends or is withdrawn'; END IF; IF OLD.state = 'withdrawn' AND (OLD.withdrawn_at IS DISTINCT FROM NEW.withdrawn_at OR OLD.withdrawn_reason IS DISTINCT FROM NEW.withdrawn_reason OR OLD.in_force_until IS DISTINCT FROM NEW.in_force_until) THEN RAISE EXCEPTION 'an approved version only ends or is withdrawn'; END IF; IF NEW.state = 'approved' AND (NEW.approved_by IS NULL OR NEW.approved_by = NEW.author_id) THEN RAISE EXCEPTION 'author and approver are two people'; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER block_versions_kept BEFORE UPDATE ON block_versions FOR EACH ROW EXECUTE FUNCTION block_versions_kept()",
    "CREATE FUNCTION block_versions_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.state <> 'draft' THEN RAISE EXCEPTION 'what has left the draft is kept'; END IF; RETURN OLD; END $$",
    "CREATE TRIGGER block_versions_no_delete BEFORE DELETE ON block_versions FOR EACH ROW EXECUTE FUNCTION block_versions_no_delete()",
    "CREATE FUNCTION content_written_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'this is written once and kept'; END $$",
    "CREATE TRIGGER reviews_written_once BEFORE UPDATE OR DELETE ON reviews FOR EACH ROW EXECUTE FUNCTION content_written_once()",
    "CREATE TRIGGER labels_written_once BEFORE UPDATE OR DELETE ON labels FOR EACH ROW EXECUTE FUNCTION content_written_once()",
    "CREATE TRIGGER label_sections_written_once BEFORE UPDATE OR DELETE ON label_sections FOR EACH ROW EXECUTE FUNCTION content_written_once()",
    "CREATE TRIGGER fragments_written_once BEFORE UPDATE OR DELETE ON fragments FOR EACH ROW EXECUTE FUNCTION content_written_once()",
)

POSTGRES_DOWN = (
    "DROP TRIGGER module_versions_kept ON module_versions",
    "DROP FUNCTION module_versions_kept()",
    "DROP TRIGGER module_versions_no_delete ON module_versions",
    "DROP FUNCTION module_versions_no_delete()",
    "DROP TRIGGER block_versions_kept ON block_versions",
    "DROP FUNCTION block_versions_kept()",
    "DROP TRIGGER block_versions_no_delete ON block_versions",
    "DROP FUNCTION block_versions_no_delete()",
    "DROP TRIGGER reviews_written_once ON reviews",
    "DROP TRIGGER labels_written_once ON labels",
    "DROP TRIGGER label_sections_written_once ON label_sections",
    "DROP TRIGGER fragments_written_once ON fragments",
    "DROP FUNCTION content_written_once()",
)


def upgrade() -> None:
    """Make the triggers."""
    for statement in SQLITE_UP if op.get_bind().dialect.name == "sqlite" else POSTGRES_UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Drop the triggers."""
    for statement in SQLITE_DOWN if op.get_bind().dialect.name == "sqlite" else POSTGRES_DOWN:
        op.get_bind().exec_driver_sql(statement)
