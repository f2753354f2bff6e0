"""The two steps of an import over HTTP, and the page of decisions."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import time_machine
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from portal import clock
from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.hcp import actions
from portal.hcp.models import Hcp, PendingImport
from portal.hcp.profiles import Profile
from portal.staff.actions import create_user
from portal.staff.roles import Role
from tests.client import HouseClient
from tests.people import Staff

SignIn = Callable[[HouseClient, str], Staff]
GOOD = "ref,last_name,decile\nH-1,Meier,9\nH-2,Osei,8\n"
BY = Actor.system("tests")


def upload(client: HouseClient, text: str, name: str = "doctors.csv") -> TestResponse:
    return client.submit("/staff/import", "/staff/import", {"file": (io.BytesIO(text.encode()), name)})


def count(app: Flask, model: type[Hcp] | type[PendingImport]) -> int:
    with app.extensions["portal.database"].reading() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def test_a_file_is_checked_then_confirmed_then_gone(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "admin")
    answer = upload(client, GOOD)
    assert answer.status_code == 303
    assert count(app, Hcp) == 0
    page = client.get(answer.headers["Location"])
    assert "Import 2 doctors" in page.text
    assert "Meier" in page.text
    confirm = f"{answer.headers['Location']}/confirm"
    assert client.submit(answer.headers["Location"], confirm).status_code == 303
    assert (count(app, Hcp), count(app, PendingImport)) == (2, 0)
    assert "Imported 2 doctors: 2 new, 0 changed." in client.get("/staff/import").text
    assert client.submit("/staff/import", confirm).status_code == 404


def test_a_file_with_a_wrong_cell_is_shown_with_its_errors_and_not_kept(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    sign_in(client, "admin")
    answer = upload(client, GOOD.replace(",9", ",99"), "<b>bad</b>.csv")
    assert answer.status_code == 422
    assert "1 thing to mend" in answer.text
    assert "whole number from 1 to 10" in answer.text
    assert "<b>bad" not in answer.text
    assert (count(app, Hcp), count(app, PendingImport)) == (0, 0)


def test_no_file_and_no_table_are_said_beside_the_field(client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "admin")
    assert "Choose a file." in client.submit("/staff/import", "/staff/import").text
    assert "Choose a file." in client.submit("/staff/import", "/staff/import", {"file": "text"}).text
    assert "has a header but no rows" in upload(client, "ref,last_name\n").text


def test_a_waiting_file_belongs_to_its_person_and_lasts_an_hour(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        sign_in(client, "admin")
        where = upload(client, GOOD).headers["Location"]
        other = HouseClient(app)
        other.post("/staff/sign-in", data={"email": _second_admin(app), "password": "correct horse battery"})
        assert other.get(where).status_code == 404
        assert other.submit("/staff/import", f"{where}/confirm").status_code == 404
        travel.shift(timedelta(minutes=59, seconds=59))
        assert client.get(where).status_code == 200
        travel.shift(timedelta(seconds=1))
        assert client.get(where).status_code == 404
        assert client.submit("/staff/import", f"{where}/confirm").status_code == 404
        upload(client, GOOD)
        assert count(app, PendingImport) == 1
    assert count(app, Hcp) == 0


def test_what_changed_between_check_and_confirmation_is_seen(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "admin")
    where = upload(client, "ref,last_name,npi\nH-1,Meier,1234567893\n").headers["Location"]
    with app.extensions["portal.database"].writing() as db:
        taken = Profile(last_name="Other", npi="1234567893")
        actions.create_hcp(db, "H-9", profile=taken, by=BY, at=datetime.now(UTC))
    answer = client.submit(where, f"{where}/confirm")
    assert answer.status_code == 409
    assert "H-9" in answer.text
    assert count(app, Hcp) == 1


def test_a_file_can_be_thrown_away(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "admin")
    where = upload(client, GOOD).headers["Location"]
    assert client.submit(where, f"{where}/discard").status_code == 303
    assert count(app, PendingImport) == 0


def test_only_an_administrator_imports(client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "rep")
    assert client.get("/staff/import").status_code == 403
    assert client.submit("/staff/sessions", "/staff/import").status_code == 403


def test_a_rep_reads_the_decisions_of_their_own_doctors_only(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    at = datetime.now(UTC) - timedelta(minutes=1)
    with app.extensions["portal.database"].writing() as db:
        own = actions.create_hcp(db, "H-1", profile=Profile(last_name="Meier"), by=BY, at=at)
        foreign = actions.create_hcp(db, "H-2", profile=Profile(last_name="Osei"), by=BY, at=at)
        actions.assign(db, own, user_id=staff.id, by=BY, at=at)
        actions.record_consent(db, own, None, "mail", "given", "paper form", "I agree to mail.", by=BY, at=at)
    page = client.get(f"/staff/doctors/{own}/consents")
    assert page.status_code == 200
    assert "I agree to mail." in page.text
    assert re.search(r"every brand", page.text)
    for other in (foreign, "0" * 32, "nonsense"):
        assert client.get(f"/staff/doctors/{other}/consents").status_code == 404
    with app.extensions["portal.database"].reading() as db:
        assert db.scalar(select(func.count()).where(AuditEvent.name == "doctor.read")) == 1


def _second_admin(app: Flask) -> str:
    with app.extensions["portal.database"].writing() as db:
        create_user(
            db,
            "second@portal.example",
            name="Second",
            password="correct horse battery",
            roles=[Role.ADMIN],
            by=BY,
            at=clock.now(),
        )
    return "second@portal.example"
