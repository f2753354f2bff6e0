"""`db upgrade|check`: bring the tables up to date, or say whether they are."""

import json
from collections.abc import Callable

import click
from alembic.util import CommandError
from flask import current_app
from flask.cli import AppGroup

from portal.db import Database, migrate

group = AppGroup("db", help="Tables and their migrations.")


@group.command("upgrade")
@click.option("--to", "target", default="head", help="Revision to stop at.")
def upgrade(target: str) -> None:
    """Run the migrations that are missing."""
    _known(migrate.upgrade, target)


@group.command("downgrade")
@click.argument("target")
def downgrade(target: str) -> None:
    """Undo migrations down to TARGET (`base` undoes all)."""
    _known(migrate.downgrade, target)


@group.command("check")
@click.option("--json", "as_json", is_flag=True)
def check(as_json: bool) -> None:
    """Say whether the tables are those the code expects; exit code 1 where they are not."""
    state = migrate.state(current_app.extensions["portal.database"])
    if as_json:
        click.echo(json.dumps({"current": state.current, "newest": state.newest, "up_to_date": state.is_up_to_date}))
    else:
        click.echo("up to date" if state.is_up_to_date else f"at {state.current or 'nothing'}, newest {state.newest}")
    raise SystemExit(0 if state.is_up_to_date else 1)


def _known(move: Callable[[Database, str], object], target: str) -> None:
    database: Database = current_app.extensions["portal.database"]
    database.be_patient()
    try:
        move(database, target)
    except CommandError as refused:
        raise click.ClickException(str(refused)) from None
