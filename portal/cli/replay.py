"""`replay --arrangement ID`: the page a doctor saw, byte for byte."""

import json
import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from portal.microsite.replay import page_bytes


@click.command("replay")
@click.option("--arrangement", "arrangement_id", required=True, help="Id of the arrangement.")
@click.option("--check", is_flag=True, help="Print only whether the page still has the SHA-256 it was served with.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON what --check says, and the page's length.")
@with_appcontext
def group(arrangement_id: str, check: bool, as_json: bool) -> None:
    """Print the served page again; exit code 1 if it is gone or differs from what was served."""
    with current_app.extensions["portal.database"].reading() as db:
        page = page_bytes(db, arrangement_id)
    if page is None:
        raise click.ClickException("there is no such arrangement")
    if as_json:
        told = {"arrangement": arrangement_id, "at": page.at.isoformat(), "sha256": page.sha256}
        click.echo(json.dumps(told | {"matches": page.matches, "bytes": len(page.html)}))
    elif check:
        click.echo(f"{'same' if page.matches else 'DIFFERENT'} {page.sha256}")
    else:
        sys.stdout.buffer.write(page.html)
    raise SystemExit(0 if page.matches else 1)
