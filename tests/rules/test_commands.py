"""`rules lint`, `rules backtest` and `explain`: sentences or JSON, and an exit code a script can rely on."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from portal import clock
from portal.content.queries import site_by_key, store_fragment
from portal.db import Database, new_id
from portal.microsite.models import StoredArrangement
from portal.personalize import arrange
from portal.personalize.codec import arrangement_to_json, candidates_to_json, facts_to_json
from portal.personalize.rules import dump
from portal.rulebook import queries
from tests.personalize import worlds
from tests.rulebook.rooms import a_rule
from tests.rules.pages import seeded

LIVE = a_rule("dosing", then={"do": "raise", "target": {"topic": "dosing"}, "by": 3}, when={"all": []})


def served(app: Flask, pages: int = 3, *, facts_kept: str = "") -> list[str]:
    """Serve the standard site to some doctors under the live rules; return the ids of what was stored."""
    site_id, rule_set_id = seeded(app, LIVE)
    database: Database = app.extensions["portal.database"]
    ids = [new_id() for _ in range(pages)]
    with database.writing() as db:
        version = queries.rule_set(db, rule_set_id)
        assert version is not None
        site = worlds.standard_site()
        listed = store_fragment(db, candidates_to_json(site), clock.now())
        for arrangement_id in ids:
            facts = worlds.doctor(subject=arrangement_id)
            page = arrange(facts, site, version.rules)
            db.execute(
                insert(StoredArrangement).values(
                    id=arrangement_id,
                    at=clock.now(),
                    site_id=site_id,
                    visit_id="v" * 32,
                    hcp_id=arrangement_id,
                    page="home",
                    mode=page.mode,
                    rule_set_id=rule_set_id,
                    facts=facts_kept or facts_to_json(facts),
                    candidates=listed,
                    decision=arrangement_to_json(page),
                    pieces=[],
                    page_sha256="0" * 64,
                )
            )
    return ids


def run(app: Flask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=list(args))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def file_with(tmp_path: Path, *rules: dict[str, Any], site: str = "demo-us-en") -> str:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"id": "file", "version": 1, "site": site, "rules": list(rules)}))
    return str(path)


def test_the_live_rules_reproduce_history(app: Flask, tmp_path: Path) -> None:
    served(app)
    code, output = run(app, "rules", "backtest", file_with(tmp_path, LIVE), "--json")
    told = json.loads(output)
    assert code == 0
    assert (told["pages"], told["changed"]) == (3, 0)
    assert told["fidelity"] == {"pages": 3, "same": 3, "different": []}


def test_other_rules_say_what_would_have_changed(app: Flask, tmp_path: Path) -> None:
    served(app)
    hide = a_rule("gone", then={"do": "hide", "target": {"modules": ["warnings"]}}, when={"all": []})
    code, output = run(app, "rules", "backtest", file_with(tmp_path, LIVE, hide))
    assert code == 0
    assert "3 of 3 pages change, for 3 of 3 doctors." in output
    assert "falls  warnings on 3 pages" in output
    assert "3 doctors lose sight of something." in output
    assert "3 of 3 pages come out as they were served" in output


def test_history_that_cannot_be_reproduced_is_found_wanting(app: Flask, tmp_path: Path) -> None:
    ids = served(app, pages=1, facts_kept="{}")
    code, output = run(app, "rules", "backtest", file_with(tmp_path, LIVE), "--json")
    assert code == 1
    assert json.loads(output)["unreadable"] == [ids[0]]


def test_lint_finds_what_is_not_in_force(app: Flask, tmp_path: Path) -> None:
    seeded(app)
    rule = a_rule("gone", then={"do": "raise", "target": {"modules": ["nowhere"]}, "by": 1})
    code, output = run(app, "rules", "lint", file_with(tmp_path, rule), "--json")
    assert code == 1
    assert "not-in-force" in {one["kind"] for one in json.loads(output)["findings"]}
    assert run(app, "rules", "lint", file_with(tmp_path))[0] == 0


def test_a_file_that_is_no_rule_set_is_refused_with_the_place(app: Flask, tmp_path: Path) -> None:
    seeded(app)
    bad = file_with(tmp_path, a_rule(by=1e9))
    code, output = run(app, "rules", "lint", bad, "--json")
    assert (code, json.loads(output)["errors"][0]["place"]) == (1, "rules[0].then.by")
    assert run(app, "rules", "backtest", bad)[0] == 1


@pytest.mark.parametrize(
    ("content", "place"),
    [(b'{"id":"\xe9"}', "byte 8"), (b"[", "line 1, column 2"), (b'{"id":1,"id":2}', "id"), (b"\xff\xfe{", "byte 1")],
)
def test_a_file_of_anything_is_refused_in_one_line_and_in_json(
    app: Flask, tmp_path: Path, content: bytes, place: str
) -> None:
    path = tmp_path / "any.json"
    path.write_bytes(content)
    for command in ("lint", "backtest"):
        code, output = run(app, "rules", command, str(path))
        assert (code, output.count("\n"), output.startswith(f"{place}: ")) == (1, 1, True)
        code, output = run(app, "rules", command, str(path), "--json")
        assert (code, json.loads(output)["errors"][0]["place"]) == (1, place)


def test_a_file_that_begins_with_a_byte_order_mark_is_read(app: Flask, tmp_path: Path) -> None:
    seeded(app)
    path = Path(file_with(tmp_path))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert run(app, "rules", "lint", str(path))[0] == 0


def test_lint_names_a_doctor_whom_a_rule_keeps_from_safety_content(sqlite_demo_app: Flask, tmp_path: Path) -> None:
    when = {"all": [{"fact": "decile", "op": ">=", "value": 9}]}
    bad = a_rule("quiet", when=when, then={"do": "hide", "target": {"topic": "safety"}, "way_back": "search"})
    block = a_rule("no-isi", then={"do": "lower", "target": {"modules": ["isi"]}, "by": 1})
    path = file_with(tmp_path, bad, block, site="atorvastatin-us-en")
    code, output = run(sqlite_demo_app, "rules", "lint", path, "--json")
    hits = [one for one in json.loads(output)["findings"] if one["kind"] == "displaces-mandatory"]
    assert code == 1
    assert {(one["rule"], one["others"][0]) for one in hits} == {
        ("quiet", "warnings"),
        ("quiet", "contraindications"),
        ("quiet", "adverse-reactions"),
        ("no-isi", "isi"),
    }
    assert {one["example"] for one in hits if one["rule"] == "quiet"} == {"decile is 9, at least 9"}
    assert "for example a doctor of whom this holds: decile is 9" in run(sqlite_demo_app, "rules", "lint", path)[1]


@pytest.mark.parametrize("args", [("lint", "missing.json"), ("lint",), ("backtest", "FILE", "--site", "nowhere")])
def test_wrong_usage_says_so(app: Flask, tmp_path: Path, args: tuple[str, ...]) -> None:
    path = file_with(tmp_path)
    assert run(app, "rules", *(path if arg == "FILE" else arg for arg in args))[0] == 2


def test_one_page_is_explained_in_sentences_and_as_json(app: Flask) -> None:
    ids = served(app)
    code, output = run(app, "explain", "--arrangement", ids[0])
    assert code == 0
    assert "in a personal order, by version 1 of the rules" in output
    assert "1. Dosing: Because you are a cardiologist [+3 (dosing) = +3]" in output
    code, output = run(app, "explain", "--arrangement", ids[0], "--json")
    told = json.loads(output)
    assert code == 0
    assert told["items"][0]["module"] == "dosing"
    assert told["rules"][0]["state"] == "matched"
    assert run(app, "explain", "--arrangement", new_id())[0] == 1


def test_a_rule_set_goes_from_the_database_to_a_file_and_back(app: Flask, tmp_path: Path) -> None:
    served(app, pages=1)
    database: Database = app.extensions["portal.database"]
    with database.reading() as db:
        version = queries.history(db, queries.history(db, _site(app))[0].site_id)[0]
    path = tmp_path / "live.json"
    path.write_text(json.dumps(dump(version.rules)))
    assert run(app, "rules", "backtest", str(path))[0] == 0


def _site(app: Flask) -> str:
    database: Database = app.extensions["portal.database"]
    with database.reading() as db:
        site = site_by_key(db, "demo-us-en")
    assert site is not None
    return site.id
