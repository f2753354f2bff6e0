"""Modules that do less than they should, with the evidence, and each newer version beside the one before."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.content.models import Module, ModuleVersion
from portal.content.queries import modules_in_force
from portal.microsite.models import StoredArrangement
from portal.personalize.underperform import Beside, Record, Weak, beside, underperforming
from portal.tracking.credits import READ_MS
from portal.tracking.models import Interaction, PageView, SectionView

LOOKED_BACK = timedelta(days=90)
_MOST_VIEWS = 50_000  # the newest; more would say the same with more noughts
_IN = 500  # ids in one statement

Key = tuple[str, str]  # module key, version id


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a module: its number, title and what became of it."""

    id: str
    number: int
    title: str
    record: Record


@dataclass(frozen=True, slots=True)
class Pair:
    """A newer version beside the one before; differences are newer minus older."""

    module: str
    older: Version
    newer: Version
    compared: Beside


@dataclass(frozen=True, slots=True)
class Revision:
    """What deserves a revision: weaknesses, worst first, and what became of revised modules."""

    since: datetime
    weak: tuple[tuple[Weak, Version], ...]
    pairs: tuple[Pair, ...]
    versions: tuple[Version, ...]  # in force, in the standard order


@dataclass(slots=True)
class _Tally:
    places: dict[int, list[int]] = field(default_factory=dict)  # place to how often shown, passed by
    dwell_ms: list[int] = field(default_factory=list)
    useful: Counter[bool] = field(default_factory=Counter)


def revision(db: Session, site_id: str, *, at: datetime) -> Revision:
    """Return which modules in force fall behind the others of the site, over the 90 days before `at`."""
    since = at - LOOKED_BACK
    tallies = _tallies(db, site_id, since)
    known = _versions(db, site_id)
    records = {
        (key, row.id): _version(key, row, tallies.get((key, row.id), _Tally()))
        for key, rows in known.items()
        for row in rows
    }
    served = modules_in_force(db, site_id, at)
    current = [records[module.key, module.version_id] for module in served]
    of_version = {version.id: version for version in current}
    weak = underperforming([version.record for version in current])
    return Revision(
        since,
        tuple((each, of_version[each.version]) for each in weak),
        tuple(_pairs({module.key: module.number for module in served}, records)),
        tuple(current),
    )


def _pairs(served: Mapping[str, int], records: Mapping[Key, Version]) -> list[Pair]:
    """Return the version in force of each module beside the newest older one that anybody saw."""
    found = []
    for key, number in served.items():
        mine = sorted((version for (module, _), version in records.items() if module == key), key=lambda v: -v.number)
        newer = next(version for version in mine if version.number == number)
        older = next((one for one in mine if one.number < number and _was_seen(one.record)), None)
        if older is not None:
            found.append(Pair(key, older, newer, beside(older.record, newer.record)))
    return found


def _was_seen(record: Record) -> bool:
    return bool(record.shown() or record.dwell_ms or record.useful or record.not_useful)


def _version(key: str, row: Any, tally: _Tally) -> Version:
    places = {place: (shown, passed) for place, (shown, passed) in sorted(tally.places.items())}
    counts = (tally.useful[True], tally.useful[False])
    return Version(
        row.id, row.number, row.title, Record(key, row.id, row.words, places, tuple(tally.dwell_ms), *counts)
    )


def _versions(db: Session, site_id: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    rows = db.execute(
        select(Module.key, ModuleVersion.id, ModuleVersion.number, ModuleVersion.title, ModuleVersion.words)
        .join(ModuleVersion, ModuleVersion.module_id == Module.id)
        .where(Module.site_id == site_id)
    )
    for row in rows:
        found.setdefault(row.key, []).append(row)
    return found


def _tallies(db: Session, site_id: str, since: datetime) -> dict[Key, _Tally]:
    """Return what became of every module version on confirmed views since then."""
    tallies: dict[Key, _Tally] = {}
    views = {
        row.id: row
        for row in db.execute(
            select(PageView.id, PageView.page, PageView.arrangement_id, PageView.hcp_id, PageView.sections)
            .where(PageView.site_id == site_id, PageView.opened_at >= since)
            .where(PageView.confirmed.is_(True), PageView.staff.is_(False))
            .order_by(PageView.opened_at.desc(), PageView.id)
            .limit(_MOST_VIEWS)
        )
    }
    homes = [row.arrangement_id for row in views.values() if row.page == "home" and row.arrangement_id]
    places = _places(db, homes)
    read: Counter[tuple[str, Key]] = Counter()
    for row in _sections(db, list(views)):
        view, key = views[row.view_id], (row.module_key, row.module_version)
        place = places.get(view.arrangement_id or "", {}).get(row.module_key) if view.page == "home" else None
        if place is not None and (row.seen_ms or row.passed):
            counts = tallies.setdefault(key, _Tally()).places.setdefault(place, [0, 0])
            counts[0] += 1
            counts[1] += bool(row.passed)
        if view.page == row.module_key:
            read[row.view_id, key] += row.attention_ms
    for (_, key), ms in read.items():
        if ms >= READ_MS:
            tallies.setdefault(key, _Tally()).dwell_ms.append(ms)
    _add_answers(db, site_id, since, views, tallies)
    return tallies


def _places(db: Session, arrangements: list[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for some in _chunks(arrangements):
        wanted = select(StoredArrangement.id, StoredArrangement.decision).where(StoredArrangement.id.in_(some))
        for arrangement_id, decision in db.execute(wanted):
            items = json.loads(decision)["items"]
            found[arrangement_id] = {item["module"]: place for place, item in enumerate(items, 1)}
    return found


def _sections(db: Session, views: list[str]) -> list[Any]:
    s = SectionView
    found: list[Any] = []
    for some in _chunks(views):
        columns = (s.view_id, s.module_key, s.module_version, s.attention_ms, s.seen_ms, s.passed)
        found += db.execute(select(*columns).where(s.view_id.in_(some))).all()
    return found


def _add_answers(
    db: Session, site_id: str, since: datetime, views: Mapping[str, Any], tallies: dict[Key, _Tally]
) -> None:
    """Count each doctor's newest answer to "useful?" for the version they saw; unnamed answers count one by one."""
    newest: dict[tuple[str, Key], bool] = {}
    rows = db.execute(
        select(Interaction.view_id, Interaction.subject, Interaction.value)
        .where(Interaction.site_id == site_id, Interaction.type == "module.useful", Interaction.at >= since)
        .order_by(Interaction.at, Interaction.no)
    )
    for view_id, subject, value in rows:
        view, module = views.get(view_id), subject.partition("#")[0]
        version = next((each[2] for each in view.sections if each[1] == module), None) if view is not None else None
        if view is not None and version is not None:
            newest[view.hcp_id or view_id, (module, version)] = value == "yes"
    for (_, key), was_useful in newest.items():
        tallies.setdefault(key, _Tally()).useful[was_useful] += 1


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _IN] for start in range(0, len(ids), _IN)]
