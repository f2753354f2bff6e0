"""`hcp import` on the command line: exit codes 0, 1, 2, and JSON."""

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.hcp.models import Hcp

GOOD = "ref,last_name\nH-1,Meier\n"


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["hcp", "import", *arguments])
    return result.exit_code, result.output


def hcps(app: Flask) -> int:
    with app.extensions["portal.database"].reading() as db:
        return db.scalar(select(func.count()).select_from(Hcp)) or 0


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.csv"
    path.write_text(GOOD, encoding="utf-8")
    return str(path)


def test_a_good_file_is_saved_once(app: Flask, good: str) -> None:
    assert run(app, good, "--check") == (0, "Would save 1 doctors: 1 new, 0 changed, 0 same.\n")
    assert hcps(app) == 0
    code, out = run(app, good, "--json")
    assert code == 0
    assert json.loads(out)["new"] == 1
    assert run(app, good) == (0, "Saved 1 doctors: 0 new, 0 changed, 1 same.\n")
    assert hcps(app) == 1


def test_a_wrong_cell_ends_with_one_and_saves_nothing(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("ref,last_name,decile\nH-1,Meier,9\nH-2,Osei,99\n", encoding="utf-8")
    code, out = run(app, str(path), "--json")
    assert code == 1
    assert json.loads(out)["errors"][0]["row"] == 3
    assert hcps(app) == 0


def test_a_file_that_is_no_table_ends_with_one(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes("ref,last_name\nH-1,Müller\n".encode("cp1252"))
    code, out = run(app, str(path))
    assert code == 1
    assert "not UTF-8" in out


def test_wrong_usage_ends_with_two(app: Flask, tmp_path: Path) -> None:
    assert run(app, str(tmp_path / "none.csv"))[0] == 2
    assert run(app)[0] == 2
