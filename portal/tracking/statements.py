"""The statements of the hot road, built once per database kind."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Dialect,
    Float,
    Table,
    Text,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Update
from sqlalchemy.sql.selectable import Select

from portal.db.prepared import PreparedRead, PreparedWrite, json_text, places
from portal.tracking.models import (
    CalculatorUse,
    DailyDwell,
    DropCount,
    Interaction,
    Interest,
    PageView,
    SectionView,
)

_OPENED = (
    *("id", "hcp_id", "visit_id", "site_id", "page", "arrangement_id", "mode", "feeds_profile", "staff", "grace_ms"),
    *("half_life_days", "opened_at", "confirmed", "refused"),
)

_MOST_HALVINGS = 900  # nothing is left by then; PostgreSQL refuses a power that is too small to write down

Upsert = sqlite.Insert | postgresql.Insert

COUNTERS = (
    "last_at",
    "begun_ms",
    "vis_ms",
    "eng_ms",
    "ret_ms",
    "silences",
    "pend_ms",
    "blur_ms",
    "idle_ms",
    "gap_ms",
    "video_ms",
    "depth",
    "confirmed",
    "sent",
    "received",
    "wall_ms",
    "state",
)


@lru_cache(maxsize=256)
def views_by_id(dialect: Dialect, count: int) -> PreparedRead:
    """Return the question for `count` page views by id, held against other writers until the end, in order of id."""
    table = _table(PageView)
    names = (
        "id",
        "hcp_id",
        "visit_id",
        "site_id",
        "stopped_at",
        "feeds_profile",
        "staff",
        "half_life_days",
        "begun_ms",
        "state",
        "refused",
    )
    columns = [table.c[name] for name in names]
    layout = cast(table.c.sections, Text).label("layout")  # as text: pages served alike are read once
    question = select(*columns, layout).where(table.c.id.in_(places(count))).order_by(table.c.id).with_for_update()
    return PreparedRead(question, dialect)


@lru_cache(maxsize=1)
def whole_view() -> Select[Any]:
    """Return the question for every column of one page view."""
    table = _table(PageView)
    return select(table).where(table.c.id == bindparam("row_id"))


@lru_cache(maxsize=2)
def save_view(dialect: Dialect) -> PreparedWrite:
    """Return the one write of a view's merged counters."""
    table = _table(PageView)
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in COUNTERS}
    return PreparedWrite(update(table).where(table.c.id == bindparam("row_id")).values(values), dialect, ())


@lru_cache(maxsize=1)
def save_refused() -> Update:
    """Return the write of the numbers a view refused."""
    table = _table(PageView)
    return (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values(refused=bindparam("numbers", type_=table.c.refused.type))
    )


@lru_cache(maxsize=2)
def save_sections(dialect: Dialect) -> PreparedWrite:
    """Return the one write of the sections that changed."""
    counters = ("attention_ms", "seen_ms", "first", "times", "passed")
    table = _table(SectionView)
    return PreparedWrite(_upsert(dialect.name, table, ("view_id", "section"), counters), dialect, table.c.keys())


@lru_cache(maxsize=32)
def add_interest(dialect: Dialect, half_life_days: float) -> PreparedWrite:
    """Return the write that adds to interest and decays what is there."""
    table = _table(Interest)
    base = _insert(dialect.name, table)
    least = {"sqlite": "min"}.get(dialect.name, "least")
    halvings = f"{least}({_MOST_HALVINGS}, {_SILENT_DAYS[dialect.name]} / {half_life_days!r})"
    left = table.c.value_ms * literal_column(f"power(0.5, {halvings})", Float)
    later = case((base.excluded.at > table.c.at, base.excluded.at), else_=table.c.at)
    added = base.on_conflict_do_update(
        index_elements=["hcp_id", "site_id", "topic"],
        set_={"value_ms": left + base.excluded.value_ms, "at": later},
    )
    return PreparedWrite(added, dialect, table.c.keys())


_SILENT_DAYS = {
    "sqlite": "max(0.0, julianday(excluded.at) - julianday(interest.at))",
    "postgresql": "(greatest(0, extract(epoch from (excluded.at - interest.at))) / 86400)",
}


@lru_cache(maxsize=2)
def add_days(dialect: Dialect) -> PreparedWrite:
    """Return `add_daily` for the hot road."""
    return PreparedWrite(add_daily(dialect.name), dialect, _table(DailyDwell).c.keys())


@lru_cache(maxsize=2)
def add_interactions(dialect: str) -> Upsert:
    """Return the write of events; one that is there stays as it is."""
    return _upsert(dialect, _table(Interaction), ("view_id", "no", "type", "subject"), ())


@lru_cache(maxsize=2)
def save_calculators(dialect: str) -> Upsert:
    """Return the write of calculator uses: first opening, first completion, newest band."""
    table = _table(CalculatorUse)
    base = _insert(dialect, table)
    new = base.excluded
    newer = new.last_no > table.c.last_no
    return base.on_conflict_do_update(
        index_elements=["view_id", "calculator"],
        set_={
            "opened_at": case((new.opened_at < table.c.opened_at, new.opened_at), else_=table.c.opened_at),
            "completed_at": func.coalesce(table.c.completed_at, new.completed_at),
            "band": case((newer, new.band), else_=table.c.band),
            "version": case((newer, new.version), else_=table.c.version),
            "last_no": case((newer, new.last_no), else_=table.c.last_no),
        },
    )


@lru_cache(maxsize=2)
def add_daily(dialect: str) -> Upsert:
    """Return the write that adds a difference to the daily roll-up."""
    table = _table(DailyDwell)
    base = _insert(dialect, table)
    new = base.excluded
    return base.on_conflict_do_update(
        index_elements=["hcp_id", "site_id", "module_key", "day", "profiled"],
        set_={
            **{name: table.c[name] + new[name] for name in ("eng_ms", "reads", "skips", "downloads")},
            "completed": case((new.completed, new.completed), else_=table.c.completed),
            "useful": func.coalesce(new.useful, table.c.useful),
            "answers": table.c.answers + new.answers,
            "last_at": case((new.last_at > table.c.last_at, new.last_at), else_=table.c.last_at),
        },
    )


@lru_cache(maxsize=2)
def add_drops(dialect: str) -> Upsert:
    """Return the write that counts drops."""
    table = _table(DropCount)
    base = _insert(dialect, table)
    return base.on_conflict_do_update(
        index_elements=["day", "reason"], set_={"count": table.c.count + base.excluded.count}
    )


@lru_cache(maxsize=8)
def open_views(dialect: Dialect) -> PreparedWrite:
    """Return the write of page views just opened, whose sections come as JSON text."""
    table = _table(PageView)
    sections = json_text("sections", table.c.sections, dialect)
    return PreparedWrite(insert(table).values(sections=sections).inline(), dialect, _OPENED)


@lru_cache(maxsize=2)
def add_copies(dialect: str) -> Upsert:
    """Return the write of restored copies of pages; one that another writer has just added stays as it is."""
    return _upsert(dialect, _table(PageView), ("id",), ())


def _upsert(dialect: str, table: Table, key: tuple[str, ...], replaced: tuple[str, ...]) -> Upsert:
    base = _insert(dialect, table)
    if not replaced:
        return base.on_conflict_do_nothing(index_elements=list(key))
    return base.on_conflict_do_update(index_elements=list(key), set_={name: base.excluded[name] for name in replaced})


def _insert(dialect: str, table: Table) -> Upsert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table
