"""The page that composes mail: what was typed stays, several doctors, times that do not exist, two windows."""

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.audit import Actor
from portal.db import Database
from portal.hcp.actions import record_consent, unassign
from portal.mailing import mailings, sendings
from portal.mailing.composing import Call, Parts, calls
from portal.mailing.models import MailPreference, Outbox, Sending
from portal.mailing.queries import pieces_in_force
from portal.mailing.states import PieceKind
from portal.staff.queries import ids_by_email
from tests.client import HouseClient
from tests.mailing.conftest import LINKS, Office
from tests.mailing.test_writing import SYSTEM, begun, desk, hcp_id

ASKED = {"value-occasion": "As you asked,"}


def base(app: Flask) -> Database:
    database = app.extensions["portal.database"]
    assert isinstance(database, Database)
    return database


def sent_of(app: Flask, kind: str = "approved") -> list[tuple[str, datetime]]:
    """The doctor and the due time of every mail of a kind."""
    with base(app).reading() as db:
        rows = db.execute(select(Sending.hcp_id, Sending.due_at).where(Sending.kind == kind)).all()
    return [(row[0], row[1]) for row in rows]


def test_what_was_typed_and_looked_at_stays_when_the_preview_changes(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client, "H-1001", "H-1002")
    second = hcp_id(sqlite_demo_app, "H-1002")
    data = {**ASKED, "value-note": "See you", "when": "2026-12-24T10:00", "view": "text", "to": second}
    answer = client.submit(path, path, data)
    page = client.get(answer.headers["Location"]).text
    assert "See you</textarea>" in page
    assert 'value="2026-12-24T10:00"' in page
    name = re.search(r'name="doctor" value="' + second + r'" aria-pressed="true"', page)
    assert name
    assert 'role="region" aria-label="Text of the mail"' in page
    part = client.submit(path, path, {**data, "view": "phone"}, headers={"HX-Request": "true"})
    assert part.status_code == 303
    part = client.get(part.headers["Location"], headers={"HX-Request": "true"})
    assert part.text.strip().startswith("<form")


def test_every_fault_stands_beside_its_field(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client)
    data = {**ASKED, "value-note": "a cure, see www.example.com", "act": "send"}
    page = client.submit(path, path, data).text.split('id="value-note-error"')[1].split("<textarea")[0]
    assert "addresses and links are not allowed" in page
    assert "“cure” may not be used" in page


def test_a_blocked_doctor_among_several_is_left_out_with_one_press(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client, "H-1001", "H-1002")
    one = hcp_id(sqlite_demo_app, "H-1001")
    with base(sqlite_demo_app).writing() as db:
        record_consent(db, one, None, "mail", "refused", "phone", "no", by=SYSTEM, at=clock.now())
    page = client.get(path).text
    assert "Dr Karin Meier cannot be mailed" in page
    assert re.search(r'value="send"[^>]* disabled', page)
    client.submit(path, path, {**ASKED, "without": one})
    page = client.get(path).text
    assert "cannot be mailed" not in page
    assert client.submit(path, path, {**ASKED, "without": hcp_id(sqlite_demo_app, "H-1002")}).status_code == 303
    assert client.submit(path, path, {**ASKED, "act": "send"}).status_code == 303
    assert [doctor for doctor, _ in sent_of(sqlite_demo_app)] == [hcp_id(sqlite_demo_app, "H-1002")]


def test_what_comes_too_often_can_be_scheduled_for_when_it_does_not(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    one = hcp_id(sqlite_demo_app, "H-1001")
    path = begun(sqlite_demo_app, client)
    client.submit(path, path, {**ASKED, "act": "send"})
    with base(sqlite_demo_app).writing() as db:
        site = db.scalars(select(Sending.site_id)).first()
        db.add(MailPreference(id="0" * 32, hcp_id=one, site_id=site, frequency="weekly", at=clock.now()))
    path = begun(sqlite_demo_app, client)
    page = client.get(path).text
    assert "wants mail at most weekly" in page
    assert not re.search(r'value="send"[^>]* disabled', page)
    soon, later = (f"{clock.now() + timedelta(days=days):%Y-%m-%dT%H:%M}" for days in (6, 8))
    assert client.submit(path, path, {**ASKED, "act": "send", "when": soon}).status_code == 422
    assert client.submit(path, path, {**ASKED, "act": "send", "when": later}).status_code == 303


def test_a_test_to_oneself_is_no_doctor(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client, "H-1001", "H-1002")
    client.submit(path, path, {**ASKED, "act": "test", "to": hcp_id(sqlite_demo_app, "H-1002")})
    answer = client.submit(path, path, {**ASKED, "act": "send"})
    assert "to 2 doctors" in client.get(answer.headers["Location"]).text
    assert [doctor for doctor, _ in sent_of(sqlite_demo_app, "test")] == [hcp_id(sqlite_demo_app, "H-1002")]


def test_a_doctor_who_went_to_a_colleague_is_not_mailed(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client)
    with base(sqlite_demo_app).writing() as db:
        rep = ids_by_email(db)["rep@portal.example"]
        unassign(db, hcp_id(sqlite_demo_app, "H-1001"), user_id=rep, by=SYSTEM, at=clock.now())
    answer = client.submit(path, path, {**ASKED, "act": "send"})
    assert answer.status_code == 422
    assert "is not among your doctors any more" in answer.text
    assert sent_of(sqlite_demo_app) == []


@pytest.mark.parametrize(
    ("typed", "said", "due"),
    [
        ("2027-03-28T02:30", "The clocks skip this time that day", None),
        ("2027-03-28T01:59", "", "2027-03-28T00:59"),
        ("2027-03-28T03:00", "", "2027-03-28T01:00"),
        ("2027-03-28T02:30+00:00", "", "2027-03-28T02:30"),
    ],
)
def test_a_time_that_clocks_jump_over_is_refused(
    sqlite_demo_app: Flask, typed: str, said: str, due: str | None
) -> None:
    settings = sqlite_demo_app.extensions["portal.settings"]
    sqlite_demo_app.extensions["portal.settings"] = settings.model_copy(update={"display_zone": "Europe/Berlin"})
    with time_machine.travel(datetime(2027, 3, 1, 12, tzinfo=UTC), tick=False):
        client = desk(sqlite_demo_app)
        path = begun(sqlite_demo_app, client)
        answer = client.submit(path, path, {**ASKED, "act": "send", "when": typed})
    assert said in answer.text
    assert [f"{moment:%Y-%m-%dT%H:%M}" for _, moment in sent_of(sqlite_demo_app)] == ([due] if due else [])


def test_two_windows_send_a_composition_once(demo_app: Flask) -> None:
    first, second = desk(demo_app), desk(demo_app)
    path = begun(demo_app, first, "H-1001", "H-1002")
    token = {client: _token(client, path) for client in (first, second)}
    answers: list[Any] = []
    gate = threading.Barrier(2)

    def press(client: HouseClient) -> None:
        data = {**ASKED, "act": "send", "csrf_token": token[client]}
        gate.wait()
        sent = client.raw.post(path, data=data, base_url=client.base_url, headers={"Sec-Fetch-Site": "same-origin"})
        answers.append(sent)

    threads = [threading.Thread(target=press, args=(client,)) for client in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [303, 303]
    assert {answer.headers["Location"] for answer in answers} == {path + "/sent"}
    assert len(sent_of(demo_app)) == 2
    with base(demo_app).reading() as db:
        assert len(db.scalars(select(Outbox.sending_id)).all()) == 2


def _token(client: HouseClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', client.get(path).text)
    assert found
    return found[1]


@pytest.mark.parametrize(("seconds", "undone"), [(29.9, True), (30.0, False), (30.1, False)])
def test_undo_ends_with_the_thirty_seconds_for_the_mailing(office: Office, seconds: float, undone: bool) -> None:
    at = clock.now()
    [sending_id] = office.sent(at=at)
    later = at + timedelta(seconds=seconds)
    if not undone:
        office.work(at=later)
    with office.database.writing() as db:
        done = sendings.undo(db, sending_id, links=LINKS, by=Actor.system("tests"), at=later)
    assert done is undone
    office.work(at=at + timedelta(minutes=5))
    assert office.server.copies_of(sending_id) == (0 if undone else 1)


def test_nothing_that_the_mail_does_not_show_has_a_link_or_is_offered(office: Office) -> None:
    mailing_id = office.compose()
    with office.database.reading() as db:
        composed = mailings.composition(db, mailing_id, clock.now())
        assert composed is not None
        template = pieces_in_force(db, composed.site.id, PieceKind.TEMPLATE, clock.now())[0]
        bare = replace(template, html="<p>{{link.home}}</p>", text="")
        assert calls(Parts(bare, (), (("dosing", "Dosing"),), {})) == [Call(bare.key, "home", 1)]
        assert mailings.offer(db, bare, clock.now()).fragments == ()
