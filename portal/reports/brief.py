"""One page before a visit: what the doctor cares about, what to raise, what to leave out, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.content.queries import modules_in_force
from portal.reports import words
from portal.reports.activity import Activity, Share, SiteState
from portal.reports.queries import Titles
from portal.tracking.queries import not_relevant

_RECENT = timedelta(days=90)
_READ_MS = 5_000
_WELL_READ_MS = 120_000
_MOST = 5


@dataclass(frozen=True, slots=True)
class Point:
    """One line of a brief: what, and why it stands there."""

    what: str
    why: str
    ms: int | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """What to know before a visit; every list is short and in order of weight."""

    interests: tuple[Point, ...]
    calculators: tuple[Point, ...]
    answers: tuple[Point, ...]
    suggested: tuple[Point, ...]
    unread: tuple[Point, ...]
    leave_out: tuple[Point, ...]


def brief_of(
    db: Session, hcp_id: str, done: Activity, *, calculators: Sequence[Point], answers: Sequence[Point], at: datetime
) -> Brief:
    """Return the brief for a doctor at `at`; reading that is unconfirmed or not by name has no part in it."""
    shares = {share.label: share for share in done.by_module(done.counted)}
    interests: list[Point] = []
    suggested: list[Point] = []
    unread: list[Point] = []
    leave_out: list[Point] = []
    for site in done.sites:
        wanted = _topics(site, done.names)
        interests += wanted.values()
        dismissed = set(not_relevant(db, hcp_id, site.id))
        discussed = {row.module_key: row.day for row in reversed(done.discussed) if row.site_id == site.id}
        recent = (at - _RECENT).date().isoformat()
        for module in modules_in_force(db, site.id, at):
            share = shares.get(module.title)
            topics = [topic for topic in module.topics if topic in wanted]
            if module.key in dismissed:
                leave_out.append(Point(module.title, "The doctor called it not relevant"))
            elif discussed.get(module.key, "") >= recent:
                leave_out.append(Point(module.title, f"Discussed on {words.day(discussed[module.key])}"))
            elif share is not None and share.ms >= _WELL_READ_MS and at - share.last_at < _RECENT:
                leave_out.append(Point(module.title, "Read at length lately; ask rather than tell", share.ms))
            elif topics and (share is None or share.ms < _READ_MS):
                names = " and ".join(done.names.topic(site.id, topic) for topic in topics[:2])
                suggested.append(Point(module.title, f"Not read yet, and fits the interest in {names}"))
            elif share is None:
                unread.append(Point(module.title, "Never read on a confirmed visit"))
    return Brief(
        interests=tuple(interests[:_MOST]),
        calculators=tuple(calculators[:_MOST]),
        answers=tuple(answers[:_MOST]),
        suggested=tuple(suggested[:_MOST]),
        unread=tuple(unread[:_MOST]),
        leave_out=tuple(leave_out[:_MOST]),
    )


def most_read(shares: Sequence[Share]) -> tuple[Point, ...]:
    """Return the modules that got most attention, most first."""
    return tuple(
        Point(share.label, f"On {share.views} page view{'' if share.views == 1 else 's'}", share.ms)
        for share in shares[:_MOST]
    )


def _topics(site: SiteState, names: Titles) -> dict[str, Point]:
    """Return what the doctor cares about on a site: said so first, then read most."""
    found = {topic: Point(names.topic(site.id, topic), "The doctor said so") for topic in site.declared}
    for topic, minutes in site.interest:
        if minutes * 60_000 >= _READ_MS:
            point = Point(names.topic(site.id, topic), "Read, the older the less it counts", round(minutes * 60_000))
            found.setdefault(topic, point)
    return found
