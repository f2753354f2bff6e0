"""Serving: few statements, changes that hold at once in every process, pages that can be replayed for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, select

from portal import clock, create_app
from portal.config import Settings
from portal.content.models import BlockVersion
from portal.content.queries import fragment
from portal.db import Database
from portal.microsite import known, notes, press
from portal.microsite.models import StoredArrangement
from portal.microsite.pieces import fragment_hash
from portal.microsite.replay import page_bytes
from portal.microsite.search import Entry
from portal.microsite.stock import Stock
from portal.tracking import queries as tracking
from tests.microsite.doctors import Doctor, go_live, publish, versions_of, withdraw


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements a database is given meanwhile, counted at the driver: prepared ones pass SQLAlchemy by."""
    seen: list[str] = []

    class Counting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *given: Any, **more: Any) -> Any:
            seen.append(str(query))
            return super().execute(query, *given, **more)

        def executemany(self, query: Any, *given: Any, **more: Any) -> Any:
            seen.append(str(query))
            return super().executemany(query, *given, **more)

    def listen(connection: Any, _record: object, _proxy: object) -> None:
        if isinstance(connection, psycopg.Connection):
            connection.cursor_factory = Counting
        else:
            connection.set_trace_callback(seen.append)

    event.listen(database.engine, "checkout", listen)
    yield seen
    event.remove(database.engine, "checkout", listen)
    database.engine.dispose()


def statements(seen: list[str]) -> list[str]:
    return [each for each in seen if not each.startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "-- "))]


def test_the_personal_page_costs_six_statements_whatever_the_history(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.get()  # the process has met the site
    for round_ in range(3):
        with counted(doctor.database) as seen:
            doctor.get()
        assert len(statements(seen)) == 6, statements(seen)
        for page in ("warnings", "adverse-reactions", "calc-ckd-epi-2021-cr")[: round_ + 1]:
            doctor.read(page, 6000)
        doctor.choose("save", "warnings")
        doctor.again()


def test_what_is_known_is_what_the_single_questions_say(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.read("warnings", 9000)
    doctor.read("interactions", 6000)
    doctor.choose("yes", "warnings", on="/m/warnings")
    doctor.choose("dismiss", "clinical-studies")
    at = clock.now() + timedelta(days=3)
    with doctor.database.reading() as db:
        all_known = known.of(db, doctor.id, doctor.site_id, before=at, at=at)
        assert all_known is not None
        found = all_known.history(30)
        assert found.modules == tracking.module_history(db, doctor.id, doctor.site_id)
        assert found.interest == tracking.profile(db, doctor.id, doctor.site_id, at=at, half_life_days=30)
        assert found.calculators == tracking.calculator_history(db, doctor.id, doctor.site_id)
        assert list(found.not_relevant) == tracking.not_relevant(db, doctor.id, doctor.site_id)
        visits = tracking.visits_of(db, doctor.id, doctor.site_id, before=at)
        assert (found.visits, found.last_visit_at) == (visits.count, visits.last_at)
        assert found.visits == 1
        assert found.modules["warnings"].useful is True


@pytest.fixture
def two_processes(demo_app: Flask, settings: Settings, demo_database: Database) -> Iterator[tuple[Flask, Flask]]:
    """The application twice, as two workers have it: one database, no common memory."""
    url = demo_database.url.render_as_string(hide_password=False)
    other = create_app(settings.model_copy(update={"database_url": url}))
    other.testing = True
    yield demo_app, other
    other.extensions["portal.database"].close()


def test_withdrawal_approval_and_expiry_hold_at_the_next_request_of_every_process(
    two_processes: tuple[Flask, Flask],
) -> None:
    here, there = (Doctor(app) for app in two_processes)
    for doctor in (here, there):
        assert "clinical-studies" in doctor.order()
    withdraw(here, versions_of(here, "clinical-studies")[0])
    for doctor in (here, there):
        assert "clinical-studies" not in doctor.order()
        assert doctor.client.get("/m/clinical-studies").status_code == 404
        assert 'href="/m/clinical-studies"' not in doctor.get("/m/search?q=clinical")
    publish(here, "warnings")
    for doctor in (here, there):
        assert "Warnings and precautions (new)" in doctor.get()


def test_a_site_without_a_mandatory_block_serves_nothing_from_the_next_request_on(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.get()
    block = doctor.rows(select(BlockVersion.id).where(BlockVersion.title.like("%Safety%")))[0][0]
    withdraw(doctor, block)
    for path in ("/m/", "/m/warnings", "/m/search?q=a", "/m/saved", "/m/why", "/m/privacy"):
        assert doctor.client.get(path).status_code == 503


def test_a_version_ends_by_the_clock_alone(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    publish(doctor, "warnings", hours=2)
    for minutes, is_there in ((0, True), (119, True), (121, False)):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=True):
            assert ("warnings" in doctor.order()) is is_there


def test_new_rules_decide_the_next_page_of_every_process(two_processes: tuple[Flask, Flask]) -> None:
    doctors = [Doctor(app) for app in two_processes]
    assert all(doctor.order()[0] != "calc-ldl-friedewald" for doctor in doctors)
    pin_first(doctors[0], "calc-ldl-friedewald")
    assert all(doctor.order()[0] == "calc-ldl-friedewald" for doctor in doctors)


def pin_first(doctor: Doctor, module: str) -> None:
    """Release a rule set that pins a module to the first place."""
    rule = {
        "id": "pinned",
        "name": "Pinned",
        "when": {"all": []},
        "then": {"do": "pin", "target": {"modules": [module]}, "place": 1},
        "because": "Placed first.",
    }
    go_live(doctor, rule)


def test_every_page_is_replayed_byte_for_byte_after_modules_rules_and_templates_changed(
    demo_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = Doctor(demo_app)
    doctor.read("warnings", 9000)
    doctor.choose("dismiss", "clinical-studies")
    doctor.choose("save", "warnings")
    paths = ("/m/", "/m/warnings", "/m/search?q=renal", "/m/saved", "/m/calculators", "/m/info/pi")
    served: dict[str, str] = {}
    for path in paths:
        known_ids = {row[0] for row in doctor.rows(select(StoredArrangement.id))}
        html = doctor.get(path)
        fresh = {row[0] for row in doctor.rows(select(StoredArrangement.id))} - known_ids
        assert len(fresh) == 1
        served[fresh.pop()] = html

    publish(doctor, "warnings")
    withdraw(doctor, versions_of(doctor, "interactions")[0])
    pin_first(doctor, "calc-ldl-friedewald")
    monkeypatch.setattr(notes, "reason", lambda *_: "changed")
    monkeypatch.setattr(press.Press, "print", lambda *_args, **_more: "changed")
    with doctor.database.reading() as db:
        for arrangement_id, html in served.items():
            page = page_bytes(db, arrangement_id)
            assert page is not None
            assert page.matches
            assert page.html.decode() == html


def test_a_fragment_is_taken_as_stored_only_after_the_commit(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    database = doctor.database
    stock = Stock()
    lost = database.session(writing=True)
    digest = fragment_hash("<p>lost</p>")
    stock.store(lost, {digest: "<p>lost</p>"}, clock.now())
    lost.rollback()
    lost.close()
    with database.writing() as db:
        stock.store(db, {digest: "<p>lost</p>"}, clock.now())
    with database.reading() as db:
        assert fragment(db, digest) == "<p>lost</p>"
    with counted(database) as seen, database.writing() as db:
        stock.store(db, {digest: "<p>lost</p>"}, clock.now())
    assert statements(seen) == []


def test_how_well_words_are_met() -> None:
    entry = Entry.of(title="Renal dosing", sections=["Adults"], summary="", body="<p>Müller&amp;Co</p>")
    assert entry.score(["renal"]) > entry.score(["ren"]) > entry.score(["muller"]) > 0
    assert entry.score(["renal", "children"]) == 0
    assert entry.score(["p"]) == 0
