"""`calculators list` and `calculators eval`: the clinical calculators from the command line."""

import json
import sys
from typing import Any, BinaryIO

import click
from flask.cli import AppGroup

from portal.calculators import answers, registry
from portal.calculators.registry import CalculatorUnknown

group = AppGroup("calculators", help="Clinical calculators.")


@group.command("list", with_appcontext=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Print every calculator with its version."""
    entries = answers.listing()
    if as_json:
        click.echo(json.dumps(entries))
        return
    for entry in entries:
        click.echo(f"{entry['name']:26} {entry['version']:5} {entry['title']}")


@group.command("eval", with_appcontext=False)
@click.argument("name", required=False)
@click.option("--inputs", help="The values as a JSON object.")
@click.option("--batch", type=click.File("rb"), help="JSON lines to answer, one line each; - reads standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def eval_(name: str | None, inputs: str | None, batch: BinaryIO | None, as_json: bool) -> None:
    """Compute NAME from --inputs, or answer every line of --batch.

    Exit code 0 when all was computed, 1 when an input was refused, 2 when the command was used wrongly.
    """
    if batch is not None:
        if name is not None or inputs is not None:
            raise click.UsageError("--batch takes neither a name nor --inputs.")
        sys.exit(_batch(batch))
    if name is None or inputs is None:
        raise click.UsageError("Give a NAME and --inputs, or --batch FILE.")
    try:
        calculator = registry.get(name)
        found = answers.answer(name, answers.parse_object(inputs))
    except (CalculatorUnknown, answers.QuestionRefused) as error:
        subject = "" if isinstance(error, CalculatorUnknown) else "--inputs: "
        _print({"error": f"{subject}{error}"}, as_json)
        sys.exit(2)
    if as_json or "error" in found:
        _print(found, as_json)
    else:
        click.echo(answers.in_words(calculator, found))
    sys.exit(1 if "error" in found else 0)


def _batch(lines: BinaryIO) -> int:
    refused = False
    for found in answers.answers(lines):
        refused = refused or "error" in found
        click.echo(json.dumps(found, allow_nan=False))
    return 1 if refused else 0


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, allow_nan=False))
    else:
        click.echo(found["error"], err=True)
