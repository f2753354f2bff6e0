"""`calculators list` and `calculators eval`: the clinical calculators from the command line."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
from flask.cli import AppGroup, ScriptInfo
from sqlalchemy.exc import SQLAlchemyError

from portal import clock
from portal.calculators import answers
from portal.calculators.registry import SHIPPED, CalculatorUnknown, Library
from portal.content.library import library
from portal.content.queries import site_by_key, sites
from portal.db import Database

group = AppGroup("calculators", help="Clinical calculators.")

_SITE = click.option("--site", default="", help="Only what is in force on the site of this key.")
_SHIPPED = click.option("--shipped", is_flag=True, help="Only what ships with the portal, whatever sites serve.")


@group.command("list", with_appcontext=False)
@_SITE
@_SHIPPED
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(site: str, shipped: bool, as_json: bool) -> None:
    """Print every calculator with its version: those that ship, and those in force on the sites."""
    entries = answers.listing(_library(site, shipped=shipped))
    if as_json:
        click.echo(json.dumps(entries))
        return
    for entry in entries:
        click.echo(f"{entry['name']:26} {entry['version']:5} {entry['title']}")


@group.command("eval", with_appcontext=False)
@click.argument("name", required=False)
@click.option("--inputs", help="The values as a JSON object.")
@click.option("--batch", type=click.File("rb"), help="JSON lines to answer, one line each; - reads standard input.")
@_SITE
@_SHIPPED
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def eval_(
    name: str | None, inputs: str | None, batch: BinaryIO | None, site: str, shipped: bool, as_json: bool
) -> None:
    """Compute NAME from --inputs, or answer every line of --batch.

    Where a site serves the calculator, in the version in force there; what was withdrawn is computed no more.

    Exit code 0 when all was computed, 1 when an input was refused, 2 when the command was used wrongly.
    """
    if batch is not None:
        if name is not None or inputs is not None:
            raise click.UsageError("--batch takes neither a name nor --inputs.")
        sys.exit(_batch(batch, _library(site, shipped=shipped)))
    if name is None or inputs is None:
        raise click.UsageError("Give a NAME and --inputs, or --batch FILE.")
    asked = _library(site, shipped=shipped)
    try:
        calculator = asked.get(name)
        found = answers.answer(name, answers.parse_object(inputs), asked)
    except (CalculatorUnknown, answers.QuestionRefused) as error:
        subject = "" if isinstance(error, CalculatorUnknown) else "--inputs: "
        _print({"error": f"{subject}{error}"}, as_json)
        sys.exit(2)
    if as_json or "error" in found:
        _print(found, as_json)
    else:
        click.echo(answers.in_words(calculator, found))
    sys.exit(1 if "error" in found else 0)


def _library(site_key: str, *, shipped: bool) -> Library:
    """Return the calculators to be asked; without a database those that ship."""
    if site_key and shipped:
        raise click.UsageError("Give --site or --shipped, not both.")
    info = click.get_current_context().find_object(ScriptInfo)
    database: Database | None = info.load_app().extensions["portal.database"] if info and not shipped else None
    if database is None or (database.is_sqlite and not Path(str(database.url.database)).exists()):
        if site_key:
            raise click.UsageError(f"There is no site {site_key}: there is no database yet.")
        return SHIPPED
    try:
        with database.reading() as db:
            found = site_by_key(db, site_key) if site_key else None
            if site_key and found is None:
                known = ", ".join(each.key for each in sites(db)) or "none yet"
                raise click.UsageError(f"There is no site {site_key}. Sites: {known}.")
            return library(db, clock.now(), site_id=found.id if found else None)
    except SQLAlchemyError:
        if site_key:
            raise click.UsageError("The database cannot be asked; see db check.") from None
        click.echo("The database cannot be asked: these are the calculators that ship.", err=True)
        return SHIPPED


def _batch(lines: BinaryIO, asked: Library) -> int:
    refused = False
    for found in answers.answers(_lines(lines), asked):
        refused = refused or "error" in found
        click.echo(json.dumps(found, allow_nan=False))
    return 1 if refused else 0


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Give the lines of a stream, of an endless one no more than shows that it is too long."""
    while line := stream.readline(answers.LONGEST_LINE + 2):
        yield line
        while not line.endswith(b"\n") and line:
            line = stream.readline(answers.LONGEST_LINE)


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, allow_nan=False))
    else:
        click.echo(found["error"], err=True)
