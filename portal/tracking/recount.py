"""Counts the daily roll-up again from the page views it was added up from, and mends what differs.

A view that was read on both sides of midnight leaves no trace of how its time fell on the two days: such a share may
stand on any day from the first to the last of the view. Downloads, answers and "useful" come from events whose time of
keeping may be over; they are left as they are.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.tracking.audit_events import RollUpRebuilt
from portal.tracking.credits import READ_MS, Layout, ServedSection
from portal.tracking.models import DailyDwell, PageView, SectionView

_BATCH = 500


class Key(NamedTuple):
    """One doctor (empty: nobody by name) and one module of a site; `profiled` tells whether it feeds the profile."""

    hcp_id: str
    site_id: str
    module: str
    profiled: bool


@dataclass(slots=True)
class Count:
    """Engaged ms, readings, passings-by, and whether the module was read through."""

    eng_ms: int = 0
    reads: int = 0
    skips: int = 0
    completed: bool = False

    def add(self, other: "Count") -> None:
        """Add another count to this one."""
        self.eng_ms += other.eng_ms
        self.reads += other.reads
        self.skips += other.skips
        self.completed |= other.completed


@dataclass(frozen=True, slots=True)
class Difference:
    """A module of a doctor whose roll-up is not what the page views add up to; `day` None: the sum over all days."""

    key: Key
    day: str | None
    stored: Count
    counted: Count

    def told(self) -> dict[str, Any]:
        """Return the difference ready for JSON."""
        said = {"hcp": self.key.hcp_id or None, "site": self.key.site_id, "module": self.key.module}
        days = {"profiled": self.key.profiled, "day": self.day}
        return {**said, **days, "stored": asdict(self.stored), "counted": asdict(self.counted)}


@dataclass(slots=True)
class _Counted:
    """What page views add up to: by day where the day is sure, and parts with the days they may stand on."""

    days: dict[str, Count] = field(default_factory=dict)
    parts: list[tuple[str, str, Count]] = field(default_factory=list)

    def total(self) -> Count:
        whole = Count()
        for count in (*self.days.values(), *(part for _, _, part in self.parts)):
            whole.add(count)
        return whole

    def settled(self) -> dict[str, Count]:
        """Return the count of every day, each part on the last day it may stand on."""
        found = {day: Count(**asdict(count)) for day, count in self.days.items()}
        for _, last, part in self.parts:
            found.setdefault(last, Count()).add(part)
        return found


def differences(db: Session) -> list[Difference]:
    """Return where the stored daily roll-up is not what the page views add up to, in order of doctor and module."""
    stored, counted = _stored(db), _counted(db)
    found: list[Difference] = []
    for key in sorted(stored.keys() | counted.keys()):
        found += _compared(key, stored.get(key, {}), counted.get(key, _Counted()))
    return found


def rebuild(db: Session, *, by: Actor, at: datetime) -> list[Difference]:
    """Write the roll-up anew for every doctor and module that differs, record it, and return what differed."""
    found = differences(db)
    wrong = {each.key for each in found}
    stored, counted = _stored(db), _counted(db)
    for key in sorted(wrong):
        _write(db, key, stored.get(key, {}), counted.get(key, _Counted()).settled(), at)
    if wrong:
        record(db, RollUpRebuilt(modules=len(wrong), differences=len(found)), by=by, at=at)
    return found


def _compared(key: Key, stored: dict[str, Count], counted: _Counted) -> Iterable[Difference]:
    whole = Count()
    for count in stored.values():
        whole.add(count)
    if whole != counted.total():
        yield Difference(key, None, whole, counted.total())
        return
    open_days = {day for day in stored if any(first <= day <= last for first, last, _ in counted.parts)}
    for day in sorted((stored.keys() | counted.days.keys()) - open_days):
        held, sure = stored.get(day, Count()), counted.days.get(day, Count())
        if held != sure:
            yield Difference(key, day, held, sure)


def _write(db: Session, key: Key, stored: dict[str, Count], wanted: dict[str, Count], at: datetime) -> None:
    table = _table(DailyDwell)
    for day in sorted(stored.keys() | wanted.keys()):
        count = asdict(wanted.get(day, Count()))
        if day in stored:
            mine = (table.c.hcp_id == key.hcp_id, table.c.site_id == key.site_id, table.c.module_key == key.module)
            db.execute(update(table).where(*mine, table.c.profiled == key.profiled, table.c.day == day).values(count))
            continue
        place = {"hcp_id": key.hcp_id, "site_id": key.site_id, "module_key": key.module, "profiled": key.profiled}
        rest = {"downloads": 0, "useful": None, "answers": "", "last_at": at}
        db.execute(insert(table).values({**place, "day": day, **count, **rest}))


def _stored(db: Session) -> dict[Key, dict[str, Count]]:
    found: dict[Key, dict[str, Count]] = {}
    d = _table(DailyDwell).c
    columns = (d.hcp_id, d.site_id, d.module_key, d.profiled, d.day, d.eng_ms, d.reads, d.skips, d.completed)
    for *key, day, eng_ms, reads, skips, completed in db.execute(select(*columns)):
        found.setdefault(Key(*key), {})[day] = Count(eng_ms, reads, skips, completed)
    # A day on which only something was downloaded or answered is no count of reading.
    return {key: kept for key, days in found.items() if (kept := {d: c for d, c in days.items() if c != Count()})}


def _counted(db: Session) -> dict[Key, _Counted]:
    v = _table(PageView).c
    columns = (v.id, v.hcp_id, v.site_id, v.feeds_profile, v.sections, v.opened_at, v.last_at)
    query = select(*columns).where(v.confirmed.is_(True), v.staff.is_(False), v.last_at.is_not(None)).order_by(v.id)
    found: dict[Key, _Counted] = {}
    rows = db.execute(query).all()
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        sections = _sections(db, [row.id for row in batch])
        for row in batch:
            layout = Layout.of(ServedSection(k, m, n, tuple(t), w) for k, m, n, t, w in row.sections)
            for module, count in _won(layout, sections.get(row.id, {})).items():
                mine = found.setdefault(Key(row.hcp_id or "", row.site_id, module, row.feeds_profile), _Counted())
                first, last = row.opened_at.date().isoformat(), row.last_at.date().isoformat()
                if first == last:
                    mine.days.setdefault(last, Count()).add(count)
                else:
                    mine.parts.append((first, last, count))
    return found


def _won(layout: Layout, sections: dict[str, tuple[int, bool]]) -> dict[str, Count]:
    """Return what a view won for each module; a module it won nothing for is left out."""
    won: dict[str, Count] = {}
    for module, (keys, enough) in layout.modules.items():
        held = [sections[key] for key in keys if key in sections]
        ms = sum(attention for attention, _ in held)
        count = Count(ms, int(ms >= READ_MS), int(any(passed for _, passed in held)), bool(held) and ms >= enough > 0)
        if count != Count():
            won[module] = count
    return won


def _sections(db: Session, view_ids: list[str]) -> dict[str, dict[str, tuple[int, bool]]]:
    s = _table(SectionView).c
    found: dict[str, dict[str, tuple[int, bool]]] = {}
    for view_id, key, attention, passed in db.execute(
        select(s.view_id, s.section, s.attention_ms, s.passed).where(s.view_id.in_(view_ids))
    ):
        found.setdefault(view_id, {})[key] = (attention, passed)
    return found


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table
