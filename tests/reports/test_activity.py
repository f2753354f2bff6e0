"""A doctor's page tells what the doctor did: no machine, no colleague, no second device, and only by consent."""

from datetime import timedelta

import pytest
from flask import Flask

from portal import clock
from portal.access.evidence import Grade, Mark
from portal.reports import timeline
from portal.reports.activity import Activity, activity_of, last_order
from portal.reports.timeline import Kind, Moment
from portal.reports.visits import Standing, standing
from tests.reports.world import World, make_world


@pytest.fixture
def world(app: Flask) -> World:
    """The small world on a fresh database."""
    return make_world(app)


def activity(world: World, hcp_id: str) -> Activity:
    with world.database.reading() as db:
        return activity_of(db, hcp_id, at=clock.now())


def told(world: World, hcp_id: str) -> list[Moment]:
    return timeline.moments(activity(world, hcp_id), senders={}, at=clock.now())


def test_what_the_doctor_read_is_counted_by_module_and_by_topic(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 8_000)
    world.read(doctor, visit, "renal", 6_000)
    done = activity(world, doctor)
    assert [(share.label, share.ms) for share in done.by_module(done.counted)] == [("Dosing", 8_000), ("Renal", 6_000)]
    assert [(share.label, share.ms) for share in done.by_topic(done.counted)] == [("Dosing", 14_000), ("Safety", 6_000)]
    assert len(done.confirmed) == 1


def test_dwell_without_a_beat_is_unknown_and_never_zero(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", None)
    (read,) = [moment for moment in told(world, doctor) if moment.kind is Kind.READING]
    assert read.is_read
    assert read.dwell_ms is None


def test_a_second_device_is_told_without_dwell_or_module(world: World) -> None:
    doctor = world.doctor("H-1")
    link = world.link(doctor)
    world.visit(doctor, link)
    other, _ = world.visit(doctor, link, address="b" * 64)
    world.read(doctor, other, "dosing", 60_000, events=(("calculator.opened", "bmi", None),))
    done = activity(world, doctor)
    assert done.by_module(done.counted) == []
    assert done.views == ()
    assert done.calculators == ()
    titles = [moment.title for moment in told(world, doctor)]
    assert "Opened on a second device" in titles
    assert not any("Dosing" in title for title in titles)


def test_a_colleague_opening_the_link_is_never_the_doctor(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor), is_staff=True)
    world.read(doctor, visit, "dosing", 60_000)
    done = activity(world, doctor)
    assert done.by_module(done.counted) == []
    assert done.confirmed == ()
    assert "Opened on a colleague's device" in [moment.title for moment in told(world, doctor)]


def test_a_machine_stands_apart_and_out_of_the_totals(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor), marks=frozenset({Mark.HIDDEN_LINK}))
    world.read(doctor, visit, "dosing", 9_000)
    done = activity(world, doctor)
    assert done.dwell_ms == 0
    assert {moment.kind for moment in told(world, doctor)} >= {Kind.AUTOMATIC}
    assert not [moment for moment in told(world, doctor) if moment.kind in (Kind.VISITS, Kind.READING)]


def test_reading_in_a_browser_that_proves_no_gesture_is_told_apart(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor), marks=frozenset({Mark.NO_GESTURE}))
    world.read(doctor, visit, "dosing", 8_000)
    done = activity(world, doctor)
    assert (done.dwell_ms, done.unconfirmed_ms) == (0, 8_000)
    assert [(share.label, share.ms) for share in done.by_module(done.unconfirmed)] == [("Dosing", 8_000)]


def test_a_press_without_reading_is_unconfirmed_and_greyed(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor), grade=Grade.GESTURE)
    world.read(doctor, visit, "dosing", 2_000, touched=False)
    done = activity(world, doctor)
    assert done.dwell_ms == 0
    (opened,) = [moment for moment in told(world, doctor) if moment.kind is Kind.VISITS]
    assert (opened.tag, opened.tone) == ("unconfirmed", "automatic")


@pytest.mark.parametrize("choice", ["anonymous", "none", None])
def test_who_is_not_measured_by_name_never_appears_by_name(world: World, choice: str | None) -> None:
    doctor = world.doctor("H-1", tracking=choice)
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 8_000, mode="anonymous")
    done = activity(world, doctor)
    assert (done.visits, done.views, done.is_named) == ((), (), False)
    assert {moment.kind for moment in told(world, doctor)} <= {Kind.LINKS, Kind.CONSENT}


def test_withdrawal_hides_what_was_shown_before(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 8_000)
    world.at += timedelta(days=1)
    with world.database.writing() as db:
        world.decide(db, doctor, "tracking", "none")
    assert activity(world, doctor).visits == ()


def test_a_visit_of_the_time_without_consent_stays_hidden_after_consent(world: World) -> None:
    doctor = world.doctor("H-1", tracking="anonymous")
    link = world.link(doctor)
    _, device = world.visit(doctor, link)
    world.at += timedelta(days=1)
    with world.database.writing() as db:
        world.decide(db, doctor, "tracking", "identified")
    world.at += timedelta(hours=1)
    visit, _ = world.visit(doctor, link, device=device)
    assert [each.id for each in activity(world, doctor).visits] == [visit]


def test_interests_are_not_shown_without_profiling(world: World) -> None:
    doctor = world.doctor("H-1", profiling="refused")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 8_000)
    done = activity(world, doctor)
    assert done.by_module(done.counted)
    assert all(site.interest == () for site in done.sites)


def test_fetches_by_the_person_who_pressed_are_not_called_automatic(world: World) -> None:
    from portal.access.actions import touch_link

    doctor = world.doctor("H-1")
    link = world.link(doctor)
    with world.database.writing() as db:
        for address in ("a" * 64, "c" * 64, "c" * 64):
            touch_link(
                db, link, kind="fetched", grade=Grade.FETCHED, marks=frozenset(), address_hash=address, at=world.at
            )
    world.visit(doctor, link, address="a" * 64)
    (fetched,) = activity(world, doctor).fetched
    assert fetched.count == 2


def test_the_last_order_is_told_against_the_one_before(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.page(doctor, visit, ("dosing", "warnings", "renal"))
    world.at += timedelta(minutes=1)
    world.page(doctor, visit, ("renal", "dosing", "warnings"))
    done = activity(world, doctor)
    with world.database.reading() as db:
        order = last_order(db, doctor, visits=done.visits, names=done.names)
    assert order is not None
    assert [(each.title, each.before) for each in order.placed] == [("Renal", 3), ("Dosing", 1), ("Warnings", 2)]
    assert order.placed[0].reason == "Because of renal"


def test_everything_is_newest_first_and_the_visit_comes_before_its_reading(world: World) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 8_000, events=(("module.useful", "dosing", "yes"),))
    kinds = [moment.kind for moment in told(world, doctor)]
    assert kinds.index(Kind.ANSWERS) < kinds.index(Kind.READING) < kinds.index(Kind.VISITS) < kinds.index(Kind.LINKS)


@pytest.mark.parametrize(
    ("grade", "marks", "counts"),
    [
        (0, [], Standing.AUTOMATIC),
        (1, [], Standing.AUTOMATIC),
        (2, [], Standing.UNCONFIRMED),
        (2, ["no-agent"], Standing.AUTOMATIC),
        (3, [], Standing.CONFIRMED),
        (3, ["headless"], Standing.UNCONFIRMED),
        (3, ["too-soon"], Standing.UNCONFIRMED),
        (4, ["burst"], Standing.AUTOMATIC),
        (4, [], Standing.CONFIRMED),
    ],
)
def test_standing_follows_grade_and_strong_marks(grade: int, marks: list[str], counts: Standing) -> None:
    assert standing(grade, marks) is counts
