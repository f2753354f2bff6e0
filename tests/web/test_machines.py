"""What machines and strangers are told: ready or not, and the ways in."""

from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy import text

from portal import clock
from portal.audit import Actor, record
from portal.audit.keeping import seal_all
from portal.audit.reading import BackupTaken
from portal.db import Database
from portal.mailing.models import Outbox, Sending
from tests.client import HouseClient


def ready(app: Flask, **after: int) -> tuple[int, dict[str, object]]:
    with time_machine.travel(clock.now() + timedelta(**after), tick=True):
        answer = HouseClient(app).get("/readyz")
    return answer.status_code, answer.get_json()


def test_the_bare_address_says_both_ways_in_and_names_no_product(sqlite_demo_app: Flask) -> None:
    page = HouseClient(sqlite_demo_app).get("/")
    assert page.status_code == 200
    assert 'href="/staff/"' in page.text
    assert 'href="/v/lost"' in page.text
    assert "Set-Cookie" not in page.headers
    for word in ("Lipitor", "atorvastatin", "Karin"):
        assert word not in page.text


def test_a_worker_that_stands_still_is_told_and_stops_no_page(demo_app: Flask) -> None:
    settings, database = demo_app.extensions["portal.settings"], demo_app.extensions["portal.database"]

    def seal() -> None:
        seal_all(database, settings.instance_path, settings.base_url, clock=clock.now, full=True)

    seal()
    assert ready(demo_app) == (200, {"database": True, "migrations": True, "worker": True, "outbox_lag_s": None})
    with database.writing() as db:
        record(db, BackupTaken(sha256="0" * 64, size=0), by=Actor.system("t"), at=clock.now() + timedelta(days=1))
    assert ready(demo_app)[1]["worker"] is True
    code, told = ready(demo_app, days=1, minutes=2)
    assert (code, told["worker"]) == (200, False)
    seal()
    assert ready(demo_app, days=1, minutes=2)[1]["worker"] is True


def test_mail_that_is_overdue_is_told_in_seconds(demo_app: Flask) -> None:
    database: Database = demo_app.extensions["portal.database"]
    settings = demo_app.extensions["portal.settings"]
    demo_app.extensions["portal.settings"] = settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:9"})
    assert ready(demo_app)[1]["outbox_lag_s"] == 0
    with database.writing() as db:
        row = db.execute(text("SELECT site_id, hcp_id, sender_id FROM links")).one()
        due = clock.now() - timedelta(minutes=10)
        common = {"kind": "invitation", "fragments": [], "modules": [], "from_name": "x", "sha256": "0" * 64}
        db.add(
            Sending(id="1" * 32, **row._mapping, **common, message_id="m", state="queued", composed_at=due, due_at=due)
        )
        db.flush()
        db.add(Outbox(sending_id="1" * 32, due_at=due, attempts=0))
    lag = ready(demo_app)[1]["outbox_lag_s"]
    assert isinstance(lag, int)
    assert lag >= 600


def test_without_tables_nothing_is_ready(sqlite_app: Flask) -> None:
    database: Database = sqlite_app.extensions["portal.database"]
    with database.writing() as db:
        db.execute(text("DROP TABLE alembic_version"))
    code, told = ready(sqlite_app)
    assert code == 503
    assert told["migrations"] is False
