"""Accounts and sessions: who may end what, and what the log says."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.db import Database
from portal.staff import actions, passwords, queries
from portal.staff.browsers import browser_in_words
from portal.staff.roles import TABLE, Permission, Person, Role, may
from tests.client import HouseClient
from tests.people import PASSWORD, Staff

SignIn = Callable[[HouseClient, str], Staff]
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BY = Actor.system("tests")


def make(database: Database, email: str, role: Role) -> str:
    with database.writing() as db:
        return actions.create_user(db, email, name="Somebody", password=PASSWORD, roles=[role], by=BY, at=AT)


def names(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(AuditEvent.name).order_by(AuditEvent.seq)).all())


def test_an_address_has_one_account_whatever_its_case(database: Database) -> None:
    make(database, "Anna@Portal.example ", Role.REP)
    with pytest.raises(actions.UserRefused, match="account already"):
        make(database, "anna@portal.example", Role.REP)


@pytest.mark.parametrize("password", ["short", "a" * 129, "aaaaaaaaaaaaaaaa", "anna.keller-2026"])
def test_a_weak_password_is_refused_and_leaves_nothing(database: Database, password: str) -> None:
    with pytest.raises(passwords.PasswordRefused), database.writing() as db:
        actions.create_user(
            db, "anna.keller@portal.example", name="Anna", password=password, roles=[Role.REP], by=BY, at=AT
        )
    assert names(database) == []


def test_disabling_needs_a_reason_and_ends_every_session(database: Database) -> None:
    user = make(database, "rep@portal.example", Role.REP)
    with database.writing() as db:
        secret = actions.sign_in(db, user, by=BY, at=AT)
    with pytest.raises(actions.UserRefused, match="Say why"), database.writing() as db:
        actions.disable(db, user, reason="  ", by=BY, at=AT)
    with database.writing() as db:
        assert actions.disable(db, user, reason="left the company", by=BY, at=AT)
        assert not actions.disable(db, user, reason="left the company", by=BY, at=AT)
    with database.reading() as db:
        assert queries.live_session(db, secret, idle=timedelta(hours=1), at=AT) is None
    assert names(database) == ["user.created", "staff.signed-in", "staff.signed-out", "user.disabled"]


def test_enabling_again_revives_no_old_session(database: Database) -> None:
    user = make(database, "rep@portal.example", Role.REP)
    with database.writing() as db:
        secret = actions.sign_in(db, user, by=BY, at=AT)
        actions.disable(db, user, reason="leave of absence", by=BY, at=AT)
        actions.enable(db, user, reason="back again", by=BY, at=AT)
    with database.reading() as db:
        assert queries.live_session(db, secret, idle=timedelta(hours=1), at=AT) is None


def test_nobody_disables_themselves_nor_the_last_administrator(database: Database) -> None:
    first = make(database, "first@portal.example", Role.ADMIN)
    with pytest.raises(actions.UserRefused, match="your own"), database.writing() as db:
        actions.disable(db, first, reason="tired", by=Actor.staff(first), at=AT)
    with pytest.raises(actions.UserRefused, match="last administrator"), database.writing() as db:
        actions.disable(db, first, reason="tired", by=BY, at=AT)
    with pytest.raises(actions.UserRefused, match="last administrator"), database.writing() as db:
        actions.change_roles(db, first, roles=[Role.REP], reason="moved", by=BY, at=AT)
    make(database, "second@portal.example", Role.ADMIN)
    with database.writing() as db:
        assert actions.disable(db, first, reason="left", by=BY, at=AT)


def test_a_new_password_ends_the_other_sessions(database: Database) -> None:
    user = make(database, "rep@portal.example", Role.REP)
    idle = timedelta(hours=1)
    with database.writing() as db:
        kept, other = (actions.sign_in(db, user, by=BY, at=AT) for _ in range(2))
        mine = queries.live_session(db, kept, idle=idle, at=AT)
        assert mine is not None
        actions.change_password(
            db, user, password="another horse battery", keep_session=mine.id, by=Actor.staff(user), at=AT
        )
    with database.reading() as db:
        assert queries.live_session(db, kept, idle=idle, at=AT) is not None
        assert queries.live_session(db, other, idle=idle, at=AT) is None


def test_a_session_of_somebody_else_answers_like_a_missing_one(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    sign_in(client, "rep")
    other = sign_in(HouseClient(app), "manager")
    with app.extensions["portal.database"].reading() as db:
        theirs = queries.sessions_of(db, other.id, idle=timedelta(hours=8), at=datetime.now(UTC))
    foreign = client.submit("/staff/sessions", f"/staff/sessions/{theirs[0].id}/end")
    missing = client.submit("/staff/sessions", f"/staff/sessions/{'0' * 32}/end")
    mangled = client.submit("/staff/sessions", "/staff/sessions/nonsense/end")
    assert foreign.status_code == missing.status_code == mangled.status_code == 404
    with app.extensions["portal.database"].reading() as db:
        assert queries.sessions_of(db, other.id, idle=timedelta(hours=8), at=datetime.now(UTC))


def test_ending_ones_own_session_signs_out(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    with app.extensions["portal.database"].reading() as db:
        mine = queries.sessions_of(db, staff.id, idle=timedelta(hours=8), at=datetime.now(UTC))
    answer = client.submit("/staff/sessions", f"/staff/sessions/{mine[0].id}/end")
    assert answer.headers["Location"] == "/staff/sign-in"
    assert client.get("/staff/sessions").status_code == 303


def test_the_password_is_changed_only_with_the_present_one(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    staff = sign_in(client, "rep")
    wrong = client.submit("/staff/sessions", "/staff/password", {"current": "nope", "new": "another horse battery"})
    assert wrong.status_code == 422
    weak = client.submit("/staff/sessions", "/staff/password", {"current": PASSWORD, "new": "short"})
    assert "at least 12 characters" in weak.text
    good = client.submit("/staff/sessions", "/staff/password", {"current": PASSWORD, "new": "another horse battery"})
    assert good.status_code == 303
    fresh = HouseClient(app)
    assert fresh.post("/staff/sign-in", data={"email": staff.email, "password": PASSWORD}).status_code == 422
    new = {"email": staff.email, "password": "another horse battery"}
    assert fresh.post("/staff/sign-in", data=new).status_code == 303


def test_only_an_administrator_sees_users_and_a_reason_is_asked_for(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    rep_browser = HouseClient(app)
    rep = sign_in(rep_browser, "rep")
    assert rep_browser.get("/staff/users").status_code == 403
    sign_in(client, "admin")
    page = client.get("/staff/users")
    assert rep.email in page.text
    bare = client.submit(f"/staff/users/{rep.id}", f"/staff/users/{rep.id}/disable", {"reason": ""})
    assert bare.status_code == 422
    assert "Say why" in bare.text
    done = client.submit(f"/staff/users/{rep.id}", f"/staff/users/{rep.id}/disable", {"reason": "left"})
    assert done.status_code == 303
    assert rep_browser.get("/staff/sessions").status_code == 303
    assert "Disabled" in client.get(f"/staff/users/{rep.id}").text
    again = client.submit(f"/staff/users/{rep.id}", f"/staff/users/{rep.id}/enable", {"reason": "came back"})
    assert again.status_code == 303


@pytest.mark.parametrize("user_id", ["0" * 32, "nonsense", "%00", "a" * 300])
def test_an_unknown_user_is_not_found(client: HouseClient, sign_in: SignIn, user_id: str) -> None:
    sign_in(client, "admin")
    assert client.get(f"/staff/users/{user_id}").status_code == 404


def test_a_form_without_its_token_changes_nothing(client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "rep")
    assert client.post("/staff/sign-out").status_code == 400
    assert client.get("/staff/sessions").status_code == 200


def test_every_permission_is_in_the_table_and_an_unlisted_one_is_refused() -> None:
    assert set(TABLE) == set(Permission)
    nobody = Person("0" * 32, "Nobody", "nobody@portal.example", frozenset())
    assert [permission for permission in Permission if may(nobody, permission)] == [Permission.HOME]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Linux"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_named_in_words(agent: str, words: str) -> None:
    assert browser_in_words(agent) == words


def test_names_and_addresses_are_found_in_one_question(database: Database) -> None:
    user = make(database, "rep@portal.example", Role.REP)
    with database.reading() as db:
        assert queries.names_of(db, [user, "0" * 32]) == {user: "Somebody"}
        assert queries.names_of(db, []) == {}
        assert queries.ids_by_email(db) == {"rep@portal.example": user}
        found = queries.person(db, user)
        assert found is not None
        assert found.in_words == "Somebody, representative"
        assert queries.person(db, "0" * 32) is None


def test_a_new_user_signs_in_with_the_password_shown_once(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    sign_in(client, "admin")
    empty = client.submit("/staff/users/new", "/staff/users/new", {"name": "", "email": "x", "roles": "hero"})
    assert empty.status_code == 422
    for sentence in ("Enter a name", "Enter an email address", "Choose roles from the list"):
        assert sentence in empty.text
    wanted = {"name": "Eva Stone", "email": "eva@portal.example", "roles": ["rep", "manager"]}
    made = client.submit("/staff/users/new", "/staff/users/new", wanted)
    found = re.search(r'id="first-password" value="([^"]+)"', made.text)
    assert found
    fresh = HouseClient(app)
    credentials = {"email": "eva@portal.example", "password": found[1]}
    assert fresh.post("/staff/sign-in", data=credentials).status_code == 303
    again = client.submit("/staff/users/new", "/staff/users/new", wanted)
    assert "account already" in again.text


def test_roles_and_password_are_changed_by_an_administrator(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    rep_browser = HouseClient(app)
    rep = sign_in(rep_browser, "rep")
    admin = sign_in(client, "admin")
    page = f"/staff/users/{rep.id}"
    assert client.submit(page, f"{page}/roles", {"reason": "x"}).status_code == 422
    assert client.submit(page, f"{page}/roles", {"roles": "marketer"}).status_code == 422
    done = client.submit(page, f"{page}/roles", {"roles": "admin", "reason": "deputy"})
    assert done.status_code == 303
    assert rep_browser.get("/staff/users").status_code == 200
    own = f"/staff/users/{admin.id}"
    assert client.submit(own, f"{own}/disable", {"reason": "bye"}).status_code == 422
    shown = client.submit(page, f"{page}/password")
    found = re.search(r'id="first-password" value="([^"]+)"', shown.text)
    assert found
    assert rep_browser.get("/staff/users").status_code == 303
    assert rep_browser.post("/staff/sign-in", data={"email": rep.email, "password": found[1]}).status_code == 303
