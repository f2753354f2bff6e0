"""A question on the doctor's page: asked where it may be, answered by a press, changed, known to rules and reps."""

import json
import re

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import clock
from portal.audit import Actor
from portal.content import actions as content
from portal.content.beginnings import begin_module
from portal.content.queries import modules_in_force
from portal.content.questions import typed, with_answers
from portal.db import new_id
from portal.microsite import notes
from portal.microsite.fragments import renderer
from portal.microsite.models import StoredArrangement
from portal.microsite.press import Press
from portal.microsite.replay import page_bytes
from portal.reports.activity import activity_of
from portal.reports.timeline import moments
from portal.tracking.models import DailyDwell, Interaction
from portal.tracking.queries import module_history
from portal.web.assets import static_url
from tests.access.test_door import press
from tests.client import HouseClient
from tests.microsite.doctors import Doctor, bare, go_live

KEY = "next-topic"
TITLE = "Which topic would help you most next time?"
PAGE = f"/m/{KEY}"
TOLD = select(Interaction.type, Interaction.subject, Interaction.value, Interaction.hcp_id)


@pytest.fixture
def doctor(demo_app: Flask) -> Doctor:
    return with_question(Doctor(demo_app))


def with_question(doctor: Doctor) -> Doctor:
    """Put a question on the site of a doctor, by two people."""
    author = Actor.staff(new_id())
    with doctor.database.writing() as db:
        words = {"kind": "question", "key": KEY, "title": TITLE, "summary": "", "body": ""}
        answers = "dosing: Dosing\nsafety: Safety\nlipids: The <lipids> & more"
        version = begin_module(db, doctor.site_id, **words, answers=answers, by=author, at=clock.now())
    approve(doctor, version, author)
    return doctor


def approve(doctor: Doctor, version: str, author: Actor) -> None:
    with doctor.database.writing() as db:
        at = clock.now()
        content.submit(db, version, by=author, at=at)
        code = f"Q-{version[:8]}"
        render = renderer(Press(static_url))
        content.approve(db, version, approval_code=code, render=render, by=Actor.staff(new_id()), at=at)


def replaced(doctor: Doctor, answers: str) -> None:
    """Bring the next version of the question into force, with other answers."""
    author = Actor.staff(new_id())
    with doctor.database.writing() as db:
        module = next(each for each in modules_in_force(db, doctor.site_id, clock.now()) if each.key == KEY).module_id
        said = content.ModuleContent(title=TITLE, body="", source=with_answers({}, typed(answers)))
        version = content.draft(db, module, said, by=author, at=clock.now())
    approve(doctor, version, author)


def answered(client: HouseClient, answer: str, page: str | None = None) -> TestResponse:
    """Press the button under the question with one answer chosen, as the page's own form sends it."""
    html = page if page is not None else client.get(PAGE).text
    view = re.search(r'name="view" value="([^"]*)"', html)
    assert view
    return client.post("/m/choices", data={"view": view[1], "choice": f"answer:{KEY}", "answer": answer})


def facts(doctor: Doctor) -> tuple[str, ...]:
    with doctor.database.reading() as db:
        known = module_history(db, doctor.id, doctor.site_id).get(KEY)
        return known.answers if known else ()


def test_an_answer_is_recorded_known_to_rules_and_can_be_changed(doctor: Doctor) -> None:
    page = doctor.get(PAGE)
    assert f'<legend class="label"><span class="visually-hidden">{TITLE}: </span>' in page
    assert page.count('type="radio" form="choices" name="answer"') == 3
    assert "The &lt;lipids&gt; &amp; more" in page
    assert " checked" not in page
    answer = answered(doctor.client, "dosing")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?noted=answered#question")
    page = doctor.get(f"{PAGE}?noted=answered")
    assert "Thank you. You can change your answer" in page
    assert 'value="dosing" checked' in page
    assert facts(doctor) == ("dosing",)
    answered(doctor.client, "safety")
    assert facts(doctor) == ("safety",)
    assert 'value="safety" checked' in doctor.get(PAGE)
    assert doctor.rows(TOLD.order_by(Interaction.at, Interaction.no)) == [
        ("question.answered", KEY, "dosing", doctor.id),
        ("question.answered", KEY, "safety", doctor.id),
    ]


def test_the_answer_is_told_to_the_rep_in_words_and_printed_as_stored(demo_app: Flask, doctor: Doctor) -> None:
    answered(doctor.client, "lipids")
    with doctor.database.reading() as db:
        done = activity_of(db, doctor.id, at=clock.now())
    told = [moment.title for moment in moments(done, senders={}, at=clock.now())]
    assert f"Answered “The <lipids> & more” to “{TITLE}”" in told
    shown = demo_app.test_cli_runner().invoke(args=["tracking", "show", "--hcp", "H-1001", "--json"])
    events = [(each["type"], each["subject"], each["value"]) for each in json.loads(shown.stdout)["events"]]
    assert ("question.answered", KEY, "lipids") in events


def test_a_rule_over_the_answer_changes_the_order(doctor: Doctor) -> None:
    rule = {
        "id": "asked-for-safety",
        "name": "Asked for safety",
        "when": {"fact": "module_answers", "of": KEY, "op": "contains", "value": "safety"},
        "then": {"do": "pin", "target": {"modules": ["contraindications"]}, "place": 1},
        "because": "You said that safety would help you most.",
    }
    go_live(doctor, rule)
    answered(doctor.client, "dosing")
    assert doctor.order()[0] != "contraindications"
    answered(doctor.client, "safety")
    assert doctor.order()[0] == "contraindications"
    assert "You said that safety would help you most." in doctor.get()
    answered(doctor.client, "dosing")
    assert doctor.order()[0] != "contraindications"


def test_what_was_asked_is_replayed_byte_for_byte_after_the_question_changed(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(doctor.client, "dosing")
    before = {row[0] for row in doctor.rows(select(StoredArrangement.id))}
    html = doctor.get(PAGE)
    (served,) = {row[0] for row in doctor.rows(select(StoredArrangement.id))} - before
    assert 'value="dosing" checked' in html
    replaced(doctor, "renal: Renal function\nnone: Nothing")
    monkeypatch.setattr(notes, "question", lambda *_args, **_more: "changed")
    with doctor.database.reading() as db:
        page = page_bytes(db, served)
    assert page is not None
    assert page.matches
    assert page.html.decode() == html


def test_only_answers_of_the_version_that_was_served_are_taken(doctor: Doctor) -> None:
    page = doctor.get(PAGE)
    for answer, said in (("", "unanswered"), ("renal", "again"), ("x" * 300, "again"), ("dosing\n", "again")):
        assert answered(doctor.client, answer, page).location == f"{PAGE}?noted={said}#question"
    assert 'role="alert">Choose one' in doctor.get(f"{PAGE}?noted=unanswered")
    replaced(doctor, "dosing: Something else by now\nnone: Nothing")
    assert "noted=again" in answered(doctor.client, "dosing", page).location
    assert doctor.rows(TOLD) == []
    assert "noted=answered" in answered(doctor.client, "dosing").location
    refused = doctor.client.post("/m/choices", data={"choice": "answer:warnings", "answer": "dosing"})
    assert refused.status_code == 400
    assert doctor.client.get(f"{PAGE}/leaflet").status_code == 404
    assert f'href="{PAGE}/leaflet"' not in doctor.get(PAGE)


def test_without_consent_to_be_measured_nothing_is_asked_or_kept(doctor: Doctor) -> None:
    before = doctor.get(PAGE)
    doctor.decide(tracking="none")
    page = doctor.get(PAGE)
    assert "Send my answer" not in page
    assert "No answer is taken here" in page
    assert "noted=again" in answered(doctor.client, "dosing", page).location
    answered(doctor.client, "dosing", before)
    assert facts(doctor) == ()
    assert doctor.rows(select(DailyDwell.answers).where(DailyDwell.module_key == KEY, DailyDwell.hcp_id != "")) == []


def test_counted_without_a_name_or_unknown_it_feeds_no_profile(demo_app: Flask, doctor: Doctor) -> None:
    answered(doctor.client, "dosing")
    stranger = HouseClient(demo_app)
    assert press(stranger, doctor.path).status_code == 303
    page = stranger.get(PAGE).text
    assert " checked" not in page
    assert "not known as yours yet" in page
    assert "noted=answered" in answered(stranger, "safety").location
    assert facts(doctor) == ("dosing",)
    doctor.decide(tracking="anonymous")
    page = doctor.get(PAGE)
    assert "counted without your name" in page
    answered(doctor.client, "lipids", page)
    nameless = [row[2] for row in doctor.rows(TOLD) if row[3] is None]
    assert nameless == ["lipids"]
    assert facts(doctor) == ("dosing",)


def test_without_consent_to_profiling_the_page_does_not_know_the_answer(doctor: Doctor) -> None:
    blank = bare(doctor.get(PAGE))
    answered(doctor.client, "dosing")
    doctor.decide(profiling="refused")
    page = doctor.get(PAGE)
    assert " checked" not in page
    assert 'name="answer"' in blank
    answered(doctor.client, "safety", page)
    assert " checked" not in doctor.get(PAGE)
    assert facts(doctor) == ("dosing",)


def test_a_page_left_open_takes_nothing_that_is_no_longer_agreed_to(doctor: Doctor) -> None:
    page = doctor.get(PAGE)
    doctor.decide(profiling="refused")
    assert "noted=answered" in answered(doctor.client, "dosing", page).location
    assert facts(doctor) == ()
    view = page.split('name="view" value="')[1].split('"')[0]
    for tracking in ("anonymous", "none"):
        doctor.decide(tracking=tracking)
        assert "noted=again" in answered(doctor.client, "safety", page).location
        doctor.client.post("/m/choices", data={"view": view, "choice": f"yes:{KEY}"})
    assert [row[2] for row in doctor.rows(TOLD)] == ["dosing"]
