"""A rep sees their own doctors and nobody else's, in words that say what is known."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from portal import clock
from portal.hcp import actions as hcp
from tests.client import HouseClient
from tests.people import Staff
from tests.rep.conftest import Desk
from tests.reports.world import BY, World


def test_the_list_holds_own_doctors_only(desk: Desk) -> None:
    page = desk.client.get("/staff/doctors/").text
    assert "Dr Karla Meyer" in page
    assert "Foreign" not in page


@pytest.mark.parametrize("path", ["", "/activity.csv", "/link"])
def test_a_foreign_doctor_answers_as_a_missing_one(desk: Desk, path: str) -> None:
    foreign = desk.client.get(f"/staff/doctors/{desk.foreign}{path}")
    missing = desk.client.get(f"/staff/doctors/{'0' * 32}{path}")
    mangled = desk.client.get(f"/staff/doctors/%27--{path}")
    assert foreign.status_code == missing.status_code == mangled.status_code == 404
    assert _without_reference(foreign.text) == _without_reference(missing.text)


def test_a_foreign_link_answers_as_a_missing_one_and_is_not_revoked(desk: Desk) -> None:
    link = desk.world.link(desk.foreign, sender=desk.rep.id)
    for doctor in (desk.foreign, desk.own):
        assert desk.client.get(f"/staff/doctors/{doctor}/link/{link}").status_code == 404
        page = f"/staff/doctors/{desk.own}/link"
        refused = desk.client.submit(page, f"/staff/doctors/{doctor}/link/{link}/revoke", {"reason": "mine now"})
        assert refused.status_code == 404
    assert desk.world.count("link.revoked") == 0


def test_a_doctor_handed_over_is_gone_with_the_next_request(desk: Desk) -> None:
    assert desk.client.get(f"/staff/doctors/{desk.own}").status_code == 200
    with desk.world.database.writing() as db:
        hcp.unassign(db, desk.own, user_id=desk.rep.id, by=BY, at=clock.now())
    assert desk.client.get(f"/staff/doctors/{desk.own}").status_code == 404
    assert "Meyer" not in desk.client.get("/staff/doctors/").text


@pytest.mark.parametrize("role", ["marketer", "reviewer", "compliance", "admin"])
def test_other_roles_are_refused(
    app: Flask, world: World, sign_in: Callable[[HouseClient, str], Staff], role: str
) -> None:
    doctor = world.doctor("H-1")
    client = HouseClient(app)
    sign_in(client, role)
    for path in ("/staff/doctors/", f"/staff/doctors/{doctor}", f"/staff/doctors/{doctor}/activity.csv"):
        assert client.get(path).status_code == 403


def test_nobody_gets_in_without_signing_in(app: Flask, world: World) -> None:
    doctor = world.doctor("H-1")
    for path in ("/staff/doctors/", f"/staff/doctors/{doctor}", "/staff/doctors/territories"):
        answer = HouseClient(app).get(path)
        assert answer.status_code == 303
        assert "/staff/sign-in" in answer.headers["Location"]


def test_a_manager_reads_every_doctor_and_issues_no_link(
    app: Flask, world: World, sign_in: Callable[[HouseClient, str], Staff]
) -> None:
    doctor = world.doctor("H-1")
    client = HouseClient(app)
    sign_in(client, "manager")
    assert "Dr Karla Meyer" in client.get("/staff/doctors/").text
    page = client.get(f"/staff/doctors/{doctor}").text
    assert "Issue a link" not in page
    assert client.get(f"/staff/doctors/{doctor}/link").status_code == 403


def test_the_page_tells_reading_calculators_and_the_last_order(desk: Desk) -> None:
    world, doctor = desk.world, desk.own
    visit, _ = world.visit(doctor, world.link(doctor, sender=desk.rep.id))
    world.read(doctor, visit, "dosing", 8_000, events=(("calculator.completed", "ckd_epi_2021_cr", "g3a"),))
    world.page(doctor, visit, ("renal", "dosing", "warnings"))
    page = desk.client.get(f"/staff/doctors/{doctor}").text
    for words in (
        "8 s",
        "Used CKD-EPI 2021 (creatinine) to a result",
        "g3a",
        "Because of renal",
        "confirmed",
        "By Rep",
    ):
        assert words in page, words
    assert world.count("doctor.read") == 1


def test_a_chip_narrows_the_timeline_and_an_unknown_one_does_not_harm(desk: Desk) -> None:
    world, doctor = desk.world, desk.own
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 8_000)
    narrowed = desk.client.get(f"/staff/doctors/{doctor}?show=links").text
    assert "Link issued" in narrowed
    assert "Opened Dosing" not in narrowed
    assert desk.client.get(f"/staff/doctors/{doctor}?show=%01%27").status_code == 200


def test_the_list_says_what_is_new_since_the_last_look(desk: Desk) -> None:
    world, doctor = desk.world, desk.own
    link = world.link(doctor)
    _, device = world.visit(doctor, link)
    assert "1 visit" in desk.client.get("/staff/doctors/").text
    desk.client.get(f"/staff/doctors/{doctor}")
    assert "nothing since" in desk.client.get("/staff/doctors/").text
    world.at = clock.now() + timedelta(seconds=1)
    visit, _ = world.visit(doctor, link, device=device)
    world.read(doctor, visit, "dosing", 8_000)
    page = desk.client.get("/staff/doctors/?show=changed").text
    assert "1 visit" in page
    assert "8 s read" in page


@pytest.mark.parametrize(
    "query",
    [
        "q=%25",
        "q=%27%20OR%201=1",
        "q=" + "x" * 5000,
        "page=-1",
        "page=abc",
        "page=9999999999",
        "sort=x&show=y",
        "q=%01",
    ],
)
def test_hostile_queries_of_the_list_answer_plainly(desk: Desk, query: str) -> None:
    assert desk.client.get(f"/staff/doctors/?{query}").status_code == 200


def test_the_search_finds_by_name_reference_and_territory(desk: Desk) -> None:
    for words in ("meyer", "h-1", "north-east", "karla cardiology"):
        assert "Dr Karla Meyer" in desk.client.get(f"/staff/doctors/?q={words}").text
    assert "Nobody fits" in desk.client.get("/staff/doctors/?q=zzz").text


def test_who_is_not_measured_by_name_has_no_visits_in_list_and_page(desk: Desk) -> None:
    world = desk.world
    doctor = world.doctor("H-3", last="Quiet", rep=desk.rep.id, tracking="anonymous")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 8_000, mode="anonymous")
    assert "not measured by name" in desk.client.get("/staff/doctors/?q=quiet").text
    page = desk.client.get(f"/staff/doctors/{doctor}").text
    assert "Not measured by name" in page
    assert "Opened" not in page


def test_the_csv_is_safe_to_open_and_recorded(desk: Desk) -> None:
    world, doctor = desk.world, desk.own
    with world.database.writing() as db:
        wording = '=HYPERLINK("http://evil.example")'
        hcp.record_consent(db, doctor, world.site_id, "mail", "given", "=cmd|'/c calc'!A1", wording, by=BY, at=world.at)
    answer = desk.client.get(f"/staff/doctors/{doctor}/activity.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "\n=" not in answer.text
    assert ",=" not in answer.text
    assert world.count("activity.exported") == 1


def test_an_erased_doctor_is_missing(desk: Desk) -> None:
    from portal.hcp.models import Hcp

    with desk.world.database.writing() as db:
        row = db.get(Hcp, desk.own)
        assert row is not None
        row.erased_at = clock.now()
    assert desk.client.get(f"/staff/doctors/{desk.own}").status_code == 404


def test_territories_show_a_rep_their_own_doctors_only(desk: Desk) -> None:
    world = desk.world
    for doctor, ms in ((desk.own, 60_000), (desk.foreign, 600_000)):
        visit, _ = world.visit(doctor, world.link(doctor), address=doctor * 2)
        world.read(doctor, visit, "dosing", ms)
    page = desk.client.get("/staff/doctors/territories").text
    assert "1.0 minutes in all" in page
    assert "1 doctor who read" in page


def test_territories_hide_few_doctors_from_those_who_see_no_names(
    app: Flask, world: World, sign_in: Callable[[HouseClient, str], Staff]
) -> None:
    doctor = world.doctor("H-1")
    visit, _ = world.visit(doctor, world.link(doctor))
    world.read(doctor, visit, "dosing", 60_000)
    client = HouseClient(app)
    sign_in(client, "marketer")
    page = client.get("/staff/doctors/territories").text
    assert "Fewer than 5 doctors" in page
    assert "in all" not in page


def _without_reference(page: str) -> str:
    import re

    return re.sub(r"[0-9a-f]{8}", "", page)
