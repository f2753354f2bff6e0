"""`hcp import FILE.csv`: check a file of doctors, and save it where nothing stands against it."""

import json
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock
from portal.audit import Actor
from portal.hcp.import_actions import known_of, save_import
from portal.hcp.import_hcps import Check, Outcome, check_sheet
from portal.hcp.sheets import LARGEST_BY_COMMAND, MOST_ROWS_BY_COMMAND, Sheet, SheetRefused, read_sheet
from portal.hcp.taxonomies import read_taxonomies
from portal.staff.queries import ids_by_email

group = AppGroup("hcp", help="Doctors.")

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@group.command("import")
@click.argument("file", type=_FILE)
@click.option("--check", "only_check", is_flag=True, help="Say what would happen and save nothing.")
@click.option("--taxonomies", type=_FILE, help="CSV with the columns Code and a name, for the provider file's codes.")
@click.option("--json", "as_json", is_flag=True)
def import_hcps(file: Path, only_check: bool, taxonomies: Path | None, as_json: bool) -> None:
    """Import doctors from FILE (our own columns, or the layout of the US provider file NPPES).

    Rows are merged by their reference; an empty cell leaves what is known as it is. Nothing is saved while one cell is
    wrong. Exit code 0: done; 1: something is wrong; 2: wrong usage.
    """
    try:
        sheet = _sheet(file)
        specialties = read_taxonomies(_sheet(taxonomies)) if taxonomies else {}
    except SheetRefused as refused:
        click.echo(json.dumps({"refused": str(refused)}) if as_json else str(refused), err=not as_json)
        raise SystemExit(1) from None
    at = clock.now()
    with current_app.extensions["portal.database"].writing() as db:
        check = check_sheet(sheet, known_of(db, staff=ids_by_email(db), at=at), specialties=specialties)
        saved = not check.errors and not only_check
        if saved:
            save_import(db, check, by=Actor.system("cli"), at=at)
    click.echo(json.dumps(_as_json(check, saved=saved), ensure_ascii=False) if as_json else _in_words(check, saved))
    raise SystemExit(1 if check.errors else 0)


def _sheet(file: Path) -> Sheet:
    with file.open("rb") as opened:
        raw = opened.read(LARGEST_BY_COMMAND + 1)
        return read_sheet(raw, largest=LARGEST_BY_COMMAND, most_rows=MOST_ROWS_BY_COMMAND)


def _as_json(check: Check, *, saved: bool) -> dict[str, Any]:
    return {
        "layout": check.layout,
        "sha256": check.sha256,
        "rows": check.rows,
        "saved": saved,
        **{outcome.value: check.count(outcome) for outcome in Outcome},
        "skipped": dict(check.skipped),
        "notes": list(check.notes),
        "errors": [{"row": each.row, "column": each.column, "sentence": each.sentence} for each in check.errors],
    }


def _in_words(check: Check, saved: bool) -> str:
    lines = [f"line {each.row}, {each.column or 'row'}: {each.sentence}" for each in check.errors]
    lines += list(check.notes)
    lines += [f"Left out: {count} {why}." for why, count in sorted(check.skipped.items())]
    counts = ", ".join(f"{check.count(outcome)} {outcome}" for outcome in Outcome)
    if check.errors:
        return "\n".join([*lines, f"{len(check.errors)} errors in {check.rows} rows; nothing was saved."])
    return "\n".join([*lines, f"{'Saved' if saved else 'Would save'} {len(check.planned)} doctors: {counts}."])
