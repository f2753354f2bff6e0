"""The bare address and every error name a way on; a token in the address is never part of it."""

import pytest
from flask import Flask

from tests.client import HouseClient
from tests.microsite.doctors import Doctor


def test_the_bare_address_names_the_way_of_each(sqlite_demo_app: Flask) -> None:
    answer = HouseClient(sqlite_demo_app).get("/")
    assert answer.status_code == 200
    assert 'href="/v/lost"' in answer.text
    assert 'href="/staff/"' in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("path", "way"), [("/nothing", "/"), ("/staff/nothing", "/staff/")])
def test_an_error_names_the_way_back_into_its_part_of_the_house(sqlite_demo_app: Flask, path: str, way: str) -> None:
    answer = HouseClient(sqlite_demo_app).get(path)
    assert answer.status_code == 404
    assert f'<p><a href="{way}">' in answer.text


def test_a_doctor_gets_back_from_a_page_that_is_gone(sqlite_demo_app: Flask) -> None:
    answer = Doctor(sqlite_demo_app).client.get("/m/withdrawn-long-ago")
    assert answer.status_code == 404
    assert '<a href="/m/">Back to my page</a>' in answer.text


def test_an_error_behind_a_token_leads_nowhere(sqlite_demo_app: Flask) -> None:
    answer = HouseClient(sqlite_demo_app).raw.put("/v/abc", base_url="http://127.0.0.1:8000")
    assert answer.status_code in (400, 403, 405)
    assert "<a href=" not in answer.text.partition("<main")[2]


def test_the_standard_order_gives_its_reason_once(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    doctor.client.post("/m/privacy", data={"tracking": "identified", "profiling": "refused"})
    assert doctor.get("/m/why").count("nothing about you is used") == 0
    assert "You see the standard order." in doctor.get("/m/why")


def test_a_consent_without_a_named_source_shows_no_empty_brackets(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    doctor.client.post("/m/privacy", data={"tracking": "identified", "profiling": "given"})
    text = doctor.get("/m/privacy")
    assert "your yes of" in text
    assert "()" not in text
