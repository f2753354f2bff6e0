"""A calculator written in the studio: checked while it is written, never approved while it is wrong."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.calculators import registry
from portal.content.models import Module, ModuleVersion
from portal.staff.demo_logins import DEMO_PHRASE
from tests.access.test_door import new_link, press
from tests.client import HouseClient

KEY = "calc-ldl-friedewald"


def signed_in(app: Flask, who: str) -> HouseClient:
    client = HouseClient(app)
    answer = client.post("/staff/sign-in", data={"email": f"{who}@portal.example", "password": DEMO_PHRASE})
    assert answer.status_code == 303
    return client


def versions(app: Flask) -> list[tuple[str, str]]:
    """(id, state) of every version of the calculator's module, oldest first."""
    with app.extensions["portal.database"].reading() as db:
        rows = db.execute(
            select(ModuleVersion.id, ModuleVersion.state)
            .join(Module, Module.id == ModuleVersion.module_id)
            .where(Module.key == KEY)
            .order_by(ModuleVersion.number)
        )
        return [(row.id, row.state) for row in rows]


def definition(**changed: Any) -> str:
    return json.dumps({**json.loads(registry.source("ldl_friedewald")), **changed}, indent=1)


@pytest.fixture
def draft(demo_app: Flask) -> tuple[HouseClient, str]:
    """A marketer with a draft of the next version, and the path of its definition."""
    author = signed_in(demo_app, "marketer")
    first = versions(demo_app)[0][0]
    answer = author.submit(f"/staff/content/versions/{first}", f"/staff/content/versions/{first}/next")
    assert answer.status_code == 303, answer.text
    return author, f"/staff/content/versions/{versions(demo_app)[-1][0]}/definition/"


def put_to_review(author: HouseClient, path: str) -> Any:
    version = path.removesuffix("definition/").rstrip("/")
    return author.submit(version, f"{version}/submit")


def test_a_sound_definition_is_said_to_be_sound_and_can_be_tried(draft: tuple[HouseClient, str]) -> None:
    author, path = draft
    page = author.get(path).text
    assert "Sound" in page
    assert "data-definition=" in page


def test_the_check_names_place_and_fault_and_keeps_nothing(demo_app: Flask, draft: tuple[HouseClient, str]) -> None:
    author, path = draft
    wrong = definition(outputs=[{**json.loads(definition())["outputs"][0], "formula": "total_chol_mg_dl / (1 - 1)"}])
    answer = author.submit(path, path + "check", {"definition": wrong})
    assert answer.status_code == 200
    assert "to mend" in answer.text
    assert "total_chol_mg_dl / (1 - 1)" not in author.get(path).text


def test_what_is_wrong_may_be_kept_but_not_put_to_review(draft: tuple[HouseClient, str]) -> None:
    author, path = draft
    wrong = definition(version="2.0").replace("triglycerides_mg_dl / 5", "triglycerides_mg_dl / 6")
    assert wrong != definition(version="2.0")
    assert author.submit(path, path, {"definition": wrong}).status_code == 303
    refused = put_to_review(author, path)
    assert refused.status_code == 422
    assert "not sound" in refused.text


def test_words_without_room_for_the_approval_code_are_refused_before_approval(draft: tuple[HouseClient, str]) -> None:
    author, path = draft
    tight = definition(version="2.0", title="LDL cholesterol " * 6 + "{approval_code}")
    assert author.submit(path, path, {"definition": tight}).status_code == 303
    refused = put_to_review(author, path)
    assert refused.status_code == 422
    assert "title: it is longer than 120 characters" in refused.text


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("allowed", {"from": 130, "up_to": 131}),
        ("allowed", {"from": 1, "up_to": 1.7e308}),
        ("other_units", [{"name": "in_other", "unit": "mmol/L", "times": 1e-300, "decimals": 0}]),
    ],
)
def test_a_range_that_a_unit_cannot_say_is_shown_in_the_other(
    draft: tuple[HouseClient, str], field: str, changed: Any
) -> None:
    author, path = draft
    inputs = json.loads(definition())["inputs"]
    inputs[0] = {**inputs[0], "plausible": None, field: changed}
    assert author.submit(path, path + "check", {"definition": definition(inputs=inputs)}).status_code == 200


def test_a_changed_formula_needs_a_version_of_its_own(demo_app: Flask, draft: tuple[HouseClient, str]) -> None:
    author, path = draft
    changed = definition(purpose="The same version number with other words.")
    assert author.submit(path, path, {"definition": changed}).status_code == 303
    refused = put_to_review(author, path)
    assert refused.status_code == 422
    assert "a changed formula is a new version" in refused.text
    assert versions(demo_app)[-1][1] == "draft"


def test_a_new_version_reaches_the_doctor_after_approval_only(demo_app: Flask, draft: tuple[HouseClient, str]) -> None:
    author, path = draft
    doctor = HouseClient(demo_app)
    press(doctor, new_link(demo_app)[1])
    changed = definition(version="2.0", purpose="A purpose that only version two has.")
    assert author.submit(path, path, {"definition": changed}).status_code == 303
    assert put_to_review(author, path).status_code == 303
    assert "only version two has" not in doctor.get(f"/m/{KEY}").text
    reviewer = signed_in(demo_app, "reviewer")
    version = path.removesuffix("definition/").rstrip("/")
    data = {"verdict": "approve", "approval_code": "DEMO-CALC-2", "confirmed": "yes"}
    approved = reviewer.submit(version, f"{version}/review", data)
    assert approved.status_code == 303, approved.text
    assert "only version two has" in doctor.get(f"/m/{KEY}").text


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"name": 1}', "x" * 300_000, '{"name": "a"}'])
def test_what_is_no_definition_is_refused_in_words(draft: tuple[HouseClient, str], text: str) -> None:
    author, path = draft
    assert author.submit(path, path + "check", {"definition": text}).status_code == 200
    assert author.submit(path, path, {"definition": text}).status_code == 422


def test_a_reviewer_reads_and_does_not_write(demo_app: Flask, draft: tuple[HouseClient, str]) -> None:
    _, path = draft
    reviewer = signed_in(demo_app, "reviewer")
    assert "readonly" in reviewer.get(path).text
    page = reviewer.get("/staff/sessions").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    assert reviewer.post(path, data={"csrf_token": token, "definition": definition()}).status_code == 403


def test_what_is_no_calculator_has_no_definition(demo_app: Flask) -> None:
    author = signed_in(demo_app, "marketer")
    assert author.get(f"/staff/content/versions/{'f' * 32}/definition/").status_code == 404
    assert author.get("/staff/content/versions/1/definition/").status_code == 404
