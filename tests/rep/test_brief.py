"""The page before a visit says what to raise and what to leave out, each with its reason."""

from portal import clock
from portal.hcp.actions import declare_interests
from portal.tracking.models import NotRelevant
from tests.rep.conftest import Desk
from tests.reports.world import BY


def test_the_brief_suggests_what_fits_and_leaves_out_what_was_read_or_refused(desk: Desk) -> None:
    world, doctor = desk.world, desk.own
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 150_000, events=(("module.useful", "dosing", "yes"),))
    with world.database.writing() as db:
        declare_interests(db, doctor, world.site_id, topics=["safety"], by=BY, at=world.at)
        db.add(NotRelevant(hcp_id=doctor, site_id=world.site_id, module_key="warnings", at=clock.now()))
    page = desk.client.get(f"/staff/doctors/{doctor}/brief").text
    raised, left_out = page.split('id="brief-raise"')[1].split('id="brief-leave"')
    left_out = left_out.split('id="brief-calculators"')[0]
    assert "Renal" in raised
    assert "Not read yet, and fits the interest in Dosing and Safety" in raised
    assert "Read at length lately" in left_out
    assert "The doctor called it not relevant" in left_out
    assert "Called Dosing useful" in page
    assert world.count("doctor.read") == 1


def test_the_brief_knows_nothing_of_who_is_not_measured_by_name(desk: Desk) -> None:
    world = desk.world
    doctor = world.doctor("H-3", rep=desk.rep.id, tracking="anonymous", profiling="refused")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 150_000, mode="anonymous")
    page = desk.client.get(f"/staff/doctors/{doctor}/brief").text
    assert "did not agree to be measured by name" in page
    assert "2 min" not in page


def test_a_foreign_brief_is_missing(desk: Desk) -> None:
    assert desk.client.get(f"/staff/doctors/{desk.foreign}/brief").status_code == 404
