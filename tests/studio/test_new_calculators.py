"""A calculator begun in the studio: from nothing or a copy, approved by another person, used, asked for, withdrawn."""

import datetime
import html
import json
from typing import Any

import pytest
from flask import Flask

from portal import clock
from portal.calculators import skeleton
from portal.calculators.lint import Rule, lint
from portal.content.library import library
from portal.content.queries import site_by_key
from portal.personalize.catalogue import Of
from portal.reports.rule_offer import offer
from tests.access.test_door import new_link, press
from tests.client import HouseClient
from tests.studio.test_definitions import put_to_review, signed_in, versions

NEW = "/staff/content/calculators/new"
GIVEN = {
    "site": "atorvastatin-us-en",
    "key": "anion-gap",
    "title": "Anion gap",
    "purpose": "Finds unmeasured anions in metabolic acidosis.",
    "topic": "",
    "pattern": "",
}


def a_number(name: str, label: str, low: int, high: int) -> dict[str, Any]:
    return {"name": name, "kind": "number", "label": label, "unit": "mmol/L", "allowed": {"from": low, "up_to": high}}


def finished(text: str, **changes: Any) -> str:
    """The definition of an anion gap, on the ground of what the studio began."""
    values = {"sodium": 140, "chloride": 104, "bicarbonate": 24}
    return json.dumps(
        json.loads(text)
        | {
            "inputs": [
                a_number("sodium", "Sodium", 90, 200),
                a_number("chloride", "Chloride", 50, 160),
                a_number("bicarbonate", "Bicarbonate", 1, 60),
            ],
            "outputs": [
                {
                    "name": "gap",
                    "label": "Anion gap",
                    "is": "sodium - chloride - bicarbonate",
                    "unit": "mmol/L",
                    "decimals": 0,
                }
            ],
            "bands": {
                "on": "value",
                "recordable": True,
                "each": [
                    {"id": "usual", "label": "Up to 12", "up_to": 12, "meaning": "Not raised."},
                    {"id": "raised", "label": "Above 12", "above": 12, "meaning": "Raised: look for an acid."},
                ],
            },
            "formula_text": ["Gap = sodium − chloride − bicarbonate"],
            "worked_example": {"title": "A usual patient", "inputs": values, "result": {"gap": 12}},
            "use_when": ["Metabolic acidosis"],
            "not_for": ["Deciding alone"],
            "pitfalls": ["Low albumin lowers it."],
            "references": [{"text": "Emmett M, Narins RG. Medicine 1977;56:38-54.", "url": "https://example.org/gap"}],
            "vectors": [{"inputs": values, "expected": {"gap": 12}, "source": "the paper"}],
        }
        | changes
    )


@pytest.fixture
def author(sqlite_demo_app: Flask) -> HouseClient:
    return signed_in(sqlite_demo_app, "marketer")


def begun(author: HouseClient, **changes: str) -> str:
    """Begin a calculator and return the path of its definition."""
    answer = author.submit(NEW, NEW, GIVEN | changes)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def text_of(author: HouseClient, path: str) -> str:
    return in_textarea(author.get(path).text)


def in_textarea(page: str) -> str:
    return html.unescape(page.split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0])


def approved(app: Flask, author: HouseClient, path: str, code: str = "GAP-1") -> str:
    """Put it to review and approve it as another person; return the path of the version."""
    version = path.removesuffix("definition/").rstrip("/")
    assert put_to_review(author, path).status_code == 303
    data = {"verdict": "approve", "approval_code": code, "confirmed": "yes"}
    answer = signed_in(app, "reviewer").submit(version, f"{version}/review", data)
    assert answer.status_code == 303, answer.text
    return version


def asked(app: Flask, *words: str) -> tuple[int, Any]:
    found = app.test_cli_runner().invoke(args=["calculators", *words, "--json"])
    return found.exit_code, json.loads(found.stdout)


def test_what_begins_from_nothing_computes_and_only_its_words_are_missing() -> None:
    text = skeleton.skeleton("anion_gap", "Anion gap", "A purpose.", on=datetime.date(2026, 11, 22))
    found = lint(text)
    assert {finding.rule for finding in found} == {Rule.UNFINISHED}
    assert {finding.place.split(".")[0] for finding in found} == {
        "inputs",
        "formula_text",
        "worked_example",
        "use_when",
        "not_for",
        "pitfalls",
        "references",
        "vectors",
    }


def test_a_new_calculator_from_nothing_to_the_doctor_and_back(demo_app: Flask) -> None:
    author = signed_in(demo_app, "marketer")
    path = begun(author)
    refused = put_to_review(author, path)
    assert refused.status_code == 422
    assert "still to be written" in refused.text
    assert author.submit(path, path, {"definition": finished(text_of(author, path))}).status_code == 303
    doctor = HouseClient(demo_app)
    press(doctor, new_link(demo_app)[1])
    assert doctor.get("/m/anion-gap").status_code == 404
    assert asked(demo_app, "eval", "anion_gap", "--inputs", "{}")[0] == 2

    version = approved(demo_app, author, path)
    page = doctor.get("/m/anion-gap").text
    assert "Approval code GAP-1" in page
    assert "GAP-1" in doctor.get("/m/calculators").text or "Anion gap" in doctor.get("/m/calculators").text
    values = '{"sodium": 145, "chloride": 100, "bicarbonate": 20}'
    code, given = asked(demo_app, "eval", "anion_gap", "--inputs", values)
    assert (code, given["value"], given["band"], given["version"]) == (0, 25, "raised", "1.0")
    _, entries = asked(demo_app, "list")
    assert {"GAP-1"} == {entry["approval_code"] for entry in entries if entry["name"] == "anion_gap"}
    assert len(entries) == 31
    with demo_app.extensions["portal.database"].reading() as db:
        site = site_by_key(db, GIVEN["site"])
        assert site is not None
        offered = offer(db, site, clock.now())
        assert ("anion_gap", "Anion gap") in offered.of(Of.CALCULATOR)
        assert offered.bands["anion_gap"] == (("usual", "Up to 12 (usual)"), ("raised", "Above 12 (raised)"))

    assert author.submit(f"{version}/withdraw", f"{version}/withdraw", {"reason": "Wrong limit."}).status_code == 303
    assert doctor.get("/m/anion-gap").status_code == 404
    code, given = asked(demo_app, "eval", "anion_gap", "--inputs", values)
    assert (code, given["error"]) == (
        2,
        "The calculator anion_gap, version 1.0, is withdrawn: Wrong limit (atorvastatin-us-en).",
    )
    assert len(asked(demo_app, "list")[1]) == 30


def test_a_failing_known_answer_or_none_at_all_bars_review(author: HouseClient) -> None:
    path = begun(author)
    text = text_of(author, path)
    wrong = finished(text, vectors=[{**json.loads(finished(text))["vectors"][0], "expected": {"gap": 13}}])
    for definition, said in ((wrong, "gap should be 13"), (finished(text, vectors=[]), "there is no known answer")):
        assert author.submit(path, path, {"definition": definition}).status_code == 303
        assert said in author.get(path).text.replace("&#39;", "'")
        refused = put_to_review(author, path)
        assert refused.status_code == 422
        assert said in refused.text


REFUSED: tuple[tuple[dict[str, str], str], ...] = (
    ({"key": ""}, "A key has 1 to 60"),
    ({"key": "Anion Gap"}, "A key has 1 to 60"),
    ({"key": "saved"}, "taken by a page"),
    ({"key": "2-steps"}, "begins with a letter"),
    ({"key": "x" * 60}, "at most 40"),
    ({"key": "calc-ldl-friedewald"}, "already"),
    ({"key": "ldl-friedewald"}, "already"),
    ({"key": "bmi"}, "copy it"),
    ({"key": "frax"}, "not offered"),
    ({"title": " "}, "title"),
    ({"title": "x" * 200}, "title"),
    ({"purpose": ""}, "purpose"),
    ({"topic": "nonsense"}, "topic"),
    ({"pattern": "shipped:frax"}, "copied from"),
    ({"pattern": "version:1"}, "copied from"),
    ({"pattern": "nonsense"}, "copied from"),
)


def test_what_cannot_begin_is_refused_in_words_and_leaves_nothing(author: HouseClient) -> None:
    before = author.get("/staff/content/").text.count("<tr>")
    for changes, said in REFUSED:
        answer = author.submit(NEW, NEW, GIVEN | changes)
        assert (answer.status_code, said in answer.text) == (422, True), (changes, answer.text)
    assert author.get("/staff/content/").text.count("<tr>") == before


def test_a_shipped_calculator_is_put_on_a_site_unchanged(sqlite_demo_app: Flask, author: HouseClient) -> None:
    path = begun(author, key="fib4", title="FIB-4", pattern="shipped:fib4")
    assert "Sound" in author.get(path).text
    approved(sqlite_demo_app, author, path)
    values = {"age_years": 60, "ast_u_l": 40, "alt_u_l": 40, "platelets_1e9_l": 200}
    code, given = asked(sqlite_demo_app, "eval", "fib4", "--inputs", json.dumps(values), "--site", GIVEN["site"])
    assert (code, given["value"]) == (0, 1.9)
    assert len(asked(sqlite_demo_app, "list", "--site", GIVEN["site"])[1]) == 6


def test_a_copy_is_a_calculator_of_its_own(sqlite_demo_app: Flask, author: HouseClient) -> None:
    path = begun(author, key="calc-my-index", title="My index", pattern="shipped:fib4")
    written = json.loads(text_of(author, path))
    assert (written["name"], written["title"], written["version"]) == ("my_index", "My index", "1.0")
    assert written["approval_code"] == "{approval_code}"
    approved(sqlite_demo_app, author, path, code='A "quoted" \\ code')
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        assert library(db, clock.now()).approval_code("my_index") == 'A "quoted" \\ code'


def test_a_calculator_withdrawn_from_the_site_is_not_computed_though_it_ships(sqlite_demo_app: Flask) -> None:
    values = '{"total_chol_mg_dl": 200, "hdl_mg_dl": 50, "triglycerides_mg_dl": 100}'
    assert asked(sqlite_demo_app, "eval", "ldl_friedewald", "--inputs", values)[0] == 0
    version = versions(sqlite_demo_app)[0][0]
    author = signed_in(sqlite_demo_app, "marketer")
    page = f"/staff/content/versions/{version}/withdraw"
    assert author.submit(page, page, {"reason": "Found wrong"}).status_code == 303
    code, given = asked(sqlite_demo_app, "eval", "ldl_friedewald", "--inputs", values)
    assert code == 2
    assert "withdrawn: Found wrong" in given["error"]
    assert asked(sqlite_demo_app, "eval", "ldl_friedewald", "--inputs", values, "--shipped")[0] == 0


def test_a_calculator_keeps_its_name_and_no_other_takes_it(sqlite_demo_app: Flask, author: HouseClient) -> None:
    path = begun(author)
    text = finished(text_of(author, path))
    for name, said in (
        ("ldl_friedewald", "on this site already"),
        ("frax", "not offered"),
        ("bmi", "another definition"),
    ):
        renamed = json.dumps(json.loads(text) | {"name": name})
        assert author.submit(path, path, {"definition": renamed}).status_code == 303
        refused = put_to_review(author, path)
        assert refused.status_code == 422
        assert said in refused.text
    assert author.submit(path, path, {"definition": text}).status_code == 303
    version = approved(sqlite_demo_app, author, path)
    answer = author.submit(version, f"{version}/next")
    following = str(answer.headers["Location"]).removesuffix("/edit") + "/definition/"
    renamed = json.dumps(json.loads(text) | {"name": "gap", "version": "2.0"})
    assert author.submit(following, following, {"definition": renamed}).status_code == 303
    assert "records use that name" in put_to_review(author, following).text


def test_parts_are_added_to_what_stands_in_the_form_and_kept_by_nobody(author: HouseClient) -> None:
    path = begun(author)
    before = text_of(author, path)
    allowed = {Rule.UNFINISHED, Rule.UNUSED, Rule.UNREACHABLE, Rule.VECTOR, Rule.GAP}
    for part in skeleton.PARTS:
        answer = author.submit(path, path + "add", {"definition": before, "part": part})
        assert answer.status_code == 200
        given = in_textarea(answer.text)
        assert len(given) > len(before)
        assert {finding.rule for finding in lint(given)} <= allowed
    assert text_of(author, path) == before
    for definition, part in (("{", "step"), ("[]", "step"), ("{}", "band"), ('{"inputs": 1}', "number"), ("{}", "x")):
        assert author.submit(path, path + "add", {"definition": definition, "part": part}).status_code in (200, 422)


def test_a_draft_whose_example_has_no_result_is_still_shown(author: HouseClient) -> None:
    path = begun(author)
    broken = json.loads(text_of(author, path)) | {"worked_example": {"title": "No", "inputs": {}, "result": {}}}
    assert author.submit(path, path, {"definition": json.dumps(broken)}).status_code == 303
    assert author.get(path).status_code == 200
    assert author.get(path.removesuffix("definition/") + "preview").status_code == 200


def test_only_those_who_write_content_begin_a_calculator(sqlite_demo_app: Flask) -> None:
    reviewer = signed_in(sqlite_demo_app, "reviewer")
    assert reviewer.get(NEW).status_code == 403
    assert "New calculator" not in reviewer.get("/staff/content/").text
