"""Verbs about what is remembered: what a doctor takes back, and what time takes away."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, select, update
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.tracking.deeds import HistoryForgotten, InteractionsPurged, ModuleDismissed, ModuleRestored
from portal.tracking.events import REGISTRY
from portal.tracking.models import CalculatorUse, DailyDwell, Interaction, Interest, NotRelevant, PageView
from portal.tracking.statements import add_daily


def dismiss_module(db: Session, hcp_id: str, *, site_id: str, module_key: str, by: Actor, at: datetime) -> bool:
    """Note that a doctor called a module not relevant; False where that was known."""
    if db.get(NotRelevant, (hcp_id, site_id, module_key)) is not None:
        return False
    db.add(NotRelevant(hcp_id=hcp_id, site_id=site_id, module_key=module_key, at=at))
    record(db, ModuleDismissed(hcp=hcp_id, site=site_id, module=module_key), by=by, at=at)
    return True


def restore_module(db: Session, hcp_id: str, *, site_id: str, module_key: str, by: Actor, at: datetime) -> bool:
    """Take back that a module is not relevant; False where nobody said so."""
    row = db.get(NotRelevant, (hcp_id, site_id, module_key))
    if row is None:
        return False
    db.delete(row)
    record(db, ModuleRestored(hcp=hcp_id, site=site_id, module=module_key), by=by, at=at)
    return True


def forget_history(db: Session, hcp_id: str, *, site_id: str, by: Actor, at: datetime) -> None:
    """Forget what was learnt of a doctor from reading: from now on it orders no page.

    What was read stays as a fact of its own for those who may see it (the second ledger); the profile is empty.
    """
    mine = _of(Interest, hcp_id, site_id)
    topics = db.scalar(select(func.count()).select_from(Interest).where(mine)) or 0
    db.execute(delete(Interest).where(mine))
    columns = DailyDwell.__table__.columns
    days = db.execute(select(*columns).where(_of(DailyDwell, hcp_id, site_id), DailyDwell.profiled.is_(True)))
    moved = [{**day, "profiled": False} for day in days.mappings()]
    if moved:
        db.execute(add_daily(db.get_bind().dialect.name), moved)
        db.execute(delete(DailyDwell).where(_of(DailyDwell, hcp_id, site_id), DailyDwell.profiled.is_(True)))
    db.execute(update(CalculatorUse).where(_of(CalculatorUse, hcp_id, site_id)).values(profiled=False))
    db.execute(update(PageView).where(_of(PageView, hcp_id, site_id)).values(feeds_profile=False))
    db.execute(delete(NotRelevant).where(_of(NotRelevant, hcp_id, site_id)))
    record(db, HistoryForgotten(hcp=hcp_id, site=site_id, topics=topics, days=len(moved)), by=by, at=at)


def purge_expired(db: Session, *, by: Actor, at: datetime) -> int:
    """Delete events older than the retention of their type and return how many; a type that lost any is recorded."""
    purged = 0
    for kind in REGISTRY.values():
        before = at - timedelta(days=kind.days)
        gone = db.execute(delete(Interaction).where(and_(Interaction.type == kind.name, Interaction.at < before)))
        count = gone.rowcount if isinstance(gone, CursorResult) else 0
        if count:
            event = InteractionsPurged(type=kind.name, before=before.date().isoformat(), count=count)
            record(db, event, by=by, at=at)
            purged += count
    return purged


def _of(
    model: type[Interest] | type[DailyDwell] | type[CalculatorUse] | type[PageView] | type[NotRelevant],
    hcp_id: str,
    site_id: str,
) -> ColumnElement[bool]:
    return and_(model.hcp_id == hcp_id, model.site_id == site_id)
