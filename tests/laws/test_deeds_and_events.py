"""L15 and L19: no deed without its event, no page without its record, no moment without a zone."""

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from portal import clock
from portal.access.actions import revoke_link
from portal.access.models import Link
from portal.audit import Actor
from portal.db import Database
from portal.hcp.actions import revoke_access
from portal.hcp.models import Hcp
from portal.microsite.models import StoredArrangement
from portal.tracking.models import PageView
from tests.microsite.doctors import Doctor


def shut_the_log(database: Database) -> None:
    """Let the database refuse every new audit event."""
    if database.is_sqlite:
        statements = [
            "CREATE TRIGGER shut BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'the log is shut'); END"
        ]
    else:
        statements = ["CREATE TRIGGER shut BEFORE INSERT ON audit_events EXECUTE FUNCTION refuse_change()"]
    with database.writing() as db:
        for statement in statements:
            db.execute(text(statement))


def test_a_deed_whose_event_cannot_be_written_does_not_happen(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    with doctor.database.reading() as db:
        links = db.scalar(select(func.count()).select_from(Link))
    shut_the_log(doctor.database)
    by, at = Actor.system("t"), clock.now()
    with pytest.raises(Exception, match=r"log is shut|append-only"), doctor.database.writing() as db:
        revoke_link(db, doctor.link_id, reason="lost", by=by, at=at)
    with pytest.raises(Exception, match=r"log is shut|append-only"), doctor.database.writing() as db:
        revoke_access(db, doctor.id, reason="lost", by=by, at=at)
    issued = ("links", "issue", "--hcp", "H-1001", "--site", "atorvastatin-us-en")
    assert demo_app.test_cli_runner().invoke(args=issued).exit_code == 1
    assert doctor.client.post("/m/forget").status_code == 500
    with doctor.database.reading() as db:
        assert db.get_one(Link, doctor.link_id).revoked_at is None
        assert db.get_one(Hcp, doctor.id).access_revoked_at is None
        assert db.scalar(select(func.count()).select_from(Link)) == links


def test_no_page_leaves_without_its_event(demo_app: Flask) -> None:
    doctor = Doctor(demo_app)
    doctor.get()
    before = [doctor.rows(select(func.count()).select_from(model)) for model in (StoredArrangement, PageView)]
    shut_the_log(doctor.database)
    answer = doctor.client.get("/m/warnings")
    assert answer.status_code == 500
    assert "LIPITOR" not in answer.text
    after = [doctor.rows(select(func.count()).select_from(model)) for model in (StoredArrangement, PageView)]
    assert after == before


def test_a_moment_without_a_zone_is_refused(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    naive = datetime(2026, 1, 1, 12)  # as a careless caller would write it
    with pytest.raises(Exception, match="naive datetime"), doctor.database.writing() as db:
        revoke_access(db, doctor.id, reason="lost", by=Actor.system("t"), at=naive)
    assert doctor.rows(select(Hcp.access_revoked_at).where(Hcp.id == doctor.id)) == [(None,)]
