"""The builder works as a plain form: what it shows is what it sends, and every fault is shown with what was typed."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import clock
from portal.db import Database
from portal.hcp.actions import create_hcp, record_consent
from portal.hcp.consents import Purpose
from portal.hcp.profiles import Profile
from portal.personalize.rules import dump
from portal.rulebook import queries
from tests.client import HouseClient
from tests.people import sign_in_as
from tests.rulebook.rooms import a_rule
from tests.rules.pages import AUTHOR, SignIn, begun, form_on, seeded, send

TREE = {
    "any": [
        {
            "all": [
                {"fact": "specialty", "op": "in", "value": ["cardiology", "family medicine, rural"]},
                {"fact": "segment", "op": "in", "value": ["B", "A"]},
                {"fact": "decile", "op": "in", "value": [1, 7]},
                {"none": [{"fact": "module_useful", "of": "gone", "op": "exists", "value": True}]},
            ]
        },
        {"fact": "module_dwell_s", "of": "dosing", "op": ">", "value": 60.5, "within_days": 90},
        {"fact": "date", "op": ">=", "value": "2026-12-01"},
        {"fact": "module_completed", "of": "dosing", "op": "is", "value": False},
        {"fact": "sent", "op": "contains", "value": "dosing"},
        {"any": []},
    ]
}
EFFECTS: list[dict[str, Any]] = [
    {"do": "lower", "target": {"everything": True}, "by": 0.125},
    {"do": "pin", "target": {"modules": ["b", "a"]}, "place": 2},
    {"do": "after", "target": {"kind": "article"}, "module": "dosing"},
    {"do": "hide", "target": {"topic": "safety"}, "way_back": "search"},
    {"do": "require", "target": {"modules": ["dosing"]}},
    {
        "do": "limit",
        "target": {"everything": True},
        "count": "skips",
        "times": 3,
        "within_days": 30,
        "way_back": "more",
    },
    {"do": "limit", "target": {"topic": "x"}, "count": "reads", "times": 3, "by": 2.5},
    {"do": "interest", "target": {"topic": "efficacy"}, "weight": 0.5},
]


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """One database is enough: a form never reaches it before it is judged."""
    return sqlite_app


def stored(app: Flask, draft: str) -> list[dict[str, Any]]:
    database: Database = app.extensions["portal.database"]
    with database.reading() as db:
        found = queries.rule_set(db, draft.rsplit("/", 1)[-1])
    assert found is not None
    return [dump(rule) for rule in found.rules.rules]


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect["do"])
def test_a_page_sends_back_the_rule_it_shows(
    app: Flask, client: HouseClient, sign_in: SignIn, effect: dict[str, Any]
) -> None:
    more = {
        "audience": ["nurse", "doctor"],
        "priority": -3,
        "starts": "2026-12-01T08:00:00.250Z",
        "sample_percent": 12.5,
    }
    seeded(app, a_rule(when=TREE, then=effect, **more, enabled=False, off_reason="not yet"))
    sign_in(client, "marketer")
    draft = begun(client)
    before = stored(app, draft)
    saved = send(client, f"{draft}/rules/renal", f"{draft}/rules/renal", do="save")
    assert saved.status_code == 303, saved.text
    after = stored(app, draft)
    # Audiences are ticked, so they come back in the order of the page.
    assert [{**rule, "audience": sorted(rule["audience"])} for rule in after] == [
        {**rule, "audience": sorted(rule["audience"])} for rule in before
    ]


def test_faults_are_named_and_what_was_typed_is_kept(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    seeded(app)
    sign_in(client, "marketer")
    draft = begun(client)
    page = f"{draft}/rules/new"
    answer = send(client, page, page, **{"do": "save", "name": "Half a rule", "then.by": "lots", "because": "x"})
    assert answer.status_code == 422
    for link in ('href="#n0-0_fact"', 'href="#then_by"', 'href="#because"', 'href="#then_topic"'):
        assert link in answer.text
    assert 'value="Half a rule"' in answer.text
    assert 'value="lots"' in answer.text
    assert len(stored(app, draft)) == 1


@pytest.mark.parametrize("act", ["and:n0", "group:n0", "or", "remove:n0-0", "shape", "and:n0-99", "nonsense"])
def test_buttons_change_the_form_without_keeping_anything(
    app: Flask, client: HouseClient, sign_in: SignIn, act: str
) -> None:
    seeded(app)
    sign_in(client, "marketer")
    draft = begun(client)
    page, before = f"{draft}/rules/renal", stored(app, draft)
    answer = send(client, page, page, do=act)
    assert answer.status_code == 200
    assert "<html" in answer.text
    part = send_as_part(client, page, act)
    assert part.lstrip().startswith("<form")
    assert stored(app, draft) == before


def send_as_part(client: HouseClient, page: str, act: str) -> str:
    fields = form_on(client.get(page).text, page)
    fields["do"] = act
    return client.post(page, data=fields, headers={"HX-Request": "true"}).text


def test_a_circle_of_after_is_refused_with_its_path(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    seeded(app, a_rule("one", then={"do": "after", "target": {"modules": ["a"]}, "module": "b"}))
    sign_in(client, "marketer")
    draft = begun(client)
    page = f"{draft}/rules/new"
    fields = {"name": "Back", "because": "Because of it", "then.do": "after", "then.aim": "modules"}
    more = {
        "then.modules": "b",
        "then.module": "a",
        "do": "save",
        "n0-0.fact": "visits",
        "n0-0.op": ">",
        "n0-0.value": "1",
    }
    answer = send(client, page, page, **fields, **more)
    assert answer.status_code == 422
    assert "circular after" in answer.text


FIELDS = """
    n0.word n0-0.fact n0-0.value n0-0-0.fact n0-7.lines then.do then.aim then.modules name revision do audience starts
    sample enabled __proto__ n0-0-0-0-0-0-0-0.fact
"""
TEXTS = ["visits", "all", "save", "and:n0", "limit", "everything", "9" * 40, "-1", "2026-13-45T99:99", "\x00"]
names = st.sampled_from(FIELDS.split())
texts = st.text(max_size=8) | st.sampled_from([*TEXTS, json.dumps(TREE)])
forms = st.dictionaries(names, st.lists(texts, min_size=1, max_size=3), max_size=8)


def test_no_form_breaks_the_builder(sqlite_app: Flask) -> None:
    client = HouseClient(sqlite_app)
    seeded(sqlite_app)
    sign_in_as(sqlite_app, client, "marketer")
    draft = begun(client)
    token = form_on(client.get(draft).text, "/submit")["csrf_token"]

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        st.dictionaries(names, st.lists(texts, min_size=1, max_size=3), max_size=8), st.sampled_from(["new", "renal"])
    )
    def any_form(fields: dict[str, list[str]], rule: str) -> None:
        answer = client.post(f"{draft}/rules/{rule}", data={**fields, "csrf_token": token})
        assert answer.status_code in (200, 303, 400, 422)

    any_form()


def test_the_builder_says_how_many_doctors_the_conditions_match(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    seeded(app)
    database: Database = app.extensions["portal.database"]
    with database.writing() as db:
        for number, specialty in enumerate(("cardiology", "cardiology", "nephrology")):
            hcp_id = create_hcp(db, f"H-{number}", profile=Profile(specialty=specialty), by=AUTHOR, at=clock.now())
            for purpose, decision in ((Purpose.TRACKING, "identified"), (Purpose.PROFILING, "given")):
                record_consent(
                    db,
                    hcp_id,
                    purpose=purpose,
                    decision=decision,
                    site_id=None,
                    source="test",
                    wording="",
                    by=AUTHOR,
                    at=clock.now(),
                )
    sign_in(client, "marketer")
    draft = begun(client)
    assert 'Matches <strong class="number">2</strong> of 3 doctors' in client.get(draft).text
    assert 'Matches <strong class="number">2</strong> of 3 doctors' in client.get("/staff/rules/").text
    page = f"{draft}/rules/renal"
    fields = form_on(client.get(page).text, page)
    fields["n0-0.value"] = "dermatology"
    matches = f"/staff/insights/matches?version={draft.rpartition('/')[2]}"
    part = client.post(matches, data=fields)
    assert part.status_code == 200
    assert "nobody today" in part.text
    fields["n0-0.value"] = ""
    assert "Complete the conditions" in client.post(matches, data=fields).text
