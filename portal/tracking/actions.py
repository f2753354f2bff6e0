"""Verbs of the tracking room: open a page view, take beats."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.content.bands import Declared
from portal.db import new_id
from portal.tracking import statements
from portal.tracking.books import Books
from portal.tracking.credential import Mint, ms_of
from portal.tracking.credits import Layout, credit
from portal.tracking.drops import Drop
from portal.tracking.dwell import Totals
from portal.tracking.events import names_calculator
from portal.tracking.funnel import Admitted, admit, keep, status_of
from portal.tracking.rows import id_of_row, rows_of

_MOST_REFUSED = 100
_ENGAGED_MS = 5000

Section = tuple[str, str, str, tuple[str, ...], int]
Reader = tuple[str | None, str | None, str]  # visit, doctor, site


@dataclass(frozen=True, slots=True)
class Standing:
    """Of which readers nothing more is kept, and of which nothing more feeds the profile, at this moment."""

    gone: frozenset[Reader] = frozenset()
    unfed: frozenset[Reader] = frozenset()


Judge = Callable[[Session, Collection[Reader]], Standing]
Calculators = Callable[[Session, Collection[str]], Collection[Declared]]
_GOOD = Standing()


@dataclass(frozen=True, slots=True)
class OpenView:
    """A page view just opened; its id goes into the credential."""

    id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one beat: HTTP status, why it was dropped, and what it newly proves of its visit."""

    status: int
    drop: Drop | None = None
    view_id: str | None = None
    visit_id: str | None = None
    ran_script: bool = False  # the first beat of its view
    engaged: bool = False  # now for the first time: trusted input and 5 s visible


def open_view(
    db: Session,
    *,
    hcp_id: str | None,
    visit_id: str | None,
    site_id: str,
    page: str,
    arrangement_id: str | None,
    sections: Iterable[Section],
    mode: str,
    feeds_profile: bool,
    at: datetime,
    grace_ms: int = 5000,
    half_life_days: float | None = None,
    staff: bool = False,
) -> OpenView:
    """Write the row of a page shown now and return its id; its dwell is unknown until a beat comes.

    `sections` are (key, module key, module version, topics, words) as served. Mode `anonymous` writes no identity.
    `half_life_days` is that of the rules that decided the page: what is read on it adds to interest with it.
    """
    row = new_view(
        hcp_id=hcp_id,
        visit_id=visit_id,
        site_id=site_id,
        page=page,
        arrangement_id=arrangement_id,
        sections=sections_text(sections),
        mode=mode,
        feeds_profile=feeds_profile,
        at=at,
        grace_ms=grace_ms,
        half_life_days=half_life_days,
        staff=staff,
    )
    connection = db.connection()
    statements.open_views(connection.dialect).run(connection, [row])
    return OpenView(row["id"])


def new_view(
    *,
    hcp_id: str | None,
    visit_id: str | None,
    site_id: str,
    page: str,
    arrangement_id: str | None,
    sections: str,
    mode: str,
    feeds_profile: bool,
    at: datetime,
    grace_ms: int,
    half_life_days: float | None,
    staff: bool = False,
) -> dict[str, Any]:
    """Return the row of a page shown now, for `statements.open_views`; `sections` as `sections_text` writes them."""
    named = mode == "identified"
    return {
        "id": new_id(),
        "hcp_id": hcp_id if named else None,
        "visit_id": visit_id if named else None,
        "site_id": site_id,
        "page": page,
        "arrangement_id": arrangement_id if named else None,
        "mode": mode,
        "feeds_profile": feeds_profile and named and not staff,
        "staff": staff,
        "sections": sections,
        "grace_ms": grace_ms,
        "half_life_days": half_life_days,
        "opened_at": at,
        "confirmed": False,
        "refused": [],
    }


def sections_text(sections: Iterable[Section]) -> str:
    """Return the sections of a page as they are stored with its view."""
    return json.dumps([[key, module, version, list(topics), words] for key, module, version, topics, words in sections])


def take_beat(
    db: Session,
    raw: bytes,
    *,
    mint: Mint,
    at: datetime,
    judge: Judge | None = None,
    calculators: Calculators | None = None,
) -> Answer:
    """Take one beat; see `take_beats`."""
    taken = take_beats(db, [raw], mint=mint, at=at, judge=judge, calculators=calculators)
    return taken[0]


def take_beats(
    db: Session,
    raws: Sequence[bytes],
    *,
    mint: Mint,
    at: datetime,
    judge: Judge | None = None,
    calculators: Calculators | None = None,
) -> list[Answer]:
    """Take beats that arrived at `at`; see `keep_beats`."""
    outcomes = [admit(raw, mint, now_ms=ms_of(at)) for raw in raws]
    return keep_beats(db, outcomes, at=at, judge=judge, calculators=calculators)


def keep_beats(
    db: Session,
    outcomes: Sequence[Admitted | Drop],
    *,
    at: datetime,
    judge: Judge | None = None,
    calculators: Calculators | None = None,
) -> list[Answer]:
    """Keep what was admitted together and return an answer for each; everything it changes is one transaction.

    `judge` says how readers stand now (revoked, consent withdrawn); `calculators` what those of the module versions on
    a page may report. Nothing may be answered before the caller has committed.
    """
    answers: dict[int, Answer] = {}
    drops: Counter[Drop] = Counter()
    waiting: dict[str, list[tuple[int, Admitted]]] = {}
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Drop):
            answers[place] = Answer(status_of(outcome), outcome)
        else:
            waiting.setdefault(id_of_row(outcome), []).append((place, outcome))
    if waiting:
        rows = rows_of(db, waiting)
        readers = {_reader(row) for row in rows.values() if "drop" not in row and row["hcp_id"]}
        standing = judge(db, readers) if judge and readers else _GOOD
        books = Books(db, at=at)
        for row_id, arrived in waiting.items():
            row = rows.get(row_id)
            for place, admitted in arrived:
                declared = _declared(db, row, admitted, calculators)
                answers[place] = _take(books, row, admitted, standing, drops, at, declared)
        books.close()
    drops.update(answer.drop for answer in answers.values() if answer.drop is not None)
    if drops:
        day = at.date().isoformat()
        db.execute(
            statements.add_drops(_dialect(db)),
            [{"day": day, "reason": str(drop), "count": count} for drop, count in sorted(drops.items())],
        )
    return [answers[place] for place in range(len(outcomes))]


def _take(
    books: Books,
    row: dict[str, Any] | None,
    admitted: Admitted,
    standing: Standing,
    drops: Counter[Drop],
    at: datetime,
    declared: Collection[Declared] | None,
) -> Answer:
    if row is None:
        return Answer(status_of(Drop.UNKNOWN_VIEW), Drop.UNKNOWN_VIEW)
    if "drop" in row:
        return Answer(status_of(row["drop"]), row["drop"])
    if _reader(row) in standing.gone or (row["stopped_at"] is not None and row["stopped_at"] <= at):
        return Answer(status_of(Drop.REVOKED), Drop.REVOKED, row["id"], row["visit_id"])
    layout: Layout = row["layout"]
    known: Totals = row["totals"]
    allowed = layout.sections.keys()
    if not row["hcp_id"]:
        admitted = replace(admitted, beat=replace(admitted.beat, wall=0))  # the browser's clock would lead to a visit
    outcome = keep(admitted, known, allowed=allowed, refused=row["refused"], declared=declared)
    if isinstance(outcome, Drop):
        if outcome is not Drop.SPENT_NUMBER and len(row["refused"]) < _MOST_REFUSED:
            row["refused"] = sorted({*row["refused"], admitted.beat.n})
            books.refuse(row)
        return Answer(status_of(outcome), outcome, row["id"], row["visit_id"])
    drops.update(outcome.trimmed)
    begun = max(0, admitted.elapsed - admitted.beat.age)
    if outcome.totals == known and (row["begun_ms"] is None or begun >= row["begun_ms"]):
        return Answer(204, view_id=row["id"], visit_id=row["visit_id"])
    row["feeds_profile"] &= _reader(row) not in standing.unfed
    row["begun_ms"] = begun if row["begun_ms"] is None else min(begun, row["begun_ms"])
    won = None if row["staff"] else credit(known, outcome.totals, layout, outcome.events)
    books.enter(row, known, outcome.totals, outcome.events, won)
    row["totals"] = outcome.totals
    return Answer(
        204,
        view_id=row["id"],
        visit_id=row["visit_id"],
        ran_script=not known.numbers,
        engaged=_is_engaged(outcome.totals) and not _is_engaged(known),
    )


def _declared(
    db: Session, row: dict[str, Any] | None, admitted: Admitted, calculators: Calculators | None
) -> Collection[Declared] | None:
    """Return what the calculators of a beat's page may report; nobody is asked where the beat speaks of none."""
    if calculators is None or row is None or "drop" in row or not any(map(names_calculator, admitted.beat.events)):
        return None
    layout: Layout = row["layout"]
    return calculators(db, {section.module_version for section in layout.sections.values()})


def _reader(row: Mapping[str, Any]) -> Reader:
    return row["visit_id"], row["hcp_id"], row["site_id"]


def _is_engaged(totals: Totals) -> bool:
    return totals.touched and totals.vis >= _ENGAGED_MS


def _dialect(db: Session) -> str:
    return db.get_bind().dialect.name
