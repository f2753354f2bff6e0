"""What doctors decide by pressing a button: useful or not, save, not relevant, forget. The server records it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.clock import hour_of
from portal.hcp.actions import declare_interests
from portal.hcp.consents import Tracking
from portal.hcp.discussions import forget_discussions
from portal.hcp.queries import consent_in_force
from portal.tracking import statements
from portal.tracking.audit_events import HistoryForgotten
from portal.tracking.beats import Occurrence
from portal.tracking.events import REGISTRY, Subject, refusal
from portal.tracking.models import (
    CalculatorUse,
    DailyDwell,
    ForgottenHistory,
    Interaction,
    Interest,
    NotRelevant,
    PageView,
    SavedModule,
    SectionView,
)

# Numbers from here on are the server's own; those a page's script gives start at 1.
_FIRST_NUMBER = 100_000


def record_choice(
    db: Session,
    view_id: str,
    *,
    visit_id: str,
    site_id: str,
    type: str,
    subject: str,
    value: str = "",
    served: str = "",
    decided_by: str | None = None,
    at: datetime,
) -> bool:
    """Write a declared event of a page view and what it adds to the roll-up; return False where nothing is kept.

    Nothing is kept of an event the registry refuses, a module that was not on the page, a view that is another
    visit's or has been stopped. Where `served` names a version of the module, the page must have shown that one; where
    `decided_by` names a doctor, what they agree to now holds, though the page be older.
    """
    row = db.execute(
        select(PageView.hcp_id, PageView.visit_id, PageView.site_id, PageView.feeds_profile, PageView.staff)
        .add_columns(PageView.sections, PageView.stopped_at)
        .where(PageView.id == view_id)
        .with_for_update()
    ).first()
    if row is None or row.staff or row.visit_id not in (None, visit_id) or row.site_id != site_id:
        return False
    if row.stopped_at is not None and row.stopped_at <= at:
        return False
    feeds_profile = row.feeds_profile
    if decided_by is not None:
        consent = consent_in_force(db, decided_by, site_id, at)
        if consent.tracking is Tracking.NONE or (row.hcp_id and consent.tracking is not Tracking.IDENTIFIED):
            return False
        feeds_profile &= consent.profiling
    if row.hcp_id is None:
        at = hour_of(at)  # nothing without a name can be matched to a visit by its second
    newest = db.scalar(select(func.max(Interaction.no)).where(Interaction.view_id == view_id))
    number = max(newest or 0, _FIRST_NUMBER) + 1
    if refusal(Occurrence(number, type, subject, value)) is not None:
        return False
    if REGISTRY[type].subject is Subject.MODULE:
        versions = {section[2] for section in row.sections if section[1] == subject}
        if not versions or (served and served not in versions):
            return False
    entry: dict[str, Any] = {"view_id": view_id, "no": number, "type": type, "subject": subject, "value": value}
    entry |= {"hcp_id": row.hcp_id, "site_id": site_id, "version": "", "at": at}
    db.execute(statements.add_interactions(_dialect(db)), [entry])
    fresh = _empty_day(row.hcp_id or "", site_id, subject, profiled=feeds_profile, at=at)
    if type == "module.useful":
        db.execute(statements.add_daily(_dialect(db)), [fresh | {"useful": value == "yes"}])
    elif type == "question.answered":
        if row.hcp_id:
            _take_back_answers(db, row.hcp_id, site_id, subject, profiled=feeds_profile)
        db.execute(statements.add_daily(_dialect(db)), [fresh | {"answers": f"{value}\n"}])
    return True


def _take_back_answers(db: Session, hcp_id: str, site_id: str, module: str, *, profiled: bool) -> None:
    """Clear what a doctor answered to a question before: of one question the newest answer stands."""
    table = _table(DailyDwell)
    mine = (table.c.hcp_id == hcp_id, table.c.site_id == site_id, table.c.module_key == module)
    had = (table.c.profiled.is_(profiled), table.c.answers != "")
    db.execute(update(table).where(*mine, *had).values(answers=""))


def save_module(db: Session, hcp_id: str, site_id: str, *, module: str, saved: bool, at: datetime) -> None:
    """Put a module on a doctor's list for later, or take it off."""
    _keep(db, SavedModule, hcp_id, site_id, module, kept=saved, at=at)


def call_not_relevant(db: Session, hcp_id: str, site_id: str, *, module: str, not_relevant: bool, at: datetime) -> None:
    """Note that a doctor called a module not relevant, or took it back."""
    _keep(db, NotRelevant, hcp_id, site_id, module, kept=not_relevant, at=at)


def saved_modules(db: Session, hcp_id: str, site_id: str) -> list[str]:
    """Return the modules on a doctor's list, the newest first."""
    mine = (SavedModule.hcp_id == hcp_id, SavedModule.site_id == site_id)
    newest = (SavedModule.at.desc(), SavedModule.module_key.desc())
    return list(db.scalars(select(SavedModule.module_key).where(*mine).order_by(*newest)))


def forgotten_at(db: Session, hcp_id: str, site_id: str) -> datetime | None:
    """Return when a doctor's history on a site was last forgotten; nothing decided before may be shown or used."""
    mine = (ForgottenHistory.hcp_id == hcp_id, ForgottenHistory.site_id == site_id)
    return db.scalar(select(ForgottenHistory.at).where(*mine))


def forget_history(db: Session, hcp_id: str, site_id: str, *, by: Actor, at: datetime) -> int:
    """Part a doctor from everything they did on a site and return how many page views that were.

    Interest, choices, lists and what was discussed are deleted; page views, sections, calculators and events stay as
    counts without a name, and the daily roll-up is added to the nameless rows. Consents and the access record stay.
    """
    for model in (Interest, NotRelevant, SavedModule):
        db.execute(delete(model).where(model.hcp_id == hcp_id, model.site_id == site_id))
    declare_interests(db, hcp_id, site_id, topics=(), by=by, at=at)
    forget_discussions(db, hcp_id, site_id)
    _fold_days(db, hcp_id, site_id)
    for part in (SectionView, CalculatorUse, Interaction):
        table = _table(part)
        values: dict[str, Any] = {"hcp_id": None} | ({"profiled": False} if part is CalculatorUse else {})
        db.execute(update(table).where(table.c.hcp_id == hcp_id, table.c.site_id == site_id).values(values))
    views = _table(PageView)
    mine = and_(views.c.hcp_id == hcp_id, views.c.site_id == site_id)
    count = db.scalar(select(func.count()).select_from(views).where(mine)) or 0
    nameless = {"hcp_id": None, "visit_id": None, "arrangement_id": None, "mode": "anonymous", "feeds_profile": False}
    db.execute(update(views).where(mine).values(nameless))
    _upsert(db, ForgottenHistory, {"hcp_id": hcp_id, "site_id": site_id, "at": at}, replaces=True)
    record(db, HistoryForgotten(hcp=hcp_id, site=site_id, views=count), by=by, at=at)
    return count


def _fold_days(db: Session, hcp_id: str, site_id: str) -> None:
    """Add a doctor's days to those that count without a name."""
    table = _table(DailyDwell)
    mine = and_(table.c.hcp_id == hcp_id, table.c.site_id == site_id)
    rows = [dict(row) for row in db.execute(select(table).where(mine).order_by(table.c.last_at)).mappings()]
    db.execute(delete(table).where(mine))
    if rows:
        db.execute(statements.add_daily(_dialect(db)), [{**row, "hcp_id": "", "profiled": False} for row in rows])


def _empty_day(hcp_id: str, site_id: str, module: str, *, profiled: bool, at: datetime) -> dict[str, Any]:
    day = {"hcp_id": hcp_id, "site_id": site_id, "module_key": module, "day": at.date().isoformat()}
    counts = {"eng_ms": 0, "reads": 0, "skips": 0, "downloads": 0, "completed": False, "useful": None, "answers": ""}
    return {**day, **counts, "profiled": profiled, "last_at": at}


def _keep(db: Session, model: Any, hcp_id: str, site_id: str, module: str, *, kept: bool, at: datetime) -> None:
    row = {"hcp_id": hcp_id, "site_id": site_id, "module_key": module}
    if kept:
        _upsert(db, model, {**row, "at": at}, replaces=False)
    else:
        db.execute(delete(model).where(*(getattr(model, name) == value for name, value in row.items())))


def _upsert(db: Session, model: Any, values: dict[str, Any], *, replaces: bool) -> None:
    dialect = sqlite if _dialect(db) == "sqlite" else postgresql
    base = dialect.insert(model).values(values)
    key = [column.name for column in model.__table__.primary_key]
    if replaces:
        db.execute(base.on_conflict_do_update(index_elements=key, set_={"at": base.excluded.at}))
    else:
        db.execute(base.on_conflict_do_nothing(index_elements=key))


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


def _dialect(db: Session) -> str:
    return db.get_bind().dialect.name
