"""Questions about what was read; `records.py` holds the answers' shapes."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.personalize.facts import CalculatorHistory, Day, ModuleHistory, decayed
from portal.tracking.events import REGISTRY
from portal.tracking.models import (
    CalculatorUse,
    DailyDwell,
    DropCount,
    Interaction,
    Interest,
    NotRelevant,
    PageView,
    SectionView,
)
from portal.tracking.records import (
    VIEW_COLUMNS,
    CalculatorRow,
    InteractionRow,
    ModuleDwell,
    SectionRow,
    ViewRow,
    VisitSummary,
    united_ms,
)

_MS_PER_MINUTE = 60_000
_MOST_IDS = 5000  # of one question; PostgreSQL takes 65,535 values

# Columns, not entities: a long history is read whole, and the served layout is no part of it.
_OF_VIEW = [PageView.__table__.c[name] for name in VIEW_COLUMNS]
_OF_SECTION = [SectionView.__table__.c[field.name] for field in fields(SectionRow)]
_OF_INTERACTION = [Interaction.__table__.c[field.name] for field in fields(InteractionRow)]


def views_of(db: Session, hcp_id: str, since: datetime | None = None, *, limit: int | None = None) -> list[ViewRow]:
    """Return a doctor's page views with their sections, newest first; staff previews are left out."""
    query = select(*_OF_VIEW).where(PageView.hcp_id == hcp_id, PageView.staff.is_(False))
    if since is not None:
        query = query.where(PageView.opened_at >= since)
    views = db.execute(query.order_by(PageView.opened_at.desc(), PageView.id).limit(limit)).all()
    sections = sections_of(db, [view.id for view in views])
    return [ViewRow.of(view, sections.get(view.id, ())) for view in views]


def view_of(db: Session, view_id: str) -> ViewRow | None:
    """Return one page view."""
    view = db.execute(select(*_OF_VIEW).where(PageView.id == view_id)).one_or_none()
    return ViewRow.of(view, sections_of(db, [view_id]).get(view_id, ())) if view else None


def sections_of(db: Session, view_ids: list[str]) -> dict[str, tuple[SectionRow, ...]]:
    """Return the sections of page views by view, in the order in which they were first read, unread ones last."""
    found: dict[str, list[SectionRow]] = {}
    for start in range(0, len(view_ids), _MOST_IDS):
        some = SectionView.view_id.in_(view_ids[start : start + _MOST_IDS])
        for view_id, *values in db.execute(select(SectionView.view_id, *_OF_SECTION).where(some)).all():
            found.setdefault(view_id, []).append(SectionRow(*values))
    for sections in found.values():
        sections.sort(key=lambda row: (row.first == 0, row.first, row.section))
    return {view_id: tuple(sections) for view_id, sections in found.items()}


def dwell_by_module(db: Session, hcp_id: str, site_id: str | None = None, since: str = "") -> list[ModuleDwell]:
    """Return what a doctor gave each module on confirmed views since a day (YYYY-MM-DD), most engaged first."""
    total = func.sum(DailyDwell.eng_ms)
    query = (
        select(
            DailyDwell.site_id,
            DailyDwell.module_key,
            total,
            func.sum(DailyDwell.reads),
            func.sum(DailyDwell.skips),
            func.sum(DailyDwell.downloads),
            func.max(DailyDwell.last_at),
        )
        .where(DailyDwell.hcp_id == hcp_id, DailyDwell.day >= since)
        .group_by(DailyDwell.site_id, DailyDwell.module_key)
        .order_by(total.desc(), DailyDwell.module_key)
    )
    if site_id is not None:
        query = query.where(DailyDwell.site_id == site_id)
    return [ModuleDwell(*row) for row in db.execute(query).all()]


def profile(db: Session, hcp_id: str, site_id: str, *, at: datetime, half_life_days: float) -> dict[str, float]:
    """Return a doctor's interest: engaged minutes by topic, decayed to `at`."""
    rows = db.execute(
        select(Interest.topic, Interest.value_ms, Interest.at)
        .where(Interest.hcp_id == hcp_id, Interest.site_id == site_id)
        .order_by(Interest.topic)
    )
    return {topic: decayed(value, since, at, half_life_days) / _MS_PER_MINUTE for topic, value, since in rows}


def module_history(db: Session, hcp_id: str, site_id: str) -> dict[str, ModuleHistory]:
    """Return what rules may know of a doctor and each module, from views that may feed them only."""
    rows = db.scalars(
        select(DailyDwell)
        .where(DailyDwell.hcp_id == hcp_id, DailyDwell.site_id == site_id, DailyDwell.profiled.is_(True))
        .order_by(DailyDwell.module_key, DailyDwell.day)
    ).all()
    by_module: dict[str, list[DailyDwell]] = {}
    for row in rows:
        by_module.setdefault(row.module_key, []).append(row)
    return {module: history_of_days(days) for module, days in by_module.items()}


def history_of_days(days: Sequence[Any]) -> ModuleHistory:
    """Return what rules may know of one module from its rows of the daily roll-up, oldest first."""
    read = [day.last_at for day in days if day.reads]
    useful = [day.useful for day in days if day.useful is not None]
    answers = [answer for day in days for answer in day.answers.split("\n") if answer]
    return ModuleHistory(
        dwell_ms=sum(day.eng_ms for day in days),
        reads=sum(day.reads for day in days),
        skips=sum(day.skips for day in days),
        completed=any(day.completed for day in days),
        last_read_at=max(read) if read else None,
        useful=useful[-1] if useful else None,
        downloads=sum(day.downloads for day in days),
        answers=tuple(dict.fromkeys(answers)),
        days=tuple(
            Day(datetime.fromisoformat(day.day).date(), day.eng_ms, day.reads, day.skips, day.downloads) for day in days
        ),
    )


def calculator_history(db: Session, hcp_id: str, site_id: str) -> dict[str, CalculatorHistory]:
    """Return what rules may know of a doctor and each calculator: opened, completed, last declared band."""
    rows = db.execute(
        select(
            CalculatorUse.calculator,
            func.count(),
            func.count(CalculatorUse.completed_at),
            func.max(CalculatorUse.opened_at),
            func.max(CalculatorUse.completed_at),
        )
        .where(CalculatorUse.hcp_id == hcp_id, CalculatorUse.site_id == site_id, CalculatorUse.profiled.is_(True))
        .group_by(CalculatorUse.calculator)
        .order_by(CalculatorUse.calculator)
    ).all()
    if not rows:
        return {}
    completed = {last for *_, last in rows if last is not None}
    bands = {
        (row.calculator, row.completed_at): row.band
        for row in db.scalars(
            select(CalculatorUse).where(CalculatorUse.hcp_id == hcp_id, CalculatorUse.completed_at.in_(completed))
        )
    }
    return {
        name: CalculatorHistory(opened, done, bands.get((name, last)) or None if last else None, used)
        for name, opened, done, used, last in rows
    }


def calculators_of(db: Session, hcp_id: str, since: datetime | None = None) -> list[CalculatorRow]:
    """Return every use of a calculator by a doctor, newest first."""
    query = select(CalculatorUse).where(CalculatorUse.hcp_id == hcp_id)
    if since is not None:
        query = query.where(CalculatorUse.opened_at >= since)
    rows = db.scalars(query.order_by(CalculatorUse.opened_at.desc(), CalculatorUse.calculator)).all()
    return [CalculatorRow.of(row) for row in rows]


def interactions_of(db: Session, hcp_id: str, since: datetime | None = None) -> list[InteractionRow]:
    """Return a doctor's declared events, newest first."""
    query = select(*_OF_INTERACTION).where(Interaction.hcp_id == hcp_id)
    if since is not None:
        query = query.where(Interaction.at >= since)
    rows = db.execute(query.order_by(Interaction.at.desc(), Interaction.no.desc(), Interaction.type)).all()
    return [InteractionRow(*row) for row in rows]


def visits_of(db: Session, hcp_id: str, site_id: str, *, before: datetime) -> VisitSummary:
    """Return how many confirmed visits of a doctor may feed rules, and when the last began, before a moment."""
    count, last = db.execute(
        select(func.count(PageView.visit_id.distinct()), func.max(PageView.opened_at)).where(
            PageView.hcp_id == hcp_id,
            PageView.site_id == site_id,
            PageView.opened_at < before,
            PageView.feeds_profile.is_(True),
            PageView.confirmed.is_(True),
        )
    ).one()
    return VisitSummary(count, last)


def not_relevant(db: Session, hcp_id: str, site_id: str) -> list[str]:
    """Return the modules a doctor called not relevant."""
    return list(
        db.scalars(
            select(NotRelevant.module_key)
            .where(NotRelevant.hcp_id == hcp_id, NotRelevant.site_id == site_id)
            .order_by(NotRelevant.module_key)
        )
    )


def united_dwell_ms(db: Session, hcp_id: str, since: datetime | None = None) -> int:
    """Return a doctor's engaged ms with no second counted twice, however many devices and windows were open."""
    return united_ms(views_of(db, hcp_id, since))


def drops(db: Session, day: str | None = None) -> dict[str, int]:
    """Return how often each reason dropped a beat or a part of one, on a day (YYYY-MM-DD) or ever."""
    query = select(DropCount.reason, func.sum(DropCount.count)).group_by(DropCount.reason).order_by(DropCount.reason)
    if day is not None:
        query = query.where(DropCount.day == day)
    return dict(db.execute(query).all())


def unused_events(db: Session) -> list[str]:
    """Return the declared event types that never arrived."""
    seen = set(db.scalars(select(Interaction.type).distinct()))
    return sorted(REGISTRY.keys() - seen)
