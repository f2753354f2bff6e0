"""The effect of the personal order, computed from what is stored, on both databases."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.db import Database, new_id
from portal.hcp.models import DeclaredInterest, Hcp
from portal.personalize.effect import Group, State, group_of
from portal.reports import effects
from portal.reports.effect_words import row_of
from portal.rulebook import actions
from portal.rulebook.queries import live_version
from portal.tracking.models import CalculatorUse, DailyDwell, PageView
from tests.insights.population import a_site
from tests.rulebook.rooms import ANNA, AT, BERT, a_rule

SINCE = AT - timedelta(days=80)
DAY = timedelta(days=1)


def release(database: Database, site_id: str, at: datetime, **settings: Any) -> None:
    """Make rules with these settings live at `at`."""
    with database.writing() as db:
        draft = actions.draft_from(db, site_id, by=ANNA, at=at)
        actions.edit_draft(db, draft, body={"rules": [a_rule()], "settings": settings}, by=ANNA, at=at)
        actions.submit(db, draft, note=f"as agreed {at}", by=ANNA, at=at)
        actions.approve(db, draft, by=BERT, at=at)
        actions.go_live(db, draft, by=BERT, at=at)


def site_with_holdout(database: Database, percent: float = 50.0) -> str:
    """Write a site whose holdout stands since `SINCE`."""
    with database.writing() as db:
        site_id = a_site(db)
    release(database, site_id, SINCE, holdout_percent=percent, holdout_salt="autumn")
    return site_id


@dataclass(frozen=True)
class Did:
    """What one doctor did after the first visit."""

    minutes: float = 0.0
    came_back: bool = False
    results: int = 0


def view(hcp_id: str, site_id: str, at: datetime, visit_id: str = "", **changed: Any) -> PageView:
    """Return a confirmed page view that may feed the profile."""
    told: dict[str, Any] = {
        "id": new_id(),
        "hcp_id": hcp_id,
        "visit_id": visit_id or new_id(),
        "site_id": site_id,
        "page": "home",
        "mode": "identified",
        "feeds_profile": True,
        "staff": False,
        "sections": [],
        "grace_ms": 0,
        "opened_at": at,
        "confirmed": True,
        "refused": [],
    }
    return PageView(**(told | changed))


def day(hcp_id: str, site_id: str, at: datetime, minutes: float, module: str = "dosing") -> DailyDwell:
    """Return a row of the roll-up."""
    row = DailyDwell(hcp_id=hcp_id, site_id=site_id, module_key=module, day=at.date().isoformat(), profiled=True)
    row.eng_ms, row.last_at = round(minutes * 60_000), at
    row.reads = row.skips = row.downloads = 0
    row.completed, row.useful, row.answers = False, None, ""
    return row


def doctor(database: Database, site_id: str, first: datetime, did: Did, hcp_id: str = "") -> str:
    """Write a doctor with a first visit and what came of it."""
    hcp_id = hcp_id or new_id()
    with database.writing() as db:
        db.add(Hcp(id=hcp_id, ref=f"H-{hcp_id}", created_at=AT))
        home = view(hcp_id, site_id, first)
        db.add(home)
        if did.minutes:
            db.add(day(hcp_id, site_id, first + DAY, did.minutes))
        if did.came_back:
            db.add(view(hcp_id, site_id, first + 3 * DAY))
        for number in range(did.results):
            use = CalculatorUse(view_id=home.id, calculator=f"c{number}", hcp_id=hcp_id, site_id=site_id, version="1")
            use.opened_at, use.completed_at, use.band, use.profiled, use.last_no = first, first, "", True, 1
            db.add(use)
    return hcp_id


def test_a_known_effect_is_found(database: Database) -> None:
    site_id = site_with_holdout(database)
    chance = random.Random(11)
    with database.reading() as db:
        live = live_version(db, site_id, AT)
    assert live is not None
    sums = {Group.PERSONAL: 0, Group.HOLDOUT: 0}
    for number in range(200):
        hcp_id = f"{chance.getrandbits(128):032x}"  # the same groups each time: one interval in twenty misses
        group = group_of(hcp_id, live.rules)
        sums[group] += 1
        personal = group is Group.PERSONAL
        did = Did(
            minutes=chance.uniform(2, 4) + (3 if personal else 0),
            came_back=chance.random() < (0.8 if personal else 0.2),
            results=chance.choice([0, 1, 2]),
        )
        doctor(database, site_id, SINCE + DAY + timedelta(hours=number % 24), did, hcp_id)
    with database.reading() as db:
        report = effects.report(db, site_id, at=AT)
    assert (report.personal, report.holdout, report.waiting) == (sums[Group.PERSONAL], sums[Group.HOLDOUT], 0)
    assert report.since == SINCE
    minutes, returned, calculators = report.lines
    assert minutes.effect.state is State.HELPS
    assert minutes.effect.difference is not None
    assert minutes.effect.difference.low < 3 < minutes.effect.difference.high
    assert returned.effect.state is State.HELPS
    assert calculators.effect.state is not State.NOT_ENOUGH
    assert calculators.personal == pytest.approx(1, abs=0.3)
    row = row_of(minutes)
    assert row.bar is not None
    assert 50 < row.bar.low < row.bar.value < row.bar.high < 100
    assert row.difference.startswith("+")


def test_few_doctors_say_nothing_and_small_groups_are_not_counted_out(sqlite_database: Database) -> None:
    site_id = site_with_holdout(sqlite_database, 1.0)
    for _ in range(12):
        doctor(sqlite_database, site_id, SINCE + DAY, Did(minutes=2.0))
    with sqlite_database.reading() as db:
        report = effects.report(db, site_id, at=AT)
    assert report.personal is not None
    assert report.personal >= 10
    assert {line.effect.state for line in report.lines} == {State.NOT_ENOUGH}
    assert {(line.personal, line.holdout) for line in report.lines} == {(None, None)}
    assert all("fewer than 5" in row_of(line).text for line in report.lines)


def test_only_thirty_days_from_the_first_confirmed_visit_count(sqlite_database: Database) -> None:
    site_id, first = site_with_holdout(sqlite_database), SINCE + DAY
    over = {"a" * 32: first}
    hcp_id = doctor(sqlite_database, site_id, first, Did(minutes=1.0, results=2), "a" * 32)
    doctor(sqlite_database, site_id, AT - 5 * DAY, Did(minutes=9.0))
    with sqlite_database.writing() as db:
        db.add(day(hcp_id, site_id, first + 29 * DAY, 2.0))
        db.add(day(hcp_id, site_id, first + 30 * DAY, 50.0))
        db.add(view(hcp_id, site_id, first + timedelta(hours=1)))
        db.add(view(hcp_id, site_id, first + 2 * DAY, confirmed=False))
        db.add(view(hcp_id, site_id, first + 31 * DAY))
        assert effects._minutes(db, site_id, over, AT) == {hcp_id: 3.0}
        assert effects._returned(db, site_id, over) == {hcp_id: 0.0}
        assert effects._calculators(db, site_id, over) == {hcp_id: 2.0}
        report = effects.report(db, site_id, at=AT)
        assert report.waiting == 1
        db.add(DeclaredInterest(id=new_id(), hcp_id=hcp_id, site_id=site_id, topic="renal", at=AT))
        db.flush()
        assert effects._minutes(db, site_id, over, AT) == {hcp_id: 0.0}, "nothing read is on the topic declared"


def test_the_holdout_stands_since_it_was_last_drawn_anew(sqlite_database: Database) -> None:
    site_id = site_with_holdout(sqlite_database)
    release(sqlite_database, site_id, SINCE + 9 * DAY, holdout_percent=50.0, holdout_salt="autumn", declared_weight=3.0)
    with sqlite_database.reading() as db:
        assert effects.standing_holdout(db, site_id, AT)[1] == SINCE
    release(sqlite_database, site_id, SINCE + 20 * DAY, holdout_percent=20.0, holdout_salt="autumn")
    with sqlite_database.reading() as db:
        assert effects.standing_holdout(db, site_id, AT)[1] == SINCE + 20 * DAY
        assert effects.standing_holdout(db, site_id, SINCE + DAY)[1] == SINCE
    release(sqlite_database, site_id, SINCE + 30 * DAY)
    with sqlite_database.reading() as db:
        assert effects.standing_holdout(db, site_id, AT) == (None, None)
        assert effects.report(db, site_id, at=AT).lines == ()
