"""Statements that make the database itself keep versions immutable; migrations carry copies of them.

While a version is a draft, everything about it may change. From submission on its content may not; from approval on
nothing may change but the end of its validity (earlier only) and its withdrawal. Rows that are not drafts, reviews,
labels and fragments are never deleted, and the last three never changed.
"""

_SHARED = (
    "id",
    "number",
    "title",
    "summary",
    "body",
    "words",
    "sections",
    "source",
    "sha256",
    "created_at",
    "position",
)
_CONTENT = {
    "module_versions": (
        *_SHARED,
        "module_id",
        "topics",
        "key_message",
        "audiences",
        "calculator",
        "calculator_version",
    ),
    "block_versions": (*_SHARED, "block_id"),
}
_APPROVED = (
    "author_id",
    "submitted_at",
    "approval_code",
    "approved_at",
    "approved_by",
    "in_force_from",
    "card_hash",
    "page_hash",
)
_WRITTEN_ONCE = ("reviews", "labels", "label_sections", "fragments")

_EDITED = "a version that has left the draft is not edited"
_REOPENED = "an approved version is never opened again"
_SETTLED = "an approved version only ends or is withdrawn"
_ALONE = "author and approver are two people"
_KEPT = "what has left the draft is kept"
_ONCE = "this is written once and kept"


def _differs(columns: tuple[str, ...], distinct: str) -> str:
    return "(" + " OR ".join(f"OLD.{name} {distinct} NEW.{name}" for name in columns) + ")"


def _faults(table: str, distinct: str) -> tuple[tuple[str, str], ...]:
    """Return (condition of an update that may not be, sentence), in the order they are looked at."""
    later = "OLD.in_force_until IS NOT NULL AND (NEW.in_force_until IS NULL OR NEW.in_force_until > OLD.in_force_until)"
    withdrawal = ("withdrawn_at", "withdrawn_reason", "in_force_until")
    return (
        (f"OLD.state <> 'draft' AND {_differs(_CONTENT[table], distinct)}", _EDITED),
        ("OLD.state = 'approved' AND NEW.state NOT IN ('approved', 'withdrawn')", _REOPENED),
        ("OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn'", _REOPENED),
        (f"OLD.state IN ('approved', 'withdrawn') AND ({later})", _SETTLED),
        (f"OLD.state IN ('approved', 'withdrawn') AND {_differs(_APPROVED, distinct)}", _SETTLED),
        (f"OLD.state = 'withdrawn' AND {_differs(withdrawal, distinct)}", _SETTLED),
        ("NEW.state = 'approved' AND (NEW.approved_by IS NULL OR NEW.approved_by = NEW.author_id)", _ALONE),
    )


def _sqlite_up() -> tuple[str, ...]:
    statements: list[str] = []
    for table in _CONTENT:
        for place, (condition, sentence) in enumerate(_faults(table, "IS NOT"), start=1):
            statements.append(
                f"CREATE TRIGGER {table}_kept_{place} BEFORE UPDATE ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
            )
        statements.append(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN OLD.state <> 'draft' "
            f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
        )
    for table in _WRITTEN_ONCE:
        statements.extend(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_ONCE}'); END"
            for verb in ("UPDATE", "DELETE")
        )
    return tuple(statements)


def _sqlite_down() -> tuple[str, ...]:
    names: list[str] = []
    for table in _CONTENT:
        names.extend(f"{table}_kept_{place}" for place in range(1, len(_faults(table, "")) + 1))
        names.append(f"{table}_no_delete")
    names.extend(f"{table}_no_{verb}" for table in _WRITTEN_ONCE for verb in ("update", "delete"))
    return tuple(f"DROP TRIGGER {name}" for name in names)


def _postgres_up() -> tuple[str, ...]:
    statements: list[str] = []
    for table in _CONTENT:
        checks = " ".join(
            f"IF {condition} THEN RAISE EXCEPTION '{sentence}'; END IF;"
            for condition, sentence in _faults(table, "IS DISTINCT FROM")
        )
        statements += [
            f"CREATE FUNCTION {table}_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {checks} RETURN NEW; END $$",
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_kept()",
            f"CREATE FUNCTION {table}_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF OLD.state <> 'draft' THEN RAISE EXCEPTION '{_KEPT}'; END IF; RETURN OLD; END $$",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW "
            f"EXECUTE FUNCTION {table}_no_delete()",
        ]
    statements.append(
        "CREATE FUNCTION content_written_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{_ONCE}'; END $$"
    )
    statements.extend(
        f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
        "EXECUTE FUNCTION content_written_once()"
        for table in _WRITTEN_ONCE
    )
    return tuple(statements)


def _postgres_down() -> tuple[str, ...]:
    statements: list[str] = []
    for table in _CONTENT:
        for name in (f"{table}_kept", f"{table}_no_delete"):
            statements += [f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION {name}()"]
    statements.extend(f"DROP TRIGGER {table}_written_once ON {table}" for table in _WRITTEN_ONCE)
    return (*statements, "DROP FUNCTION content_written_once()")


SQLITE_UP = _sqlite_up()
SQLITE_DOWN = _sqlite_down()
POSTGRES_UP = _postgres_up()
POSTGRES_DOWN = _postgres_down()
