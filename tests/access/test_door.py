"""The door over HTTP: fetching spends nothing, a gesture opens a visit, every refusal looks alike."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import clock
from portal.access.actions import issue_link, revoke_link
from portal.access.models import Device, Link, LinkActivity, Visit
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.content.queries import site_by_key
from portal.hcp.actions import revoke_access
from portal.hcp.models import Consent
from portal.hcp.queries import hcp_by_ref
from portal.staff.demo_logins import DEMO_PHRASE
from tests.client import HouseClient
from tests.journeys.scanners.world import sending_of

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
GESTURE = {"User-Agent": CHROME, "Sec-Fetch-User": "?1"}
SYSTEM = Actor.system("tests")


def new_link(app: Flask, ref: str = "H-1001", days: int = 30) -> tuple[str, str]:
    """A fresh link: its id and its path."""
    with app.extensions["portal.database"].writing() as db:
        card, site = hcp_by_ref(db, ref), site_by_key(db, "atorvastatin-us-en")
        assert card is not None
        assert site is not None
        at = clock.now()
        link_id = issue_link(
            db, card.id, site.id, sender_id=None, expires_at=at + timedelta(days=days), by=SYSTEM, at=at
        )
    return link_id, "/v/" + app.extensions["portal.tokens"].for_id(Purpose.LINK, link_id)


def nonce_of(page: TestResponse) -> str:
    found = re.search(r'name="nonce" value="([a-z2-7]+)"', page.text)
    assert found
    return found[1]


def press(client: HouseClient, path: str, **data: str) -> TestResponse:
    """Open the door page and press its button."""
    page = client.get(path, headers={"User-Agent": CHROME})
    return client.post(path, data={"nonce": nonce_of(page), **data}, headers=GESTURE)


def count(app: Flask, model: type) -> int:
    with app.extensions["portal.database"].reading() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def test_fetching_a_link_spends_nothing(demo_app: Flask) -> None:
    link_id, path = new_link(demo_app)
    client = HouseClient(demo_app)
    for _ in range(3):
        page = client.get(path)
        assert page.status_code == 200
        assert "Set-Cookie" not in page.headers
        assert page.headers["Cache-Control"] == "no-store"
        assert client.head(path).status_code == 200
    assert count(demo_app, Visit) == 0
    assert count(demo_app, Device) == 0
    with demo_app.extensions["portal.database"].reading() as db:
        assert set(db.scalars(select(LinkActivity.grade))) == {0}
        assert db.get_one(Link, link_id).device_id is None


def test_the_door_names_nobody_in_full_and_makes_no_claim(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    text = HouseClient(demo_app).get(path).text
    assert "Dr K. M." in text
    for word in ("Meier", "Karin", "Lipitor", "atorvastatin", "statin"):
        assert word not in text


def test_pressing_the_button_opens_a_visit_and_leaves_the_token_behind(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    client = HouseClient(demo_app)
    answer = press(client, path)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/m/"
    cookies = answer.headers.getlist("Set-Cookie")
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    home = client.get("/m/")
    assert home.status_code == 200
    assert path.removeprefix("/v/") not in home.text
    assert home.headers["Cache-Control"] == "private, no-cache"


def test_a_nonce_opens_one_visit(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    client = HouseClient(demo_app)
    nonce = nonce_of(client.get(path, headers={"User-Agent": CHROME}))
    first = client.post(path, data={"nonce": nonce}, headers=GESTURE)
    again = client.post(path, data={"nonce": nonce}, headers=GESTURE)
    assert (first.status_code, again.status_code) == (303, 303)
    assert again.headers["Location"] == "/m/"  # a double click lands where the first one did
    stranger = HouseClient(demo_app).post(path, data={"nonce": nonce}, headers=GESTURE)
    assert stranger.headers["Location"] == path
    assert count(demo_app, Visit) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": CHROME},  # form.submit() and button.click() report no gesture
        {"User-Agent": CHROME, "Sec-CH-UA": '"Chromium";v="156"'},
        {"User-Agent": CHROME.replace("Chrome", "HeadlessChrome")},
    ],
)
def test_a_script_that_submits_the_form_opens_nothing(demo_app: Flask, headers: dict[str, str]) -> None:
    _, path = new_link(demo_app)
    client = HouseClient(demo_app)
    nonce = nonce_of(client.get(path, headers=headers))
    answer = client.post(path, data={"nonce": nonce}, headers=headers)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert count(demo_app, Visit) == 0
    assert press(client, path).status_code == 303  # the link still works for the person after it


def test_every_refusal_looks_alike(demo_app: Flask) -> None:
    live_id, live = new_link(demo_app)
    revoked_id, revoked = new_link(demo_app)
    _, expired = new_link(demo_app, days=1)
    with demo_app.extensions["portal.database"].writing() as db:
        revoke_link(db, revoked_id, reason="wrong doctor", by=SYSTEM, at=clock.now())
    unknown = "/v/" + demo_app.extensions["portal.tokens"].for_id(Purpose.LINK, "f" * 32)
    foreign = "/v/" + demo_app.extensions["portal.tokens"].for_id(Purpose.UNSUBSCRIBE, live_id)
    client = HouseClient(demo_app)
    with time_machine.travel(clock.now() + timedelta(days=2), tick=True):
        paths = (revoked, expired, unknown, foreign, live[:-1], live + "a", "/v/x", "/v/lost")
        answers = [client.get(path) for path in paths]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1
        assert client.get(live).status_code == 200
        posted = [client.post(path, data={"nonce": "x"}, headers=GESTURE) for path in paths[:-1]]
        assert {answer.status_code for answer in posted} == {404}
        assert {answer.text for answer in posted} == {answers[0].text}


def test_expiry_to_the_second(demo_app: Flask) -> None:
    start = clock.now().replace(microsecond=0) + timedelta(hours=1)
    with time_machine.travel(start, tick=False) as now:
        _, path = new_link(demo_app, days=1)
        client = HouseClient(demo_app)
        now.move_to(start + timedelta(days=1, seconds=-1))
        assert client.get(path).status_code == 200
        assert press(client, path).status_code == 303
        assert client.get("/m/").status_code == 200
        now.move_to(start + timedelta(days=1))
        assert client.get(path).status_code == 404
        assert client.get("/m/").status_code == 303  # the open visit ends with its link


def test_revoking_holds_from_the_next_request_on(demo_app: Flask) -> None:
    link_id, path = new_link(demo_app)
    client = HouseClient(demo_app)
    press(client, path)
    assert client.get("/m/").status_code == 200
    with demo_app.extensions["portal.database"].writing() as db:
        assert revoke_link(db, link_id, reason="sent to the wrong doctor", by=SYSTEM, at=clock.now())
        assert not revoke_link(db, link_id, reason="again", by=SYSTEM, at=clock.now())
    assert client.get("/m/").status_code == 303
    assert client.get(path).status_code == 404


def test_revoking_a_doctors_access_holds_for_every_link(demo_app: Flask) -> None:
    paths = [new_link(demo_app)[1] for _ in range(2)]
    client = HouseClient(demo_app)
    press(client, paths[0])
    with demo_app.extensions["portal.database"].writing() as db:
        card = hcp_by_ref(db, "H-1001")
        assert card is not None
        revoke_access(db, card.id, reason="left the practice", by=SYSTEM, at=clock.now())
    assert client.get("/m/").status_code == 303
    assert all(client.get(path).status_code == 404 for path in paths)


def test_the_first_device_is_the_doctors_and_another_is_unknown(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    first, second = HouseClient(demo_app), HouseClient(demo_app)
    press(first, path)
    press(second, path)
    press(first, path)
    with demo_app.extensions["portal.database"].reading() as db:
        visits = db.execute(select(Visit.confidence).order_by(Visit.opened_at)).scalars().all()
    assert list(visits) == ["device", "unknown", "device"]
    assert "this device is not known yet" in second.get("/m/").text


def test_a_robots_device_gives_way_to_the_first_person(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    headless = {"User-Agent": CHROME.replace("Chrome", "HeadlessChrome"), "Sec-Fetch-User": "?1"}
    robot, person, colleague = HouseClient(demo_app), HouseClient(demo_app), HouseClient(demo_app)
    nonce = nonce_of(robot.get(path, headers=headless))
    assert robot.post(path, data={"nonce": nonce}, headers=headless).status_code == 303
    press(person, path)
    press(colleague, path)
    with demo_app.extensions["portal.database"].reading() as db:
        visits = db.execute(select(Visit.confidence).order_by(Visit.opened_at)).scalars().all()
    assert list(visits) == ["unknown", "device", "unknown"]


def mail_of_two_links(app: Flask) -> tuple[str, str]:
    """The paths of two links of one mail."""
    (first, one), (second, other) = new_link(app), new_link(app)
    with app.extensions["portal.database"].writing() as db:
        hcp_id, site_id = db.execute(select(Link.hcp_id, Link.site_id).where(Link.id == first)).one()
        at = clock.now() - timedelta(hours=1)
        db.add(sending_of("5" * 32, hcp_id, site_id, "doctor@clinic.example", at))
        db.flush()
        db.execute(update(Link).where(Link.id.in_([first, second])).values(sending_id="5" * 32, handed_over_at=at))
    return one, other


def test_a_colleague_with_another_link_of_the_forwarded_mail_is_unknown(demo_app: Flask) -> None:
    one, other = mail_of_two_links(demo_app)
    doctor, colleague = HouseClient(demo_app), HouseClient(demo_app)
    press(doctor, one)
    press(colleague, other)
    assert "this device is not known yet" in colleague.get("/m/").text
    press(doctor, other)
    press(colleague, other)
    with demo_app.extensions["portal.database"].reading() as db:
        visits = db.scalars(select(Visit.confidence).order_by(Visit.opened_at)).all()
    assert list(visits) == ["device", "unknown", "device", "unknown"]


def test_a_robot_at_one_link_of_a_mail_gives_way_to_the_person_at_another(demo_app: Flask) -> None:
    one, other = mail_of_two_links(demo_app)
    headless = {"User-Agent": CHROME.replace("Chrome", "HeadlessChrome"), "Sec-Fetch-User": "?1"}
    robot, doctor, colleague = HouseClient(demo_app), HouseClient(demo_app), HouseClient(demo_app)
    nonce = nonce_of(robot.get(one, headers=headless))
    robot.post(one, data={"nonce": nonce}, headers=headless)
    press(doctor, other)
    press(colleague, one)
    with demo_app.extensions["portal.database"].reading() as db:
        visits = db.scalars(select(Visit.confidence).order_by(Visit.opened_at)).all()
    assert list(visits) == ["unknown", "device", "unknown"]


def test_a_plain_robot_binds_nothing(demo_app: Flask) -> None:
    link_id, path = new_link(demo_app)
    robot = HouseClient(demo_app)
    nonce = nonce_of(robot.get(path, headers={"User-Agent": ""}))
    assert robot.post(path, data={"nonce": nonce}, headers={"User-Agent": ""}).status_code == 303
    with demo_app.extensions["portal.database"].reading() as db:
        assert db.get_one(Link, link_id).device_id is None


def test_staff_never_become_the_doctor(demo_app: Flask) -> None:
    _, path = new_link(demo_app)
    client = HouseClient(demo_app)
    answer = client.post("/staff/sign-in", data={"email": "rep@portal.example", "password": DEMO_PHRASE})
    assert answer.status_code == 303
    page = client.get(path, headers={"User-Agent": CHROME})
    assert "signed in as staff" in page.text
    assert 'name="nonce"' not in page.text
    assert client.post(path, data={"nonce": "x"}, headers=GESTURE).headers["Location"] == path
    assert count(demo_app, Visit) == 0
    client.submit("/staff/sessions", "/staff/sign-out")
    assert press(client, path).status_code == 303
    with demo_app.extensions["portal.database"].reading() as db:
        assert list(db.scalars(select(Visit.confidence))) == ["unknown"]  # this browser was staff's


def test_a_choice_on_the_door_is_the_doctors_own(demo_app: Flask) -> None:
    _, path = new_link(demo_app, "H-1006")
    client = HouseClient(demo_app)
    assert "May this page learn" in client.get(path).text
    press(client, path, tracking="identified")
    with demo_app.extensions["portal.database"].reading() as db:
        assert decided(db, "H-1006") == {"mail": "given", "tracking": "identified", "profiling": "given"}
    assert "May this page learn" not in client.get(path).text


def test_another_device_decides_nothing_for_the_doctor(demo_app: Flask) -> None:
    _, path = new_link(demo_app, "H-1006")
    press(HouseClient(demo_app), path)
    press(HouseClient(demo_app), path, tracking="identified")
    with demo_app.extensions["portal.database"].reading() as db:
        assert decided(db, "H-1006") == {"mail": "given"}


def test_a_choice_within_the_quarantine_is_not_taken_for_the_doctors(demo_app: Flask) -> None:
    link_id, path = new_link(demo_app, "H-1006")
    with demo_app.extensions["portal.database"].writing() as db:
        db.get_one(Link, link_id).handed_over_at = clock.now() - timedelta(seconds=20)
    robot = HouseClient(demo_app)
    press(robot, path, tracking="identified")
    with demo_app.extensions["portal.database"].reading() as db:
        assert decided(db, "H-1006") == {"mail": "given"}
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=True):
        assert "May this page learn" in robot.get(path).text  # asked again, and answered
        press(robot, path, tracking="anonymous")
    with demo_app.extensions["portal.database"].reading() as db:
        assert decided(db, "H-1006") == {"mail": "given", "tracking": "anonymous", "profiling": "refused"}


def test_a_headless_browser_is_nobodys_device_and_decides_nothing(demo_app: Flask) -> None:
    link_id, path = new_link(demo_app, "H-1006")
    headless = {"User-Agent": CHROME.replace("Chrome", "HeadlessChrome"), "Sec-Fetch-User": "?1"}
    robot = HouseClient(demo_app)
    nonce = nonce_of(robot.get(path, headers=headless))
    answer = robot.post(path, data={"nonce": nonce, "tracking": "identified"}, headers=headless)
    assert answer.status_code == 303
    choice = {"tracking": "identified", "profiling": "given"}
    assert robot.post("/m/privacy", data=choice, headers=headless).status_code == 403
    with demo_app.extensions["portal.database"].reading() as db:
        assert decided(db, "H-1006") == {"mail": "given"}
        assert list(db.scalars(select(Visit.confidence))) == ["unknown"]
        assert db.get_one(Link, link_id).device_id is None


def decided(db: Session, ref: str) -> dict[str, str]:
    card = hcp_by_ref(db, ref)
    assert card is not None
    rows = db.execute(select(Consent.purpose, Consent.decision).where(Consent.hcp_id == card.id).order_by(Consent.at))
    return {row.purpose: row.decision for row in rows}
