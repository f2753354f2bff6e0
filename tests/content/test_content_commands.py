"""The commands that take in labels: exit codes, sentences, and nothing left behind."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from portal.audit.models import AuditEvent
from portal.content.models import Label, Module
from portal.db import Database

LABELS = Path(__file__).parents[1] / "data" / "labels"
SITE = "atorvastatin-us-en"


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["content", *words])


def make_site(app: Flask) -> None:
    words = ("--brand", "Lipitor", "--generic", "atorvastatin calcium", "--market", "US", "--language", "en")
    assert run(app, "create-site", SITE, *words).exit_code == 0


def counts(database: Database) -> list[int]:
    with database.reading() as db:
        return [db.scalar(select(func.count()).select_from(model)) or 0 for model in (Label, Module, AuditEvent)]


def test_a_label_is_taken_in_and_listed(app: Flask) -> None:
    make_site(app)
    done = run(app, "import-label", str(LABELS / "openfda-lipitor-orig.xml"), "--site", SITE, "--json")
    assert done.exit_code == 0
    report = json.loads(done.output)
    assert (report["version"], len(report["drafts"]), report["missing"]) == (11, 15, [])
    listed = json.loads(run(app, "list", "--site", SITE, "--json").output)
    assert {entry["standing"] for entry in listed} == {"draft"}
    assert "dosing" in run(app, "list", "--site", SITE).output


def test_the_report_in_words_names_what_a_person_has_to_do(app: Flask) -> None:
    make_site(app)
    done = run(app, "import-label", str(LABELS / "openfda-haloperidol-notitle.xml"), "--site", SITE)
    assert done.exit_code == 0
    assert "confirm    The label has a section with the code of boxed warnings" in done.output
    assert "missing    adverse-events" in done.output


def test_the_same_file_twice_is_refused(app: Flask, database: Database) -> None:
    make_site(app)
    words = ("import-label", str(LABELS / "openfda-lipitor-orig.xml"), "--site", SITE)
    assert run(app, *words).exit_code == 0
    before = counts(database)
    again = run(app, *words)
    assert (again.exit_code, "nothing was changed" in again.output) == (1, True)
    assert counts(database) == before


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("hcps.csv", b"npi,name\n1,x\n", "not well-formed XML"),
        ("page.xml", b"<html/>", "not a drug label"),
        ("bomb.xml", b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', "document type"),
        ("empty.xml", b"", "not well-formed XML"),
        ("huge.xml", b" " * (10 * 1024 * 1024 + 1), "10 MB"),
    ],
)
def test_a_file_that_is_no_label_is_refused_and_leaves_nothing(
    app: Flask, database: Database, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    make_site(app)
    before = counts(database)
    (tmp_path / name).write_bytes(content)
    refused = run(app, "import-label", str(tmp_path / name), "--site", SITE)
    assert (refused.exit_code, sentence in refused.output) == (1, True)
    assert json.loads(run(app, "import-label", str(tmp_path / name), "--site", SITE, "--json").output)["error"]
    assert counts(database) == before


def test_an_unknown_site_is_named_with_those_there_are(app: Flask) -> None:
    make_site(app)
    refused = run(app, "import-label", str(LABELS / "openfda-lipitor-orig.xml"), "--site", "nowhere")
    assert (refused.exit_code, SITE in refused.output) == (1, True)
    assert run(app, "list", "--site", "nowhere").exit_code == 1


def test_wrong_usage_ends_with_two(app: Flask, tmp_path: Path) -> None:
    assert run(app, "import-label", str(LABELS / "openfda-cough.xml")).exit_code == 2
    assert run(app, "import-label", str(tmp_path / "absent.xml"), "--site", SITE).exit_code == 2
    assert run(app, "import-label", str(tmp_path), "--site", SITE).exit_code == 2


def test_a_site_is_made_once(app: Flask) -> None:
    make_site(app)
    words = ("--brand", "L", "--generic", "a", "--market", "US", "--language", "en")
    assert run(app, "create-site", SITE, *words).exit_code == 1
