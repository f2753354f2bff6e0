"""The pages of what was learnt: who may open them, and a segment from its first condition to its end."""

from collections.abc import Callable

import pytest
from flask import Flask

from portal import clock
from portal.db import Database, new_id
from portal.hcp.models import Consent, Hcp
from tests.client import HouseClient
from tests.people import Staff, sign_in_as
from tests.rulebook.rooms import deeds
from tests.rules.pages import begun, form_on, seeded, send

SignIn = Callable[[HouseClient, str], Staff]
HOME = "/staff/insights/"
READ = ("", "modules", "segments")
NEW = f"{HOME}segments/new?site=demo-us-en"
CARDIOLOGY = {
    "n0.word": "all",
    "n0-0.fact": "specialty",
    "n0-0.op": "is",
    "n0-0.value": "cardiology",
}


def doctors(app: Flask, site_id: str) -> None:
    """Write three doctors who agreed to profiling, two of them cardiologists, and one who did not."""
    database: Database = app.extensions["portal.database"]
    at = clock.now()
    with database.writing() as db:
        for ref, specialty, agreed in (
            ("H-1", "cardiology", True),
            ("H-2", "cardiology", True),
            ("H-3", "nephrology", True),
            ("H-4", "cardiology", False),
        ):
            hcp = Hcp(id=new_id(), ref=ref, specialty=specialty, created_at=at, last_name="Meyer")
            db.add(hcp)
            db.flush()
            for purpose, decision in (("tracking", "identified"), ("profiling", "given" if agreed else "refused")):
                told = {"source": "paper form", "wording": "I agree", "at": at}
                row = Consent(id=new_id(), hcp_id=hcp.id, site_id=site_id, purpose=purpose, **told)
                row.decision = decision
                db.add(row)


def saved(client: HouseClient, name: str = "Cardiologists", **fields: str) -> str:
    """Save a segment through the form and return its address."""
    response = client.submit(NEW, NEW, {"name": name, **CARDIOLOGY, "do": "save", **fields})
    assert response.status_code == 303, response.text
    return str(response.headers["Location"])


@pytest.mark.parametrize("role", ["rep", "manager", "admin"])
def test_people_without_the_permission_open_nothing(sqlite_app: Flask, role: str) -> None:
    seeded(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, role)
    for path in (*READ, "segments/new", f"segments/{new_id()}"):
        assert client.get(HOME + path).status_code == 403, path
    for path in ("matches", "segments/new", f"segments/{new_id()}/rename", f"segments/{new_id()}/delete"):
        assert client.post(HOME + path).status_code in (400, 403), path


@pytest.mark.parametrize("role", ["reviewer", "compliance"])
def test_those_who_read_rules_read_and_write_nothing(sqlite_app: Flask, role: str) -> None:
    site_id, _ = seeded(sqlite_app)
    doctors(sqlite_app, site_id)
    marketer, client = HouseClient(sqlite_app), HouseClient(sqlite_app)
    sign_in_as(sqlite_app, marketer, "marketer")
    sign_in_as(sqlite_app, client, role)
    place = saved(marketer)
    for path in (*(HOME + each for each in READ), place):
        page = client.get(path)
        assert page.status_code == 200, path
        assert ">Rename<" not in page.text
        assert "New segment" not in page.text
    assert client.get(NEW).status_code == 403
    token = form_on(client.get(HOME).text, "/sign-out")["csrf_token"]
    for path in (NEW, f"{place}/rename", f"{place}/delete"):
        assert client.post(path, data={"csrf_token": token}).status_code == 403


def test_a_marketer_counts_saves_renames_and_deletes(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    site_id, live = seeded(app)
    doctors(app, site_id)
    sign_in(client, "marketer")
    assert "No segment yet" in client.get(f"{HOME}segments").text
    counted = client.submit(NEW, f"{HOME}matches?site=demo-us-en", CARDIOLOGY)
    assert ">2</strong> of 4 doctors" in counted.text
    part = client.submit(NEW, f"{HOME}matches?site=demo-us-en", CARDIOLOGY, headers={"HX-Request": "true"})
    assert ">2</strong> of 4 doctors" in part.text
    assert "<html" not in part.text
    place = saved(client)
    page = client.get(place).text
    assert [ref in page for ref in ("H-1", "H-2", "H-3", "H-4")] == [True, True, False, False]
    assert "Meyer" not in page
    assert "Raise renal" in page, "the live rule asks the same"
    refused = send(client, place, f"{place}/delete")
    assert refused.status_code == 422
    assert "is used by" in refused.text
    other = saved(client, "Kidney doctors", **{"n0-0.value": "nephrology"})
    assert send(client, other, f"{other}/rename", name="cardiologists").status_code == 422
    assert send(client, other, f"{other}/rename", name="Nephrologists").status_code == 303
    listed = client.get(f"{HOME}segments").text
    assert "Nephrologists" in listed
    assert f"/staff/rules/versions/{live}" in listed
    assert send(client, other, f"{other}/delete").status_code == 303
    assert client.get(other).status_code == 404
    database: Database = app.extensions["portal.database"]
    assert [name for name in deeds(database) if name.startswith("segment.")] == [
        "segment.saved",
        "segment.saved",
        "segment.renamed",
        "segment.deleted",
    ]


def test_conditions_by_place_are_counted_too(sqlite_app: Flask) -> None:
    site_id, _ = seeded(sqlite_app)
    doctors(sqlite_app, site_id)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    place = "when.none[0]"
    asked = {f"{place}.fact": "specialty", f"{place}.op": "is", f"{place}.value": "nephrology"}
    answer = client.submit(NEW, f"{HOME}matches?site=demo-us-en", asked)
    assert ">2</strong> of 4 doctors" in answer.text
    assert "3 agreed to profiling" in answer.text
    half = client.submit(NEW, f"{HOME}matches?site=demo-us-en", {f"{place}.fact": "specialty"})
    assert "Complete the conditions" in half.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "Give the segment a name"),
        ({"name": "Half", "n0-0.value": ""}, "Complete the conditions first"),
        ({"name": "Strange", "n0-0.fact": "shoe_size"}, "Complete the conditions first"),
        ({"name": "Deep", "n0-0-0-0-0-0-0-0.fact": "visits"}, "nested more than"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_kept(sqlite_app: Flask, fields: dict[str, str], said: str) -> None:
    seeded(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    response = client.submit(NEW, NEW, {**CARDIOLOGY, "do": "save", **fields})
    assert response.status_code == 422
    assert said in response.text
    assert "No segment yet" in client.get(f"{HOME}segments").text


def test_the_builder_changes_its_shape_and_takes_the_conditions_of_a_rule(sqlite_app: Flask) -> None:
    seeded(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    fields = {**CARDIOLOGY, "revision": "3", "then.do": "raise", "because": "Because", "do": "and:n0"}
    response = client.submit(NEW, NEW, fields)
    assert response.status_code == 200
    assert form_on(response.text, "segments/new?site=demo-us-en")["n0-1.fact"] == ""


def test_a_rule_begins_with_a_segment_and_a_segment_with_a_rule(sqlite_app: Flask) -> None:
    seeded(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    draft, place = begun(client), saved(client)
    link = f"{draft}/rules/new?segment={place.rsplit('/', 1)[-1]}"
    assert link in client.get(place).text
    fields = form_on(client.get(link).text, "/rules/new")
    assert {name: fields[name] for name in CARDIOLOGY} == CARDIOLOGY
    assert NEW in client.get(link).text
    assert client.get(f"{draft}/rules/new?segment={new_id()}").status_code == 200


def test_sites_and_segments_that_are_not_there_are_missing(sqlite_app: Flask) -> None:
    seeded(sqlite_app)
    client = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    for path in ("?site=nowhere", "modules?site=nowhere", "segments?site=nowhere", "segments/nothing"):
        assert client.get(HOME + path).status_code == 404
