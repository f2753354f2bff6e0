"""What was discussed with a doctor in a visit: noted by who looks after them, kept for two years."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import CursorResult, delete, insert, select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.db import new_id
from portal.hcp.events import DiscussionNoted, DiscussionsPurged, DiscussionTakenBack
from portal.hcp.models import Discussion

KEPT = timedelta(days=730)
OLDEST = timedelta(days=90)  # a visit further back is not noted any more
MOST = 30


class DiscussionRefused(Exception):
    """A note that is not kept; the text says why."""


@dataclass(frozen=True, slots=True)
class DiscussionRow:
    """One module that was discussed with a doctor on a day (YYYY-MM-DD)."""

    id: str
    site_id: str
    module_key: str
    day: str
    by_id: str
    at: datetime


def note_discussion(
    db: Session, hcp_id: str, site_id: str, *, modules: Collection[str], day: date, today: date, by: Actor, at: datetime
) -> int:
    """Note which modules were discussed on a day, and return how many of them are new; noted twice counts once."""
    wanted = list(dict.fromkeys(modules))
    if not wanted:
        raise DiscussionRefused("Choose what was discussed.")
    if len(wanted) > MOST:
        raise DiscussionRefused(f"Choose at most {MOST} modules.")
    if not today - OLDEST <= day <= today:
        raise DiscussionRefused(f"The day of the visit is today or within the last {OLDEST.days} days.")
    d = Discussion
    mine = (d.hcp_id == hcp_id, d.site_id == site_id, d.day == day.isoformat())
    known = set(db.scalars(select(d.module_key).where(*mine)))
    fresh = [module for module in wanted if module not in known]
    if fresh:
        shared = {"hcp_id": hcp_id, "site_id": site_id, "day": day.isoformat(), "by_id": by.id or "", "at": at}
        db.execute(insert(d), [{"id": new_id(), "module_key": module, **shared} for module in fresh])
        event = DiscussionNoted(hcp=hcp_id, site=site_id, day=day.isoformat(), modules=tuple(fresh))
        record(db, event, by=by, at=at)
    return len(fresh)


def take_back(db: Session, hcp_id: str, discussion_id: str, *, by: Actor, at: datetime) -> bool:
    """Delete a note that was a mistake; return False where there is none of this doctor by this person."""
    row = db.get(Discussion, discussion_id)
    if row is None or row.hcp_id != hcp_id or row.by_id != by.id:
        return False
    event = DiscussionTakenBack(hcp=hcp_id, site=row.site_id, day=row.day, module=row.module_key)
    db.delete(row)
    record(db, event, by=by, at=at)
    return True


def discussions_of(db: Session, hcp_id: str) -> list[DiscussionRow]:
    """Return what was discussed with a doctor, newest first."""
    d = Discussion
    rows = db.scalars(select(d).where(d.hcp_id == hcp_id).order_by(d.day.desc(), d.at.desc(), d.module_key))
    return [DiscussionRow(row.id, row.site_id, row.module_key, row.day, row.by_id, row.at) for row in rows]


def forget_discussions(db: Session, hcp_id: str, site_id: str) -> None:
    """Delete what was discussed with a doctor about a site; the deed that asks for it records the event."""
    db.execute(delete(Discussion).where(Discussion.hcp_id == hcp_id, Discussion.site_id == site_id))


def purge_discussions(db: Session, *, by: Actor, at: datetime) -> int:
    """Delete notes of visits that are further back than they are kept, and return how many."""
    before = (at - KEPT).date().isoformat()
    gone = db.execute(delete(Discussion).where(Discussion.day < before))
    count = gone.rowcount if isinstance(gone, CursorResult) else 0
    if count:
        record(db, DiscussionsPurged(before=before, count=count), by=by, at=at)
    return count
