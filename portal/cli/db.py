"""`db upgrade|check`: bring the tables up to date, or say whether they are."""

import json

import click
from flask import current_app
from flask.cli import AppGroup

from portal.db import migrate

group = AppGroup("db", help="Tables and their migrations.")


@group.command("upgrade")
@click.option("--to", "target", default="head", help="Revision to stop at.")
def upgrade(target: str) -> None:
    """Run the migrations that are missing."""
    migrate.upgrade(current_app.extensions["portal.database"], target)


@group.command("downgrade")
@click.argument("target")
def downgrade(target: str) -> None:
    """Undo migrations down to TARGET (`base` undoes all)."""
    migrate.downgrade(current_app.extensions["portal.database"], target)


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
