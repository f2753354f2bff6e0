"""Staff look at a doctor's page: the very same, inert, counted nowhere. How it is measured is told to all."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.access.models import Visit
from portal.audit.models import AuditEvent
from portal.microsite.models import StoredArrangement
from portal.tracking import method
from portal.tracking.models import PageView
from tests.client import HouseClient
from tests.microsite.doctors import Doctor, publish
from tests.people import sign_in_as

_WRITTEN = (StoredArrangement, PageView, Visit)


def cards(html: str) -> str:
    """The list of cards of a page, from the first to the last."""
    return html[html.index('<div class="module-list">') : html.index('<form id="choices"')]


def staff(app: Flask, role: str = "marketer") -> HouseClient:
    client = HouseClient(app)
    sign_in_as(app, client, role)
    return client


def written(doctor: Doctor) -> list[int]:
    counts = [doctor.rows(select(func.count()).select_from(model))[0][0] for model in _WRITTEN]
    served = select(func.count()).select_from(AuditEvent).where(AuditEvent.name == "page.served")
    return [*counts, doctor.rows(served)[0][0]]


def test_a_preview_is_the_page_the_doctor_gets_and_counts_nothing(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.read("warnings", 9000)
    doctor.choose("dismiss", "clinical-studies")
    page = doctor.again().get()
    marketer = staff(demo_app)
    before = written(doctor)
    answer = marketer.get(f"/staff/preview/{doctor.id}/page")
    assert answer.status_code == 200
    assert cards(answer.text) == cards(page)
    assert "Preview, nothing is counted" in answer.text
    assert "data-view" not in answer.text
    assert "script-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "form-action 'none'" in answer.headers["Content-Security-Policy"]
    frame = marketer.get(f"/staff/preview/{doctor.id}")
    assert "Personal order" in frame.text
    assert "frame-src 'self'" in frame.headers["Content-Security-Policy"]
    assert written(doctor) == before


def test_a_preview_of_the_future_and_of_the_past(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.read("warnings", 9000)
    page = doctor.get()
    publish(doctor, "warnings", hours=2)
    marketer = staff(demo_app, "reviewer")

    def shown(at: str) -> str:
        answer = marketer.get(f"/staff/preview/{doctor.id}/page?at={quote(at)}")
        assert answer.status_code == 200
        return answer.text

    assert "Warnings and precautions (new)" in shown("")
    assert 'href="/m/warnings"' not in cards(shown((clock.now() + timedelta(hours=3)).isoformat()))
    past = marketer.get(f"/staff/preview/{doctor.id}?at={quote((clock.now()).isoformat())}")
    assert "as of" in past.text
    assert re.search(r"Because you spent", shown(clock.now().isoformat()))
    assert re.search(r"Because you spent", page)
    long_ago = marketer.get(f"/staff/preview/{doctor.id}?at=2001-01-01")
    assert "Nothing is served at that moment" in long_ago.text
    assert marketer.get(f"/staff/preview/{doctor.id}/page?at=2001-01-01").status_code == 404
    assert "That is no moment" in marketer.get(f"/staff/preview/{doctor.id}?at=yesterday").text


def test_what_was_forgotten_is_not_in_a_preview_of_the_past(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.read("warnings", 9000)
    assert "Because you spent" in doctor.get()
    at = clock.now()
    doctor.client.post("/m/forget")
    page = staff(demo_app).get(f"/staff/preview/{doctor.id}/page?at={quote(at.isoformat())}").text
    assert "Because you spent" not in page


@pytest.mark.parametrize("role", ["rep", "manager", "compliance", "admin"])
def test_others_may_not_preview(sqlite_demo_app: Flask, role: str) -> None:
    doctor = Doctor(sqlite_demo_app)
    assert staff(sqlite_demo_app, role).get(f"/staff/preview/{doctor.id}").status_code == 403


def test_a_missing_doctor_or_site_is_missing(sqlite_demo_app: Flask) -> None:
    marketer = staff(sqlite_demo_app)
    assert marketer.get("/staff/preview/" + "0" * 32).status_code == 404
    doctor = Doctor(sqlite_demo_app)
    assert marketer.get(f"/staff/preview/{doctor.id}?site=no-such").status_code == 404


def test_how_it_is_measured_is_told_from_the_settings_and_the_registry(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    told = doctor.get("/m/measuring")
    for client in (staff(sqlite_demo_app, "rep"), staff(sqlite_demo_app, "compliance")):
        page = client.get("/staff/measuring").text
        for kind in method.registry():
            for text in (page, told):
                assert f"<code>{kind.name}</code>" in text
                assert f"{kind.days} days" in text
        for limit in method.LIMITS:
            assert limit in unescape(page)
    assert "No signal of a browser proves a person" in told
