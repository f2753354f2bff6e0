"""The audit log in words: searched, opened, exported; what is not understood is refused, never ignored."""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.audit.models import AuditEvent
from tests.client import HouseClient
from tests.compliance.conftest import Office
from tests.people import Staff
from tests.reports.world import World


def found(office: Office, query: str) -> str:
    answer = office.client.get("/staff/audit/", query_string={"q": query})
    assert answer.status_code == 200, answer.text
    return answer.text


def deeds(page: str) -> int:
    return page.count('<li class="deed')


def export(office: Office, query: str, form: str) -> bytes:
    answer = office.client.submit("/staff/audit/", "/staff/audit/export", {"q": query, "format": form})
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.data


def test_deeds_are_told_in_words_newest_first(office: Office) -> None:
    page = found(office, "")
    assert "Compliance</b> signed in" in page
    assert "Dr Karla Meyer</b> opened a link by pressing its button" in page
    assert page.index("opened a link by pressing") < page.index("issued a link") < page.index("added a doctor")


def test_each_qualifier_narrows_and_a_minus_leaves_out(office: Office) -> None:
    everything = deeds(found(office, ""))
    assert deeds(found(office, "action:link.issued")) == 1
    assert deeds(found(office, "action:link")) == 2
    assert deeds(found(office, "actor:hcp hcp:H-1021 action:link.opened")) == 1
    assert deeds(found(office, "hcp:meyer action:link")) == 2
    assert deeds(found(office, "-hcp:H-1021")) + deeds(found(office, "hcp:H-1021")) == everything
    assert deeds(found(office, "action:link.issued action:link.opened")) == 2
    assert deeds(found(office, '"pressing its button"')) == 1
    assert deeds(found(office, "created:2000-01-01..2000-12-31")) == 0
    assert "Nothing matches" in found(office, "created:2000-01-01")


def test_an_actor_is_found_by_name_address_and_part(office: Office) -> None:
    assert (
        deeds(found(office, f"actor:{office.officer.email}")) == deeds(found(office, f"actor:{office.officer.id}")) == 1
    )
    assert deeds(found(office, "actor:tests action:link.issued")) == 1
    assert deeds(found(office, "actor:system -action:link.issued")) > 0


@pytest.mark.parametrize(
    "query",
    [
        "doctor:x",
        "created:soon",
        "action:nothing.such",
        "actor:nobody-of-this-name",
        "hcp:H-9999",
        '"open',
        "a\x01b",
        "x" * 500,
        "-",
        "actor:%",
        "hcp:%25",
    ],
)
def test_what_is_not_understood_is_refused_with_help_and_shows_nothing(office: Office, query: str) -> None:
    answer = office.client.get("/staff/audit/", query_string={"q": query})
    assert answer.status_code == 422
    assert "The search was not understood" in answer.text
    assert deeds(answer.text) == 0


@pytest.mark.parametrize(
    "query",
    [
        "' OR 1=1 --",
        "%",
        "\\",
        '"%"',
        "<script>alert(1)</script>",
        "NULL",
        "'; DROP TABLE audit_events; --",
        "🩺",
        "\u202e",
    ],
)
def test_hostile_words_are_words(office: Office, query: str) -> None:
    page = found(office, query)
    assert "<script>alert" not in page
    assert deeds(page) <= 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_no_search_breaks_the_page(office: Office, query: str) -> None:
    assert office.client.get("/staff/audit/", query_string={"q": query}).status_code in (200, 400, 422)


@pytest.mark.parametrize("query", ["before=abc", "before=-1", "before=99999999999999999999", "after=0", "before=0"])
def test_hostile_places_in_the_list_answer_plainly(office: Office, query: str) -> None:
    assert office.client.get(f"/staff/audit/?{query}").status_code == 200


def test_pages_follow_each_other_without_gap_or_repeat(office: Office) -> None:
    for number in range(120):
        office.world.doctor(f"H-{number}", tracking=None)
    seen: list[str] = []
    address = "/staff/audit/?q=action:hcp.created"
    while address:
        page = office.client.get(address).text
        seen += re.findall(r'class="deed-link" href="/staff/audit/event/([0-9a-f]{32})"', page)
        older = re.search(r'href="([^"]+)"><svg[^>]*>(?:(?!</a>).)*Older', page)
        address = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 121


def test_the_way_back_leads_to_the_newer_page(office: Office) -> None:
    for number in range(120):
        office.world.doctor(f"H-{number}", tracking=None)
    first = office.client.get("/staff/audit/?q=action:hcp.created").text
    ids = re.findall(r'href="/staff/audit/event/([0-9a-f]{32})"', first)
    older = _address(first, "Older")
    newer = _address(office.client.get(older).text, "Newer")
    assert re.findall(r'href="/staff/audit/event/([0-9a-f]{32})"', office.client.get(newer).text) == ids


def test_an_event_opens_to_what_is_stored_and_its_personal_values(office: Office) -> None:
    with office.world.database.reading() as db:
        event_id = db.scalars(select(AuditEvent.id).where(AuditEvent.name == "hcp.created")).one()
    page = office.client.get(f"/staff/audit/event/{event_id}").text
    assert "Personal values" in page
    assert "Karla" in page
    assert event_id in page
    assert office.world.count("event.read") == 1


def test_an_event_whose_personal_values_were_erased_says_so(office: Office) -> None:
    from sqlalchemy import delete

    from portal.audit.models import AuditPersonal

    with office.world.database.writing() as db:
        event_id = db.scalars(select(AuditEvent.id).where(AuditEvent.name == "hcp.created")).one()
        db.execute(delete(AuditPersonal).where(AuditPersonal.event_id == event_id))
    page = office.client.get(f"/staff/audit/event/{event_id}").text
    assert "were erased" in page
    assert "Karla" not in page.replace("Dr Karla Meyer", "")
    assert office.world.count("event.read") == 0


def test_the_archive_holds_what_was_shown_with_manifest_and_sums(office: Office) -> None:
    content = export(office, "hcp:H-1021 action:link", "zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    assert (manifest["query"], manifest["rows"], manifest["zone_of_local_times"]) == (
        "hcp:H-1021 action:link.*",
        2,
        "UTC",
    )
    for line in files["SHA256SUMS"].decode().splitlines():
        sha256, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == sha256
    rows = list(csv.DictReader(io.StringIO(files["events.csv"].decode())))
    lines = [json.loads(line) for line in files["events.jsonl"].decode().splitlines()]
    assert [row["action"] for row in rows] == ["link.opened", "link.issued"]
    assert [line["event"]["name"] for line in lines] == ["link.opened", "link.issued"]


def test_an_export_is_an_event_with_the_checksum_of_the_file(office: Office) -> None:
    content = export(office, "action:link", "csv")
    with office.world.database.reading() as db:
        query = select(AuditEvent.body, AuditEvent.actor_id).where(AuditEvent.name == "audit.exported")
        body, actor_id = db.execute(query).one()
    about = json.loads(body)["about"]
    assert about["sha256"] == hashlib.sha256(content).hexdigest()
    assert (about["rows"], about["format"], actor_id) == (2, "csv", office.officer.id)


def test_json_lines_carry_the_stored_bytes_and_no_personal_value(office: Office) -> None:
    content = export(office, "", "jsonl").decode()
    with office.world.database.reading() as db:
        bodies = db.scalars(select(AuditEvent.body)).all()
    assert all(body in content for body in bodies if '"audit.exported"' not in body)
    assert "Karla" not in content


@pytest.mark.parametrize(("form", "status"), [("exe", 400), ("", 400)])
def test_an_unknown_format_is_refused(office: Office, form: str, status: int) -> None:
    answer = office.client.submit("/staff/audit/", "/staff/audit/export", {"q": "", "format": form})
    assert answer.status_code == status
    assert office.world.count("audit.exported") == 0


def test_a_search_that_is_refused_exports_nothing(office: Office) -> None:
    answer = office.client.submit("/staff/audit/", "/staff/audit/export", {"q": "doctor:x", "format": "csv"})
    assert answer.status_code == 303
    assert office.world.count("audit.exported") == 0


@pytest.mark.parametrize("role", ["rep", "manager", "marketer", "reviewer", "admin"])
def test_other_roles_are_refused(
    app: Flask, world: World, sign_in: Callable[[HouseClient, str], Staff], role: str
) -> None:
    client = HouseClient(app)
    sign_in(client, role)
    for path in ("", "event/" + "0" * 32, "doctor/" + "0" * 32, "page/" + "0" * 32, "page/" + "0" * 32 + "/raw"):
        assert client.get(f"/staff/audit/{path}").status_code == 403


def _address(page: str, label: str) -> str:
    link = re.search(r'href="([^"]+)"><svg[^>]*>(?:(?!</a>).)*' + label, page)
    assert link is not None
    return link[1].replace("&amp;", "&")
