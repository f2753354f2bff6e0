"""Links: issued within policy, shown to their sender only, revoked with a reason; by page and by command."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal import clock
from portal.access import presets
from portal.access.models import Link, LinkPreset
from portal.access.presets import PresetContent
from portal.access.queries import link_of
from portal.content.models import ModuleVersion
from portal.hcp.actions import assign, record_consent, revoke_access
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


def links(desk: Desk) -> list[Link]:
    with desk.world.database.reading() as db:
        found = list(db.scalars(select(Link).order_by(Link.created_at)))
        db.expunge_all()
    return found


def test_a_link_never_outlives_the_module_it_opens_and_the_rep_is_told_before(desk: Desk) -> None:
    ends = clock.now() + timedelta(days=3)
    with desk.world.database.writing() as db:
        db.execute(update(ModuleVersion).where(ModuleVersion.title == "Renal").values(in_force_until=ends))
    where = f"/staff/doctors/{desk.own}/link"
    told = desk.client.submit(where, where, GOOD)
    assert told.status_code == 200
    assert "content it leads to is in force no longer" in told.text
    assert links(desk) == []
    seen = re.search(r'name="seen" value="([^"]+)"', told.text)
    assert seen is not None
    issue(desk, seen=html.unescape(seen[1]))
    assert [link.expires_at for link in links(desk)] == [ends]
    issue(desk, days="2")  # ends before the module does: as was asked for
    assert (links(desk)[1].expires_at - links(desk)[1].created_at) == timedelta(days=2)


def test_a_link_never_outlives_the_consent_it_was_issued_under(desk: Desk) -> None:
    ends = clock.now() + timedelta(days=5)
    with desk.world.database.writing() as db:
        decided = {"ends_at": ends, "by": BY, "at": clock.now()}
        record_consent(db, desk.own, desk.world.site_id, "profiling", "given", "letter", "yes", **decided)
    where = f"/staff/doctors/{desk.own}/link"
    assert "the doctor&#39;s consent ends then" in desk.client.get(where).text
    told = desk.client.submit(where, where, GOOD | {"seen": "2000-01-01T00:00:00+00:00"})
    assert told.status_code == 200
    assert links(desk) == []
    issue(desk, seen=ends.isoformat())
    assert [link.expires_at for link in links(desk)] == [ends]


def preset(desk: Desk, name: str = "Congress visit") -> str:
    with desk.world.database.writing() as db:
        return presets.make(
            db,
            desk.world.site_id,
            PresetContent(name, "After a talk", 14, "renal", ("dosing", "renal")),
            modules={"renal", "dosing", "warnings"},
            most_days=30,
            by=BY,
            at=desk.world.at,
        )


def test_a_preset_decides_what_a_link_opens_and_how_long(desk: Desk) -> None:
    chosen = preset(desk)
    where = f"/staff/doctors/{desk.own}/link"
    page = desk.client.get(where).text
    assert "Congress visit" in page
    assert "the days chosen for it" in page
    answer = desk.client.submit(where, where, {"preset": chosen})
    assert answer.status_code == 303
    [link] = links(desk)
    assert (link.preset_id, link.landing, link.modules) == (chosen, "renal", ["dosing", "renal"])
    assert link.expires_at - link.created_at == timedelta(days=14)


def test_a_preset_that_was_retired_or_lost_its_content_issues_nothing(desk: Desk) -> None:
    gone, empty = preset(desk), preset(desk, "Empty")
    with desk.world.database.writing() as db:
        presets.retire(db, gone, reason="The congress is over", by=BY, at=desk.world.at)
        db.execute(update(ModuleVersion).where(ModuleVersion.title == "Renal").values(in_force_until=desk.world.at))
    where = f"/staff/doctors/{desk.own}/link"
    assert "cannot be used now" in desk.client.get(where).text
    for wanted in (gone, empty, "0" * 32, "x"):
        answer = desk.client.submit(where, where, {"preset": wanted})
        assert answer.status_code == 422
        assert "not on offer any more" in answer.text
    assert links(desk) == []


def test_the_command_takes_a_preset(desk: Desk, app: Flask) -> None:
    chosen = preset(desk)
    run = app.test_cli_runner().invoke
    base = ["links", "issue", "--hcp", "H-1", "--site", "brand-us-en", "--json", "--preset"]
    done = run(args=[*base, "congress VISIT"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["ends_by"] == "chosen"
    with desk.world.database.reading() as db:
        assert db.get_one(Link, told["id"]).preset_id == chosen
    missing = run(args=[*base, "Roadshow"])
    assert (missing.exit_code, "on offer are: Congress visit" in missing.output) == (1, True)
    assert run(args=[*base, "Congress visit", "--days", "3"]).exit_code == 2


@pytest.fixture
def marketer(app: Flask, sign_in: Callable[[HouseClient, str], Staff], desk: Desk) -> HouseClient:
    client = HouseClient(app)
    sign_in(client, "marketer")
    return client


SAYS = {"name": "Roadshow", "purpose": "After a lunch", "days": "10", "landing": "dosing", "modules": ["renal"]}


def test_a_marketer_makes_changes_and_retires_a_preset(desk: Desk, marketer: HouseClient) -> None:
    page = "/staff/link-presets/new"
    assert marketer.submit(page, page, SAYS | {"site": desk.world.site_id}).status_code == 303
    with desk.world.database.reading() as db:
        [made] = presets.offered(db)
    one = f"/staff/link-presets/{made.id}"
    changed = marketer.submit(one, one, SAYS | {"days": "7"})
    assert changed.status_code == 303
    newer = changed.headers["Location"]
    assert newer != one
    assert marketer.submit(newer, newer, SAYS | {"days": "7"}).headers["Location"] == newer  # nothing to change
    assert marketer.submit(newer, one, SAYS).status_code == 422  # somebody changed it meanwhile
    assert marketer.submit(newer, f"{newer}/retire", {"reason": " "}).status_code == 422
    assert marketer.submit(newer, f"{newer}/retire", {"reason": "Over"}).status_code == 303
    with desk.world.database.reading() as db:
        rows = db.scalars(select(LinkPreset).order_by(LinkPreset.number)).all()
        db.expunge_all()
    assert [(row.number, row.days, row.retired_reason) for row in rows] == [
        (1, 10, "replaced by its next version"),
        (2, 7, "Over"),
    ]
    assert desk.world.count("link-preset.made") == 2
    assert desk.world.count("link-preset.retired") == 1
    assert "Roadshow" in marketer.get("/staff/link-presets/").text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 61), ("name", "congress  visit"), ("purpose", " "), ("purpose", "x" * 201),
        ("days", "0"), ("days", "31"), ("days", "٣"), ("landing", "gone"), ("modules", ["gone"]),
    ],
)  # fmt: skip
def test_a_preset_that_cannot_be_kept_says_why_beside_its_field(
    desk: Desk, marketer: HouseClient, field: str, value: str | list[str]
) -> None:
    preset(desk)
    page = "/staff/link-presets/new"
    answer = marketer.submit(page, page, SAYS | {"site": desk.world.site_id, field: value})
    assert answer.status_code == 422
    assert f'href="#{field}' in answer.text
    assert desk.world.count("link-preset.made") == 1


def test_reps_read_presets_and_write_none(desk: Desk) -> None:
    chosen = preset(desk)
    assert desk.client.get("/staff/link-presets/").status_code == 200
    assert desk.client.get(f"/staff/link-presets/{chosen}").status_code == 200
    assert desk.client.get("/staff/link-presets/new").status_code == 403
    answer = desk.client.submit(f"/staff/doctors/{desk.own}/link", f"/staff/link-presets/{chosen}", SAYS)
    assert answer.status_code == 403
