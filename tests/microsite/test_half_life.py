"""One half-life, that of the live rules: on pages, in what is stored, in live counts, trials and the rep's view."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.audit import Actor
from portal.db import new_id
from portal.microsite import previews
from portal.microsite.models import StoredArrangement
from portal.personalize.codec import facts_from_json
from portal.personalize.conditions import Comparison, Op
from portal.personalize.rules import dump
from portal.reports.activity import activity_of
from portal.reports.matching import matching
from portal.rulebook import actions
from portal.rulebook.queries import half_life_days, live_version
from portal.tracking.models import Interest
from tests.microsite.doctors import Doctor


def release(doctor: Doctor, half_life: float) -> None:
    """Make the live rules live again with another half-life, by two people."""
    author, reviewer = Actor.staff(new_id()), Actor.staff(new_id())
    with doctor.database.writing() as db:
        at = clock.now()
        live = live_version(db, doctor.site_id, at)
        assert live is not None
        raw = dump(live.rules)
        raw["settings"]["half_life_days"] = half_life
        draft = actions.draft_from(db, doctor.site_id, by=author, at=at)
        actions.edit_draft(db, draft, body=raw, by=author, at=at)
        actions.submit(db, draft, note="interest fades faster", by=author, at=at)
        actions.approve(db, draft, by=reviewer, at=at)
        actions.go_live(db, draft, by=reviewer, at=at)


def interest_on_page(doctor: Doctor) -> dict[str, float]:
    doctor.get()
    newest = select(StoredArrangement.facts).where(StoredArrangement.hcp_id == doctor.id)
    return dict(facts_from_json(doctor.rows(newest.order_by(StoredArrangement.at.desc()).limit(1))[0][0]).interest)


def test_one_half_life_everywhere(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    release(doctor, 10)
    doctor.read("warnings", 60_000)
    start = clock.now()
    topic, minutes = max(interest_on_page(doctor).items(), key=lambda kv: kv[1])
    with time_machine.travel(start + timedelta(days=10), tick=False):
        doctor.again()
        at = clock.now()
        half = interest_on_page(doctor)[topic]
        assert half == pytest.approx(minutes / 2, rel=0.01)
        with doctor.database.reading() as db:
            assert half_life_days(db, doctor.site_id, at) == 10
            (site,) = [each for each in activity_of(db, doctor.id, at=at).sites if each.id == doctor.site_id]
            assert dict(site.interest)[topic] == pytest.approx(half, rel=0.01)
            for by, met in ((-0.05, 1), (0.05, 0)):
                value = round(half + by, 3)
                asked = Comparison(fact="interest", of=topic, op=Op.MORE, value=value)
                told = matching(db, doctor.site_id, asked, at=at, half_life_days=site.half_life_days)
                assert told.matched == met
            made = previews.decided(db, doctor.id, doctor.site_id, at=at, now=at, half_life_days=5)
            assert made is not None
            assert made[0].facts.interest[topic] == pytest.approx(minutes / 4, rel=0.01)
        doctor.read("warnings", 60_000)
    with doctor.database.reading() as db:
        mine = (Interest.hcp_id == doctor.id, Interest.topic == topic)
        stored = db.scalars(select(Interest.value_ms).where(*mine)).one() / 60_000
    assert stored == pytest.approx(half + minutes, rel=0.02), "what is stored fades with the same half-life"
    with time_machine.travel(start + timedelta(days=12), tick=False):
        doctor.again()
        release(doctor, 40)
        before = interest_on_page(doctor)[topic]
        assert before == pytest.approx(stored * 0.5 ** (2 / 40), rel=0.02), "a new one holds from the next page on"
