"""Content over HTTP: drafted by one, approved by another, withdrawn with a reason; and what is refused on the way."""

import re

import pytest
from flask import Flask

from portal import clock
from portal.audit import Actor
from portal.content import actions, history
from portal.content.queries import version_in_force
from portal.content.states import Kind
from portal.db import Database
from portal.staff.roles import Role
from tests.client import HouseClient
from tests.people import sign_in_as
from tests.rules.pages import SignIn, form_on, send

HOME = "/staff/content/"
SYSTEM, WRITER, APPROVER = Actor.system("import"), Actor.staff("a" * 32), Actor.staff("b" * 32)


def a_module(app: Flask, *, approved: bool = True, by: Actor = WRITER) -> tuple[str, str]:
    """Write a site with one module; return the ids of the site and of the module's version."""
    database: Database = app.extensions["portal.database"]
    at = clock.now()
    with database.writing() as db:
        site_id = actions.create_site(
            db, "demo-us-en", brand="Demo", generic="demonil", market="US", language="en", by=SYSTEM, at=at
        )
        actions.create_topic(db, site_id, key="dosing", name="Dosing", by=SYSTEM, at=at)
        module_id = actions.create_module(db, site_id, key="dosing", kind=Kind.ARTICLE, by=SYSTEM, at=at)
        content = actions.ModuleContent(title="Dosing", body="<h2>Start</h2><p>Take one a day.</p>", topics=("dosing",))
        version_id = actions.draft(db, module_id, content, by=by, at=at)
        if approved:
            actions.submit(db, version_id, by=by, at=at)
            actions.approve(
                db, version_id, approval_code="CODE-1", render=lambda _v: ("card", "page"), by=APPROVER, at=at
            )
    return site_id, version_id


def in_force(app: Flask, site_id: str) -> str | None:
    database: Database = app.extensions["portal.database"]
    with database.reading() as db:
        found = version_in_force(db, site_id, "dosing", clock.now())
    return found.title if found else None


def drafted(client: HouseClient, page: str) -> str:
    """Begin the next version of a module as the signed-in marketer; return its page."""
    response = send(client, page, f"{page}/next")
    assert response.status_code == 303, response.text
    return str(response.headers["Location"]).removesuffix("/edit")


def test_a_text_is_changed_by_one_person_and_approved_by_another(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    site_id, version_id = a_module(app)
    sign_in(client, "marketer")
    page = drafted(client, f"{HOME}versions/{version_id}")
    kept = send(client, f"{page}/edit", f"{page}/edit", title="Dosing, simply", body="<h2>Start</h2><p>Take two.</p>")
    assert kept.headers["Location"] == page
    shown = client.get(page).text
    assert "added: </span>simply" in shown or "added: </span>Dosing, simply" in shown
    assert "<del>" in shown
    assert send(client, page, f"{page}/submit").status_code == 303
    assert in_force(app, site_id) == "Dosing"

    other = HouseClient(app)
    sign_in(other, "reviewer")
    assert "Dosing, simply" in other.get(f"{HOME}review").text
    approved = send(other, page, f"{page}/review", verdict="approve", approval_code="CODE-2")
    assert approved.status_code == 303, approved.text
    assert in_force(app, site_id) == "Dosing, simply"
    assert "CODE-2" in other.get(HOME).text
    assert "Take two." in other.get(f"{page}/preview").text


def test_the_author_is_refused_the_approval(app: Flask, client: HouseClient) -> None:
    person = sign_in_as(app, client, "reviewer")
    _, version_id = a_module(app, approved=False, by=Actor.staff(person.id))
    database: Database = app.extensions["portal.database"]
    with database.writing() as db:
        actions.submit(db, version_id, by=Actor.staff(person.id), at=clock.now())
    page = f"{HOME}versions/{version_id}"
    assert "Somebody else has to approve this" in client.get(page).text
    answer = client.submit(page, f"{page}/review", {"verdict": "approve", "approval_code": "C-9"})
    assert answer.status_code == 422
    assert "a second person has to" in answer.text
    assert "yours" in client.get(f"{HOME}review").text


@pytest.mark.parametrize(
    ("given", "said", "field"),
    [
        ({"approval_code": ""}, "An approval code of 1 to 60 characters", "approval_code"),
        ({"approval_code": "CODE-1"}, "belongs to another version", "approval_code"),
        ({"approval_code": "X", "until": "2020-01-01T00:00"}, "lies before its beginning", "until"),
        ({"approval_code": "X", "until": "2099-01-01T00:00"}, "at most 730 days", "until"),
        ({"approval_code": "X", "since": "2020-01-01T00:00"}, "cannot come into force before", "since"),
        ({"approval_code": "X", "since": "soon"}, "is a date and time", "since"),
        ({"verdict": "changes", "note": " "}, "Say what has to change", "note"),
    ],
)
def test_a_review_with_a_fault_says_where_and_keeps_what_was_typed(
    sqlite_app: Flask, given: dict[str, str], said: str, field: str
) -> None:
    site_id, version_id = a_module(sqlite_app)
    marketer, reviewer = HouseClient(sqlite_app), HouseClient(sqlite_app)
    sign_in_as(sqlite_app, marketer, "marketer")
    sign_in_as(sqlite_app, reviewer, "reviewer")
    page = drafted(marketer, f"{HOME}versions/{version_id}")
    send(marketer, f"{page}/edit", f"{page}/edit", title="Other")
    send(marketer, page, f"{page}/submit")
    answer = send(reviewer, page, f"{page}/review", **{"verdict": "approve", **given})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'href="#{field}"' in answer.text
    assert in_force(sqlite_app, site_id) == "Dosing"
    if given.get("approval_code"):
        assert f'value="{given["approval_code"]}"' in answer.text


def test_a_version_is_sent_back_and_its_author_reads_why(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    _, version_id = a_module(app)
    sign_in(client, "marketer")
    page = drafted(client, f"{HOME}versions/{version_id}")
    send(client, f"{page}/edit", f"{page}/edit", title="Other")
    send(client, page, f"{page}/submit")
    other = HouseClient(app)
    sign_in(other, "reviewer")
    assert send(other, page, f"{page}/review", verdict="changes", note="Name the section").status_code == 303
    assert "Name the section" in client.get(page).text
    assert client.get(f"{page}/edit").status_code == 200


def test_a_version_is_withdrawn_with_a_reason_and_gone_at_once(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    site_id, version_id = a_module(app)
    sign_in(client, "compliance")
    page = f"{HOME}versions/{version_id}"
    silent = send(client, f"{page}/withdraw", f"{page}/withdraw")
    assert silent.status_code == 422
    assert "Say why this is withdrawn" in silent.text
    assert in_force(app, site_id) == "Dosing"
    assert send(client, f"{page}/withdraw", f"{page}/withdraw", reason="A new warning").status_code == 303
    assert in_force(app, site_id) is None
    assert "A new warning" in client.get(page).text
    assert client.get(f"{page}/withdraw").status_code == 404


def test_only_the_author_edits_and_submits_a_draft(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    _, version_id = a_module(app)
    sign_in(client, "marketer")
    page = drafted(client, f"{HOME}versions/{version_id}")
    other = HouseClient(app)
    sign_in_as(app, other, "marketer", "second@portal.example")
    refused = send(other, f"{page}/edit", f"{page}/edit", title="Mine now")
    assert refused.status_code == 422
    assert "Only its author" in refused.text
    assert 'value="Mine now"' in refused.text
    token = form_on(other.get(HOME).text, "/sign-out")["csrf_token"]
    assert other.post(f"{page}/submit", data={"csrf_token": token}).status_code == 422


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": " "}, "The title is empty."),
        ({"title": "x" * 201}, "longer than 200"),
        ({"body": ""}, "The body is empty"),
        ({"position": "first"}, "is a whole number"),
        ({"position": "99999"}, "a number from 0 to 10,000"),
        ({"topics": ["No Such!"]}, "A key has"),
    ],
)
def test_a_draft_with_a_fault_is_refused_and_kept_on_the_page(
    sqlite_app: Flask, changed: dict[str, object], said: str
) -> None:
    _, version_id = a_module(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    page = drafted(client, f"{HOME}versions/{version_id}")
    answer = send(client, f"{page}/edit", f"{page}/edit", **changed)
    assert answer.status_code == 422
    assert said in answer.text


def test_scripts_in_a_text_never_reach_the_preview(sqlite_app: Flask) -> None:
    _, version_id = a_module(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    page = drafted(client, f"{HOME}versions/{version_id}")
    body = '<p onclick="x()">Hello</p><script>alert(1)</script><img src=x onerror=y>'
    send(client, f"{page}/edit", f"{page}/edit", body=body)
    preview = client.get(f"{page}/preview")
    assert "Hello" in preview.text
    assert not re.search(r"<script|onclick|onerror|alert", preview.text)
    policy = preview.headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy


@pytest.mark.parametrize("role", ["rep", "manager", "admin"])
def test_people_without_the_permission_open_nothing(sqlite_app: Flask, role: str) -> None:
    _, version_id = a_module(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, role)
    page = f"versions/{version_id}"
    for path in ("", "review", page, f"{page}/preview", f"{page}/edit", f"{page}/withdraw"):
        assert client.get(HOME + path).status_code == 403, path


@pytest.mark.parametrize(
    ("role", "refused"),
    [
        (Role.MARKETER, ("review",)),
        (Role.REVIEWER, ("next", "edit", "submit")),
        (Role.COMPLIANCE, ("next", "edit", "submit", "review")),
    ],
)
def test_each_role_does_only_its_own(sqlite_app: Flask, role: Role, refused: tuple[str, ...]) -> None:
    _, version_id = a_module(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, role)
    token = form_on(client.get(HOME).text, "/sign-out")["csrf_token"]
    for deed in refused:
        answer = client.post(f"{HOME}versions/{version_id}/{deed}", data={"csrf_token": token})
        assert answer.status_code == 403, deed


@pytest.mark.parametrize("wrong", ["f0" * 16, "1", "x" * 300])
def test_what_is_not_there_answers_the_same_whatever_is_asked(sqlite_app: Flask, wrong: str) -> None:
    a_module(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    for path in ("", "/preview", "/edit", "/withdraw"):
        assert client.get(f"{HOME}versions/{wrong}{path}").status_code == 404, path
    assert client.get(f"{HOME}?site={wrong}").status_code == 404
    token = form_on(client.get(HOME).text, "/sign-out")["csrf_token"]
    for path in ("next", "edit", "submit", "withdraw"):
        answer = client.post(f"{HOME}versions/{wrong}/{path}", data={"csrf_token": token})
        assert answer.status_code == 404, path


def test_a_site_that_misses_mandatory_blocks_says_that_it_serves_nothing(sqlite_app: Flask) -> None:
    site_id, version_id = a_module(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "reviewer")
    assert "This site serves nothing" in client.get(HOME).text
    database: Database = sqlite_app.extensions["portal.database"]
    with database.reading() as db:
        assert [row.version_id for row in history.shelf(db, site_id, clock.now())] == [version_id]
