"""Setting up twice at once: one does it, the other waits, and both end well."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from portal.cli import speak_plainly
from portal.content.models import Site
from portal.db import Database, session
from portal.staff.models import User


def test_the_demo_put_in_twice_at_once_is_there_once(app: Flask) -> None:
    def seed(_: int) -> int:
        return app.test_cli_runner().invoke(args=["demo", "seed"]).exit_code

    with ThreadPoolExecutor(2) as both:
        assert list(both.map(seed, range(2))) == [0, 0]
    with app.extensions["portal.database"].reading() as db:
        assert db.scalar(select(func.count()).select_from(Site)) == 1
        assert db.scalar(select(func.count()).select_from(User)) == 7


def test_a_command_that_sets_up_waits_for_minutes_and_others_do_not(sqlite_app: Flask) -> None:
    database: Database = sqlite_app.extensions["portal.database"]
    with database.reading() as db:
        assert db.scalar(text("PRAGMA busy_timeout")) == 10_000
    assert sqlite_app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    with database.reading() as db:
        assert db.scalar(text("PRAGMA busy_timeout")) == 300_000


def test_a_database_that_is_locked_gets_a_sentence(sqlite_demo_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_BUSY_MS", 1)
    database: Database = sqlite_demo_app.extensions["portal.database"]
    speak_plainly(sqlite_demo_app.cli)
    short = Database(database.url.render_as_string(hide_password=False))
    monkeypatch.setitem(sqlite_demo_app.extensions, "portal.database", short)
    with database.writing() as db:
        db.execute(text("UPDATE hcps SET title = title"))
        issue = ("links", "issue", "--hcp", "H-1001", "--site", "atorvastatin-us-en")
        done = sqlite_demo_app.test_cli_runner().invoke(args=issue)
    short.close()
    assert done.exit_code == 1, done.exception
    assert "database is locked" in done.output
