"""A doctor is taken away whole or given everything: no byte of them stays, and every count and proof does."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from portal import clock
from portal.access.models import Link
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.audit.keeping import verify_here
from portal.audit.models import AuditEvent, AuditPersonal
from portal.content.queries import site_by_key
from portal.db import Base, Database
from portal.hcp.actions import create_hcp, record_consent, update_profile
from portal.hcp.models import ConsentEvidence, Hcp
from portal.hcp.profiles import Profile
from portal.microsite.replay import page_bytes
from portal.privacy.export import everything_about
from portal.tracking.models import DailyDwell, PageView
from tests.client import HouseClient
from tests.microsite.doctors import SITE, Doctor

NAMES = ("Zwetschgenbaum", "Xanthippe", "xanthippe.z@example.org", "1245319599")
BY = Actor.system("t")


@pytest.fixture
def doctor(demo_app: Flask) -> str:
    """A doctor with a name like no other, consents with notes, and a page opened and read by name."""
    database: Database = demo_app.extensions["portal.database"]
    at = clock.now() - timedelta(minutes=10)
    last, first, email, npi = NAMES
    profile = Profile(first_name=first, last_name=last, email=email, npi=npi, specialty="cardiology", territory="north")
    with database.writing() as db:
        hcp_id = create_hcp(db, "H-9001", profile=profile, by=BY, at=at)
        update_profile(db, hcp_id, changes={"first_name": "Xanthippe Ada"}, by=BY, at=at)
        site = site_by_key(db, SITE)
        assert site is not None
        note = f"heard by Anna from {last}"
        for purpose, decision in (("tracking", "identified"), ("profiling", "given")):
            said = record_consent(db, hcp_id, site.id, purpose, decision, "form", "v1", evidence=note, by=BY, at=at)
            db.add(ConsentEvidence(consent_id=said, hcp_id=hcp_id, note=note, by_id=None, at=at))
    reader = Doctor(demo_app, "H-9001")
    reader.read("warnings", 30_000)
    return hcp_id


def run(app: Flask, *words: str) -> tuple[int, Any]:
    done = app.test_cli_runner().invoke(args=["privacy", *words, "--json"])
    return done.exit_code, json.loads(done.output) if done.output.startswith("{") else done.output


def hay(database: Database) -> bytes:
    """Every byte the database stands on, or says, that could hold a name."""
    if database.is_sqlite:
        file = Path(str(database.url.database))
        return b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    with database.reading() as db:
        rows = [repr(db.execute(select(table)).all()) for table in Base.metadata.sorted_tables]
    return "".join(rows).encode()


def test_no_byte_of_an_erased_doctor_stays(demo_app: Flask, doctor: str) -> None:
    database: Database = demo_app.extensions["portal.database"]
    before = hay(database).lower()
    assert all(name.lower().encode() in before for name in NAMES)
    code, receipt = run(demo_app, "erase", "--hcp", "H-9001")
    assert code == 0
    assert receipt["links"] == 1
    assert receipt["views"] >= 1
    assert receipt["log_emptied"]
    after = hay(database).lower()
    assert [name for name in NAMES if name.lower().encode() in after] == []


def test_counts_pages_and_proofs_outlive_the_person(demo_app: Flask, doctor: str, tmp_path: Path) -> None:
    database: Database = demo_app.extensions["portal.database"]
    dwell, views = select(func.sum(DailyDwell.eng_ms)), select(func.count()).select_from(PageView)
    with database.reading() as db:
        counted = db.scalar(dwell), db.scalar(views)
        [arrangement] = db.scalars(text("SELECT id FROM arrangements ORDER BY at LIMIT 1"))
    assert counted[0]
    assert run(demo_app, "erase", "--hcp", "H-9001")[0] == 0
    with database.reading() as db:
        assert (db.scalar(dwell), db.scalar(views)) == counted
        assert db.scalar(select(func.count()).select_from(PageView).where(PageView.hcp_id == doctor)) == 0
        page = page_bytes(db, arrangement)
        assert page is not None
        assert page.matches
        assert db.scalar(select(func.count()).select_from(AuditPersonal).where(AuditPersonal.hcp_id == doctor)) == 0
        finding = verify_here(db, tmp_path, "http://127.0.0.1:8000", by=BY, at=clock.now())
        assert finding.holds, finding.fault
        receipt = db.scalars(select(AuditEvent.body).where(AuditEvent.name == "privacy.erased")).one()
    assert "asked for by the person" in receipt
    assert demo_app.test_cli_runner().invoke(args=["reports", "check"]).exit_code == 0


def test_an_erased_doctor_is_nobody_everywhere(demo_app: Flask, doctor: str) -> None:
    database: Database = demo_app.extensions["portal.database"]
    with database.reading() as db:
        link_id = db.scalars(select(Link.id).where(Link.hcp_id == doctor)).one()
    assert run(demo_app, "erase", "--hcp", "H-9001", "--reason", "letter of 3 May")[0] == 0
    token = demo_app.extensions["portal.tokens"].for_id(Purpose.LINK, link_id)
    assert HouseClient(demo_app).get(f"/v/{token}").status_code == 404
    code, again = run(demo_app, "erase", "--hcp", "H-9001")
    assert code == 1
    assert "erased before" in again
    with database.reading() as db:
        assert db.get_one(Hcp, doctor).erased_at is not None
        assert not [row for row in db.scalars(select(Hcp)).all() if row.last_name is None and row.id != doctor]
    issued = ("links", "issue", "--hcp", "H-9001", "--site", "atorvastatin-us-en")
    assert demo_app.test_cli_runner().invoke(args=issued).exit_code == 1


def test_nobody_is_erased_without_a_reason_or_by_a_wrong_reference(demo_app: Flask, doctor: str) -> None:
    assert run(demo_app, "erase", "--hcp", "H-9001", "--reason", "  ")[0] == 1
    assert run(demo_app, "erase", "--hcp", "h-9001")[0] == 1
    assert run(demo_app, "export", "--hcp", "H-404")[0] == 1
    with demo_app.extensions["portal.database"].reading() as db:
        assert db.get_one(Hcp, doctor).last_name == NAMES[0]


def test_a_copy_holds_everything_and_no_secret(demo_app: Flask, doctor: str) -> None:
    code, copy = run(demo_app, "export", "--hcp", "H-9001")
    assert code == 0
    assert copy["person"]["last_name"] == NAMES[0]
    assert {"consents", "consent_evidence", "links", "visits", "page_views", "section_views", "arrangements"} <= set(
        copy["records"]
    )
    assert {"daily_dwell", "interest", "link_activity"} <= set(copy["records"])
    assert any(event["personal"] for event in copy["audit"])
    said = json.dumps(copy)
    with demo_app.extensions["portal.database"].reading() as db:
        secrets = list(db.scalars(text("SELECT token_hash FROM visits UNION SELECT token_hash FROM devices")))
        assert secrets
        assert not [each for each in secrets if each in said]
        assert db.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.name == "privacy.exported")) == 1


def test_every_table_that_names_a_doctor_is_in_a_copy(demo_app: Flask, doctor: str) -> None:
    """Tables that name a doctor by another word would be missed: there are none."""
    with demo_app.extensions["portal.database"].reading() as db:
        assert everything_about(db, "0" * 32) is None
    others = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.c
        if column.name != "hcp_id" and any(key.column.table.name == "hcps" for key in column.foreign_keys)
    }
    assert not others


def test_a_copy_in_a_file_is_for_its_owner_and_overwrites_nothing(sqlite_demo_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "copy.json"
    assert run(sqlite_demo_app, "export", "--hcp", "H-1001", "--to", str(path))[0] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["hcp"] == "H-1001"
    assert run(sqlite_demo_app, "export", "--hcp", "H-1001", "--to", str(path))[0] == 2
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        taken = select(func.count()).select_from(AuditEvent).where(AuditEvent.name == "privacy.exported")
        assert db.scalar(taken) == 1
