"""Bursts, crowds, the hidden link and staff addresses: what touches say together, before a visit and after it."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal import clock
from portal.access.evidence import LOWERING, STRONG, Grade, Mark, highest_grade
from portal.access.models import Link, LinkActivity, Visit
from portal.db import new_id
from portal.staff.demo_logins import DEMO_PHRASE
from tests.access.test_door import CHROME, GESTURE, new_link, nonce_of
from tests.client import HouseClient

REFS = [f"H-100{number}" for number in range(1, 7)]


def touch(app: Flask, path: str, address: str = "203.0.113.9") -> TestResponse:
    return HouseClient(app).get(path, headers={"User-Agent": CHROME}, environ_base={"REMOTE_ADDR": address})


def opened(app: Flask, path: str, address: str = "198.51.100.7") -> HouseClient:
    """A browser that opened a link by its button."""
    client = HouseClient(app)
    where = {"REMOTE_ADDR": address}
    page = client.get(path, headers={"User-Agent": CHROME}, environ_base=where)
    answer = client.post(path, data={"nonce": nonce_of(page)}, headers=GESTURE, environ_base=where)
    assert answer.status_code == 303
    return client


def mail(app: Flask, links: int) -> list[str]:
    """The paths of the links of one mail."""
    made = [new_link(app) for _ in range(links)]
    with app.extensions["portal.database"].writing() as db:
        sending_id = new_id()
        db.execute(update(Link).where(Link.id.in_([link_id for link_id, _ in made])).values(sending_id=sending_id))
    return [path for _, path in made]


def visits(app: Flask) -> list[tuple[str, list[str]]]:
    with app.extensions["portal.database"].reading() as db:
        rows = db.execute(select(Visit.confidence, Visit.marks).order_by(Visit.opened_at)).all()
    return [(confidence, list(marks)) for confidence, marks in rows]


def test_three_links_of_a_mail_within_ten_seconds_are_a_burst_by_any_address(demo_app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        paths = mail(demo_app, 4)
        opened(demo_app, paths[0])
        assert visits(demo_app) == [("device", [])]
        now.shift(4)
        touch(demo_app, paths[1], "203.0.113.1")
        assert visits(demo_app) == [("device", [])]
        now.shift(5)
        touch(demo_app, paths[2], "203.0.113.2")
        assert visits(demo_app) == [("unknown", ["burst"])]  # the visit gains the mark later
        now.shift(60)
        opened(demo_app, paths[0])
        assert visits(demo_app)[1] == ("device", [])  # and the person after the storm is the doctor
    with demo_app.extensions["portal.database"].reading() as db:
        kinds = list(db.scalars(select(LinkActivity.kind)))
    assert len(kinds) == 6


def test_ten_seconds_apart_is_no_burst(demo_app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        for path in mail(demo_app, 3):
            opened(demo_app, path)
            now.shift(5)
        assert [marks for _, marks in visits(demo_app)] == [[], [], []]


def test_one_address_over_five_doctors_is_a_crowd(demo_app: Flask) -> None:
    for ref in REFS[:5]:
        opened(demo_app, new_link(demo_app, ref)[1])
    assert [marks for _, marks in visits(demo_app)] == [["many-hcps"]] * 5
    opened(demo_app, new_link(demo_app, REFS[5])[1], "192.0.2.44")
    assert visits(demo_app)[-1] == ("device", [])


def test_four_doctors_behind_one_address_are_a_practice(demo_app: Flask) -> None:
    for ref in REFS[:4]:
        opened(demo_app, new_link(demo_app, ref)[1])
    assert [marks for _, marks in visits(demo_app)] == [[]] * 4


def test_doctors_behind_one_address_over_time_are_no_crowd(demo_app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        for ref in REFS:
            opened(demo_app, new_link(demo_app, ref)[1])
            now.shift(151)
        assert {tuple(marks) for _, marks in visits(demo_app)} == {()}


def test_a_demo_on_one_machine_is_no_crowd(demo_app: Flask) -> None:
    for ref in REFS:
        opened(demo_app, new_link(demo_app, ref)[1], "127.0.0.1")
    assert [marks for _, marks in visits(demo_app)] == [[]] * 6


def test_the_hidden_link_marks_whoever_follows_it(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    page = touch(demo_app, path)
    found = re.search(r'<a href="([^"]+)"([^>]*)>', page.text)
    assert found
    assert found[1] == f"{path}/all"
    for needed in ('rel="nofollow"', 'aria-hidden="true"', 'tabindex="-1"', " hidden"):
        assert needed in found[2]
    answer = touch(demo_app, found[1])
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    opened(demo_app, path, "203.0.113.9")
    opened(demo_app, path, "198.51.100.1")
    assert visits(demo_app) == [("unknown", ["hidden-link"]), ("device", [])]


def test_following_the_hidden_link_after_opening_marks_the_visit(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    opened(demo_app, path, "203.0.113.9")
    touch(demo_app, f"{path}/all", "203.0.113.9")
    assert visits(demo_app) == [("unknown", ["hidden-link"])]


@pytest.mark.parametrize(("hours", "confidence"), [(0, "unknown"), (23, "unknown"), (25, "device")])
def test_a_rep_in_another_browser_never_becomes_the_doctor(demo_app: Flask, hours: int, confidence: str) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        office = {"REMOTE_ADDR": "203.0.113.77"}
        credentials = {"email": "rep@portal.example", "password": DEMO_PHRASE}
        signed = HouseClient(demo_app).post("/staff/sign-in", data=credentials, environ_base=office)
        assert signed.status_code == 303
        _, path = new_link(demo_app, days=60)
        now.shift(timedelta(hours=hours))
        opened(demo_app, path, "203.0.113.77")  # a private window: no cookie of the staff session
        assert visits(demo_app)[0][0] == confidence
        assert visits(demo_app)[0][1] == (["staff-address"] if confidence == "unknown" else [])
        opened(demo_app, path, "198.51.100.8")
        assert visits(demo_app)[1][0] == ("device" if confidence == "unknown" else "unknown")


def test_staff_of_a_demo_on_one_machine_do_not_shut_doctors_out(demo_app: Flask) -> None:
    credentials = {"email": "rep@portal.example", "password": DEMO_PHRASE}
    assert HouseClient(demo_app).post("/staff/sign-in", data=credentials).status_code == 303
    opened(demo_app, new_link(demo_app)[1], "127.0.0.1")
    assert visits(demo_app) == [("device", [])]


def test_input_on_the_page_raises_no_robot_of_its_own_making() -> None:
    for mark in STRONG | {Mark.HEADLESS, Mark.NO_GESTURE}:
        assert highest_grade([mark]) is Grade.GESTURE
    for mark in LOWERING - {Mark.HEADLESS, Mark.NO_GESTURE}:
        assert highest_grade([mark]) is Grade.ENGAGED
