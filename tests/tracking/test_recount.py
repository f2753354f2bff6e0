"""The daily roll-up is what the page views add up to; what is not is found, named and mended."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from portal.audit.models import AuditEvent
from portal.tracking.models import DailyDwell, PageView
from tests.microsite.doctors import Doctor


def reports(app: Flask, what: str) -> tuple[int, dict[str, Any]]:
    done = app.test_cli_runner().invoke(args=["reports", what, "--json"])
    return done.exit_code, json.loads(done.output)


def change(doctor: Doctor, *statements: Any) -> None:
    with doctor.database.writing() as db:
        for statement in statements:
            db.execute(statement)


def rows(doctor: Doctor) -> list[Any]:
    d = DailyDwell
    kept = select(d.hcp_id, d.module_key, d.day, d.profiled, d.eng_ms, d.reads, d.skips, d.completed, d.downloads)
    return sorted(map(tuple, doctor.rows(kept.where(d.eng_ms + d.reads + d.skips > 0))))


@pytest.fixture
def doctor(demo_app: Flask) -> Doctor:
    reader = Doctor(demo_app)
    reader.read("warnings", 8000)
    reader.read("warnings", 3000)
    reader.read("dosing", 2000)
    reader.choose("yes", "dosing", on="/m/dosing")
    return reader


def test_what_was_read_adds_up(demo_app: Flask, doctor: Doctor) -> None:
    before = rows(doctor)
    assert before
    assert reports(demo_app, "check") == (0, {"holds": True, "differences": []})
    assert reports(demo_app, "rebuild") == (0, {"mended": []})
    assert rows(doctor) == before


def test_forgotten_reading_adds_up_without_a_name(demo_app: Flask, doctor: Doctor) -> None:
    doctor.client.post("/m/forget")
    assert {row[0] for row in rows(doctor)} == {""}
    assert reports(demo_app, "check")[0] == 0


def test_every_kind_of_difference_is_found_and_mended(demo_app: Flask, doctor: Doctor) -> None:
    before = rows(doctor)
    warnings = update(DailyDwell).where(DailyDwell.module_key == "warnings")
    for wrong in (
        warnings.values(eng_ms=DailyDwell.eng_ms + 1),
        warnings.values(reads=0),
        warnings.values(completed=True, skips=7),
        warnings.values(day="2020-02-29"),
        delete(DailyDwell).where(DailyDwell.module_key == "dosing"),
        warnings.values(module_key="nothing-like-it"),
    ):
        change(doctor, wrong)
        code, told = reports(demo_app, "check")
        assert code == 1, wrong
        assert told["differences"][0]["hcp"] == "H-1001"
        assert reports(demo_app, "rebuild")[1]["mended"] == told["differences"]
        assert reports(demo_app, "check")[0] == 0, wrong
        assert rows(doctor) == before, wrong
    rebuilt = doctor.rows(select(AuditEvent.id).where(AuditEvent.name == "reports.rebuilt"))
    assert len(rebuilt) == 6


def test_reading_over_midnight_may_stand_on_either_day(demo_app: Flask, doctor: Doctor) -> None:
    [(day, eng_ms)] = set(
        doctor.rows(select(DailyDwell.day, DailyDwell.eng_ms).where(DailyDwell.module_key == "dosing"))
    )
    [(view, opened)] = doctor.rows(
        select(PageView.id, PageView.opened_at).where(PageView.page == "dosing", PageView.confirmed.is_(True))
    )
    eve = (opened - timedelta(days=1)).date().isoformat()
    dosing = update(DailyDwell).where(DailyDwell.module_key == "dosing")
    change(doctor, update(PageView).where(PageView.id == view).values(opened_at=opened - timedelta(days=1)))
    assert reports(demo_app, "check")[0] == 0
    change(doctor, dosing.values(day=eve))
    assert reports(demo_app, "check")[0] == 0
    change(doctor, dosing.values(eng_ms=eng_ms - 1))
    assert reports(demo_app, "check")[0] == 1
    assert day != eve
