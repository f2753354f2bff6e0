"""Links: issued within policy, shown to their sender only, revoked with a reason; by page and by command."""

import json
import re
from collections.abc import Callable

import pytest
from flask import Flask

from portal.access.queries import link_of
from portal.hcp.actions import assign, revoke_access
from tests.client import HouseClient
from tests.people import Staff, sign_in_as
from tests.rep.conftest import Desk
from tests.reports.world import BY, World

GOOD = {"site": "brand-us-en", "landing": "renal", "days": "7"}


def issue(desk: Desk, **given: str) -> str:
    answer = desk.client.submit(f"/staff/doctors/{desk.own}/link", f"/staff/doctors/{desk.own}/link", GOOD | given)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def url_on(page: str) -> str:
    found = re.search(r'id="link-url" value="([^"]+)"', page)
    return found[1] if found else ""


def test_an_issued_link_opens_the_chosen_module_for_the_chosen_days(desk: Desk) -> None:
    where = issue(desk)
    assert "/v/" not in where
    page = desk.client.get(where)
    url = url_on(page.text)
    assert url.startswith("http://127.0.0.1:8000/v/")
    assert "<svg" in page.text
    assert "no-store" in page.headers["Cache-Control"]
    assert url not in re.sub(r'value="[^"]*"', "", page.text)
    title = re.search(r"<title>(.*?)</title>", page.text)
    assert title is not None
    assert url.rsplit("/", 1)[1] not in title[1]
    knock = HouseClient(desk.client.app).get(url.removeprefix("http://127.0.0.1:8000"))
    assert knock.status_code == 200
    with desk.world.database.reading() as db:
        row = link_of(db, where.rsplit("/", 1)[1])
    assert row is not None
    assert (row.landing, row.sender_id, (row.expires_at - row.created_at).days) == ("renal", desk.rep.id, 7)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("site", "other"), ("site", ""), ("landing", "unknown"), ("landing", "../x"), ("days", "0"), ("days", "31"),
        ("days", "-1"), ("days", "1.5"), ("days", "٣"), ("days", "9" * 300), ("days", ""),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_said_beside_its_field_and_issues_nothing(desk: Desk, field: str, value: str) -> None:
    page = f"/staff/doctors/{desk.own}/link"
    answer = desk.client.submit(page, page, GOOD | {field: value})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert desk.world.count("link.issued") == 0


def test_only_the_sender_sees_the_address(desk: Desk, app: Flask) -> None:
    where = issue(desk)
    second = HouseClient(app)
    staff = sign_in_as(app, second, "rep", "second@portal.example")
    with desk.world.database.writing() as db:
        assign(db, desk.own, user_id=staff.id, by=BY, at=desk.world.at)
    page = second.get(where).text
    assert url_on(page) == ""
    assert "/v/" not in page
    assert "only they see its address" in page


def test_revoking_needs_a_reason_and_holds_at_once(desk: Desk) -> None:
    where = issue(desk)
    url = url_on(desk.client.get(where).text).removeprefix("http://127.0.0.1:8000")
    refused = desk.client.submit(where, f"{where}/revoke", {"reason": "  "})
    assert refused.status_code == 422
    assert HouseClient(desk.client.app).get(url).status_code == 200
    done = desk.client.submit(where, f"{where}/revoke", {"reason": "Sent to the wrong address"})
    assert done.status_code == 303
    page = desk.client.get(where).text
    assert "Sent to the wrong address" in page
    assert url_on(page) == ""
    assert HouseClient(desk.client.app).get(url).status_code == 404
    assert desk.world.count("link.revoked") == 1


def test_a_manager_may_revoke_what_a_rep_issued(
    desk: Desk, app: Flask, sign_in: Callable[[HouseClient, str], Staff]
) -> None:
    where = issue(desk)
    manager = HouseClient(app)
    sign_in(manager, "manager")
    assert url_on(manager.get(where).text) == ""
    assert manager.submit(where, f"{where}/revoke", {"reason": "Left the company"}).status_code == 303


def test_without_the_field_of_the_form_nothing_happens(desk: Desk) -> None:
    answer = desk.client.post(f"/staff/doctors/{desk.own}/link", data=GOOD)
    assert answer.status_code == 400
    assert desk.world.count("link.issued") == 0


def test_no_link_is_issued_while_the_doctor_has_no_access(desk: Desk) -> None:
    with desk.world.database.writing() as db:
        revoke_access(db, desk.own, reason="asked for it", by=BY, at=desk.world.at)
    page = desk.client.get(f"/staff/doctors/{desk.own}/link")
    assert "No link can be issued now" in page.text


def test_the_command_prints_an_address_that_opens(app: Flask, world: World) -> None:
    world.doctor("H-1")
    run = app.test_cli_runner()
    done = run.invoke(args=["links", "issue", "--hcp", "H-1", "--site", "brand-us-en", "--days", "3", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["url"].startswith("http://127.0.0.1:8000/v/")
    assert HouseClient(app).get(told["url"].removeprefix("http://127.0.0.1:8000")).status_code == 200
    plain = run.invoke(args=["links", "issue", "--hcp", "H-1", "--site", "brand-us-en"])
    assert plain.output.startswith("http://127.0.0.1:8000/v/")
    revoked = run.invoke(args=["links", "revoke", told["id"], "--reason", "test"])
    assert revoked.exit_code == 0
    assert HouseClient(app).get(told["url"].removeprefix("http://127.0.0.1:8000")).status_code == 404
    assert "before" in run.invoke(args=["links", "revoke", told["id"]]).output


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["issue", "--hcp", "H-9", "--site", "brand-us-en"], 1, "no doctor with the reference H-9"),
        (["issue", "--hcp", "H-1", "--site", "other"], 1, "known are: brand-us-en"),
        (["issue", "--hcp", "H-1", "--site", "brand-us-en", "--sender", "x@y.example"], 1, "No colleague has"),
        (["issue", "--hcp", "H-1", "--site", "brand-us-en", "--days", "0"], 2, "1<=x<=365"),
        (["issue", "--hcp", "H-1"], 2, "--site"),
        (["revoke", "0" * 32], 1, "no link"),
        (["revoke", "nonsense"], 2, "32 characters"),
    ],
)
def test_a_wrong_command_says_why_and_leaves_nothing(
    app: Flask, world: World, args: list[str], code: int, says: str
) -> None:
    world.doctor("H-1")
    done = app.test_cli_runner().invoke(args=["links", *args])
    assert (done.exit_code, says in done.output) == (code, True), done.output
    assert world.count("link.issued") == 0
