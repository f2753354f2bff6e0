"""Signing in and out, over HTTP."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.access.models import Device
from portal.audit import Actor
from portal.audit.models import AuditEvent, AuditPersonal
from portal.db import Database
from portal.staff import actions
from portal.staff.models import StaffSession
from tests.client import HouseClient
from tests.people import PASSWORD, Staff

SignIn = Callable[[HouseClient, str], Staff]


def database_of(app: Flask) -> Database:
    found: Database = app.extensions["portal.database"]
    return found


def events(app: Flask, name: str) -> list[dict[str, object]]:
    with database_of(app).reading() as db:
        bodies = db.scalars(select(AuditEvent.body).where(AuditEvent.name == name).order_by(AuditEvent.seq)).all()
    return [json.loads(body)["about"] for body in bodies]


def test_a_right_password_opens_a_session_and_is_recorded(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    assert client.get("/staff/sessions").status_code == 200
    assert events(app, "staff.signed-in")[0]["user"] == staff.id


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    staff = sign_in(client, "rep")
    again = HouseClient(app).post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD})
    cookie = next(line for line in again.headers.getlist("Set-Cookie") if line.startswith("staff="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_wrong_password_unknown_address_and_disabled_account_answer_alike(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    staff = sign_in(client, "rep")
    closed = sign_in(HouseClient(app), "marketer")
    with database_of(app).writing() as db:
        actions.disable(db, closed.id, reason="left", by=Actor.system("tests"), at=clock.now())
    bodies = set()
    for email, password in (
        (staff.email, "not the right one"),
        ("nobody@portal.example", PASSWORD),
        (closed.email, PASSWORD),
    ):
        answer = HouseClient(app).post("/staff/sign-in", data={"email": email, "password": password})
        assert answer.status_code == 422
        bodies.add(answer.text.replace(email, ""))
    assert len(bodies) == 1
    assert [event["reason"] for event in events(app, "staff.sign-in-refused")] == ["password", "unknown", "disabled"]


def test_a_refused_address_is_personal_in_the_log(app: Flask, client: HouseClient) -> None:
    client.post("/staff/sign-in", data={"email": "nobody@portal.example", "password": "wrong wrong wrong"})
    with database_of(app).reading() as db:
        body = db.scalars(select(AuditEvent.body)).one()
        personal = db.scalars(select(AuditPersonal.fields)).one()
    assert "nobody@portal.example" not in body
    assert personal == {"email": "nobody@portal.example"}


def test_missing_fields_are_named_and_nothing_is_stored(app: Flask, client: HouseClient) -> None:
    answer = client.post("/staff/sign-in", data={"email": "", "password": ""})
    assert answer.status_code == 422
    assert "Enter your email address." in answer.text
    assert "Enter your password." in answer.text
    assert events(app, "staff.sign-in-refused") == []


def test_guessing_is_stopped_before_hashing_even_with_the_right_password(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    staff = sign_in(client, "rep")
    guesser = HouseClient(app)
    with time_machine.travel(clock.now(), tick=False) as travel:
        for _ in range(10):
            wrong = guesser.post("/staff/sign-in", data={"email": staff.email, "password": "guess guess guess"})
            assert wrong.status_code == 422
        for _ in range(3):
            stopped = guesser.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD})
            assert stopped.status_code == 429
        reasons = [event["reason"] for event in events(app, "staff.sign-in-refused")]
        assert reasons.count("too-many") == 1
        travel.shift(timedelta(minutes=31))
        late = guesser.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD})
        assert late.status_code == 303


def test_the_right_password_forgives_earlier_tries(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    for _ in range(3):
        for _ in range(5):
            HouseClient(app).post("/staff/sign-in", data={"email": staff.email, "password": "guess guess guess"})
        right = HouseClient(app).post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD})
        assert right.status_code == 303


def test_signing_out_ends_the_row_and_the_old_cookie_is_dead(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "rep")
    cookie = client.raw.get_cookie("staff", domain="127.0.0.1")
    assert cookie is not None
    client.submit("/staff/sessions", "/staff/sign-out")
    assert client.get("/staff/sessions").status_code == 303
    client.raw.set_cookie("staff", cookie.value, domain="127.0.0.1")
    assert client.get("/staff/sessions").status_code == 303
    assert [event["reason"] for event in events(app, "staff.signed-out")] == ["sign-out"]


def test_a_disabled_user_is_out_at_the_next_request(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    with database_of(app).writing() as db:
        actions.disable(db, staff.id, reason="left", by=Actor.system("tests"), at=clock.now())
    assert client.get("/staff/sessions").status_code == 303


@pytest.mark.parametrize(("silence", "status"), [(timedelta(minutes=479), 200), (timedelta(minutes=480), 303)])
def test_a_session_ends_after_the_silence_the_settings_name(
    client: HouseClient, sign_in: SignIn, silence: timedelta, status: int
) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        sign_in(client, "rep")
        travel.shift(silence)
        assert client.get("/staff/sessions").status_code == status


def test_use_keeps_a_session_open_but_not_for_more_than_a_day(client: HouseClient, sign_in: SignIn) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        sign_in(client, "rep")
        for _ in range(3):
            travel.shift(timedelta(hours=7, minutes=50))
            assert client.get("/staff/sessions").status_code == 200
        travel.shift(timedelta(minutes=31))
        assert client.get("/staff/sessions").status_code == 303


def test_last_seen_is_written_at_most_once_a_minute(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    def last_seen() -> object:
        with database_of(app).reading() as db:
            return db.scalars(select(StaffSession.last_seen_at)).one()

    with time_machine.travel(clock.now(), tick=False) as travel:
        sign_in(client, "rep")
        first = last_seen()
        travel.shift(timedelta(seconds=59))
        client.get("/staff/sessions")
        assert last_seen() == first
        travel.shift(timedelta(seconds=1))
        client.get("/staff/sessions")
        assert last_seen() != first


def test_signing_in_again_ends_the_session_before(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    client.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD})
    with database_of(app).reading() as db:
        ended = [row.ended_at is not None for row in db.scalars(select(StaffSession)).all()]
    assert sorted(ended) == [False, True]


def test_the_browser_is_known_as_staff_for_ever(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "rep")
    assert client.raw.get_cookie("device", domain="127.0.0.1") is not None
    with database_of(app).reading() as db:
        assert db.scalars(select(Device.staff_seen_at)).one() is not None
    client.submit("/staff/sessions", "/staff/sign-out")
    assert client.raw.get_cookie("device", domain="127.0.0.1") is not None


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "x",
    ],
)
def test_the_next_page_is_always_one_of_ours(app: Flask, client: HouseClient, sign_in: SignIn, wanted: str) -> None:
    staff = sign_in(client, "rep")
    answer = HouseClient(app).post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD, "next": wanted})
    assert answer.headers["Location"] == "/staff/"


def test_no_page_with_a_null_byte_is_next(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    answer = HouseClient(app).post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD, "next": "/\0"})
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_sign_in_returns_to_the_page_that_was_asked_for(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "admin")
    fresh = HouseClient(app)
    asked = fresh.get("/staff/users?x=1")
    assert asked.headers["Location"] == "/staff/sign-in?next=/staff/users?x%3D1"
    page = fresh.get(asked.headers["Location"])
    assert 'value="/staff/users?x=1"' in page.text
    answer = fresh.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD, "next": "/staff/users?x=1"})
    assert answer.headers["Location"] == "/staff/users?x=1"


def test_a_post_from_another_site_signs_nobody_in(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    answer = HouseClient(app).post(
        "/staff/sign-in",
        data={"email": staff.email, "password": PASSWORD},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_demo_logins_are_shown_in_a_demo_only(client: HouseClient) -> None:
    assert "Demo logins" not in client.get("/staff/sign-in").text
