"""What a doctor had forgotten, or was counted without a name, is told to no representative and tried on no rule."""

from datetime import timedelta

import pytest
from flask import Flask

from portal import clock
from portal.audit import Actor
from portal.content.queries import store_fragment
from portal.hcp.actions import assign
from portal.hcp.queries import cards_of
from portal.microsite import history
from portal.personalize import Candidate
from portal.personalize.codec import candidates_to_json, facts_to_json
from portal.personalize.facts import Facts
from portal.reports.activity import Activity, activity_of, last_order
from portal.reports.doctors import doctor_rows
from portal.tracking.choices import forget_history
from tests.client import HouseClient
from tests.people import sign_in_as
from tests.reports.world import BY, World, make_world

ORDER = ("renal", "dosing", "warnings")
TELLING = ("Opened Dosing", "Opened the link", "The order shown last", "Because of renal", "8 s", "Time read by module")


@pytest.fixture
def world(app: Flask) -> World:
    """The small world on a fresh database."""
    return make_world(app)


def seen_and_read(world: World, doctor: str) -> tuple[str, str | None]:
    """The doctor comes, is served an order and reads; return the link and the device."""
    link = world.link(doctor)
    visit, device = world.visit(doctor, link)
    world.page(doctor, visit, ORDER, facts=facts_to_json(Facts(at=world.at, subject=doctor, consent_profiling=True)))
    world.read(doctor, visit, "dosing", 8_000)
    return link, device


def forget(world: World, doctor: str) -> None:
    with world.database.writing() as db:
        forget_history(db, doctor, world.site_id, by=Actor.hcp(doctor), at=world.at)


def known(world: World, doctor: str) -> tuple[Activity, object]:
    with world.database.reading() as db:
        done = activity_of(db, doctor, at=clock.now())
        return done, last_order(db, doctor, visits=done.visits, names=done.names)


def pages_of_the_rep(world: World, app: Flask, doctor: str) -> str:
    """Everything the representative can open about the doctor, and the list, as one text."""
    client = HouseClient(app)
    rep = sign_in_as(app, client, "rep")
    with world.database.writing() as db:
        assign(db, doctor, user_id=rep.id, by=BY, at=world.at)
    base = f"/staff/doctors/{doctor}"
    paths = (base, f"{base}?show=visits", f"{base}?show=reading", f"{base}/brief", f"{base}/activity.csv")
    found = "".join(client.get(path).text for path in paths)
    with world.database.reading() as db:
        (row,) = doctor_rows(db, [*cards_of(db, [doctor]).values()], everybody=False, user_id=rep.id, at=clock.now())
    assert (row.news.is_something, row.last_visit_at, row.last_opened_at) == (False, None, None)
    return found


def test_forgetting_takes_order_visits_and_reading_from_the_representative(world: World, app: Flask) -> None:
    doctor = world.doctor("H-1")
    link, device = seen_and_read(world, doctor)
    done, order = known(world, doctor)
    assert done.views
    assert order is not None
    world.at += timedelta(hours=1)
    forget(world, doctor)
    done, order = known(world, doctor)
    assert (done.visits, done.views, done.calculators, done.interactions, order) == ((), (), (), (), None)
    told = pages_of_the_rep(world, app, doctor)
    assert [words for words in TELLING if words in told] == []
    world.at += timedelta(hours=1)
    visit, _ = world.visit(doctor, link, device=device)
    world.page(doctor, visit, ORDER[::-1])
    done, order = known(world, doctor)
    assert len(done.visits) == 1
    assert order is not None
    assert order.before_at is None, "the order before the forgetting is compared with nothing"


def test_what_was_forgotten_is_tried_on_no_rule(world: World) -> None:
    one, other = world.doctor("H-1"), world.doctor("H-2")
    for doctor in (one, other):
        seen_and_read(world, doctor)
    world.at += timedelta(hours=1)
    forget(world, one)
    with world.database.reading() as db:
        site = world.site_id
        assert [page.doctor for page in history.past_pages(db, site)] == [other]
        assert history.latest_doctors(db, site, most=9) == [other]
        assert history.count_pages(db, site) == 1
        assert len(history.pages_after(db, site, after=None, until=clock.now(), most=9)) == 1
        assert [facts.subject for facts in history.recent_facts(db, site, limit=9)] == [other]


@pytest.mark.parametrize("now", ["anonymous", "none"])
def test_the_order_of_who_is_not_named_is_told_to_nobody(world: World, app: Flask, now: str) -> None:
    doctor = world.doctor("H-1")
    seen_and_read(world, doctor)
    world.at += timedelta(hours=1)
    with world.database.writing() as db:
        world.decide(db, doctor, "tracking", now)
    visit, _ = world.visit(doctor, world.link(doctor))
    world.page(doctor, visit, ORDER)
    world.read(doctor, visit, "dosing", 8_000, mode="anonymous")
    done, order = known(world, doctor)
    assert (done.visits, done.views, order) == ((), (), None)
    told = pages_of_the_rep(world, app, doctor)
    assert [words for words in TELLING if words in told] == []


def test_the_page_says_where_nothing_moved(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor))
    listed = candidates_to_json(Candidate(key, key, position=place) for place, key in enumerate(("dosing", "renal")))
    with world.database.writing() as db:
        kept = store_fragment(db, listed, world.at)
    for order, moved in ((("dosing", "renal"), False), (("renal", "dosing"), True), (("renal",), False)):
        world.at += timedelta(minutes=1)
        world.page(doctor, visit, order, candidates=kept)
        _, found = known(world, doctor)
        assert getattr(found, "moved", None) is moved, order
