"""What a doctor can press on their page, and what becomes of it."""

import pytest
from flask import Flask
from sqlalchemy import select

from portal.tracking.models import DailyDwell, Interaction
from tests.access.test_door import press
from tests.client import HouseClient
from tests.microsite.doctors import Doctor, bare, held, publish


def test_useful_is_recorded_once_with_its_roll_up(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    answer = doctor.choose("yes", "warnings", on="/m/warnings")
    assert answer.status_code == 303
    assert answer.location.endswith("/m/warnings?noted=1#useful")
    assert "Thank you, noted." in doctor.get("/m/warnings?noted=1")
    rows = doctor.rows(select(Interaction.type, Interaction.subject, Interaction.value, Interaction.hcp_id))
    assert rows == [("module.useful", "warnings", "yes", doctor.id)]
    daily = select(DailyDwell.module_key, DailyDwell.useful, DailyDwell.eng_ms, DailyDwell.profiled)
    assert doctor.rows(daily) == [("warnings", True, 0, True)]
    doctor.choose("no", "warnings", on="/m/warnings")
    assert doctor.rows(daily) == [("warnings", False, 0, True)]


def test_a_module_is_saved_and_taken_off_again(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    assert "Saved for later" not in doctor.get()
    doctor.choose("save", "warnings")
    doctor.choose("save", "warnings")
    assert "Saved for later" in doctor.get()
    assert "Warnings and precautions" in doctor.get("/m/saved")
    answer = doctor.choose("unsave", "warnings", on="/m/saved")
    assert answer.location.endswith("/m/saved")
    assert "Nothing yet." in doctor.get("/m/saved")
    types = {row[0] for row in doctor.rows(select(Interaction.type))}
    assert types == {"module.saved", "module.unsaved"}


def test_not_relevant_leaves_the_cards_and_has_a_way_back(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    before = doctor.order()
    doctor.choose("dismiss", "clinical-studies")
    assert "clinical-studies" not in doctor.order()
    page = doctor.get()
    assert "Also available" in page
    assert "You marked it as not relevant" in page
    assert 'value="restore:clinical-studies"' in page
    doctor.get("/m/clinical-studies")  # it can be opened all the same
    doctor.choose("restore", "clinical-studies")
    assert doctor.order() == before
    assert "Also available" not in doctor.get()


def test_every_module_is_on_the_page_or_named_with_a_way_to_it(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    everything = set(doctor.order())
    for key in sorted(everything)[:3]:
        doctor.choose("dismiss", key)
    page = doctor.get()
    assert all(f'href="/m/{key}"' in page for key in everything)


def test_a_device_that_is_not_the_doctors_decides_nothing(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    stranger = HouseClient(sqlite_demo_app)
    assert press(stranger, doctor.path).status_code == 303
    assert 'value="save:' not in stranger.get("/m/").text
    for deed in ("save", "unsave", "dismiss", "restore"):
        assert stranger.post("/m/choices", data={"choice": f"{deed}:warnings"}).status_code == 403
    for path in ("/m/privacy", "/m/interests", "/m/forget"):
        assert stranger.post(path).status_code == 403
    assert "not known as yours" in stranger.get("/m/privacy").text
    assert "Saved for later" not in doctor.get()


@pytest.mark.parametrize("choice", ["", "save", "save:", "save:no-such", "forge:warnings", "yes:hcp-notice"])
def test_an_unknown_choice_is_refused_and_leaves_nothing(sqlite_demo_app: Flask, choice: str) -> None:
    doctor = Doctor(sqlite_demo_app)
    assert doctor.client.post("/m/choices", data={"choice": choice}).status_code in (400, 404)
    assert doctor.rows(select(Interaction.type)) == []


def test_another_visits_view_takes_no_answer(sqlite_demo_app: Flask) -> None:
    one, other = Doctor(sqlite_demo_app), Doctor(sqlite_demo_app, "H-1002")
    page = one.get("/m/warnings")
    view = page.split('name="view" value="')[1].split('"')[0]
    for given in (view, view[:-1], "", "x" * 300):
        other.client.post("/m/choices", data={"view": given, "choice": "yes:warnings"})
    assert other.rows(select(Interaction.type)) == []


def test_a_search_finds_words_of_the_text_and_keeps_none_of_them(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    page = doctor.get("/m/search?q=Rhabdomyolysis%20RENAL")
    assert 'href="/m/warnings"' in page
    assert "rhabdomyolysis renal" not in page.lower()
    assert "Important Safety Information" in page  # mandatory blocks stay
    assert "Nothing found" in doctor.get("/m/search?q=zzzunknown")
    doctor.get("/m/search?q=" + "x" * 5000)
    rows = doctor.rows(select(Interaction.type, Interaction.subject, Interaction.value))
    assert {(row[0], row[1]) for row in rows} == {("search.done", "module")}
    assert all(row[2].isdigit() for row in rows)
    assert not held(doctor, "zzzunknown")


def test_calculators_are_listed(sqlite_demo_app: Flask) -> None:
    page = Doctor(sqlite_demo_app).get("/m/calculators")
    assert page.count('class="module-card"') == 5
    assert 'aria-current="page"' in page


def test_declared_interests_move_their_modules_up(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    answer = doctor.client.post("/m/interests", data={"topic": ["lipids"]})
    assert answer.status_code == 303
    assert doctor.order()[0] == "calc-ldl-friedewald"
    assert doctor.client.post("/m/interests", data={"topic": ["no-such"]}).status_code == 400
    doctor.client.post("/m/interests", data={})
    assert doctor.order()[0] != "calc-ldl-friedewald"


def test_the_order_is_explained_by_points_that_add_up_and_by_what_would_change_it(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.read("warnings", 9000)
    doctor.choose("dismiss", "clinical-studies")
    page = doctor.get("/m/why")
    assert "How it came to" in page
    assert "Without that it would stand in place" in page
    assert "What is left out, and why" in page
    assert "You marked it as not relevant" in page


def test_new_since_the_last_visit_is_marked_for_known_readers_only(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.read("warnings", 6000)
    assert "New since" not in doctor.get()
    publish(doctor, "clinical-studies")
    page = doctor.again().get()
    assert page.count("New since your last visit") == 1
    doctor.decide(profiling="refused")
    assert "New since" not in bare(doctor.get())
