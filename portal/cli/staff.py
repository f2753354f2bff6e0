"""`staff add EMAIL`: make an account from the command line, such as the first administrator's."""

import json

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock
from portal.audit import Actor
from portal.staff import actions
from portal.staff.accounts import NewAccount, first_password
from portal.staff.roles import Role

group = AppGroup("staff", help="Accounts of staff.")


@group.command("add")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", "roles", type=click.Choice([role.value for role in Role]), multiple=True, required=True)
@click.option("--json", "as_json", is_flag=True)
def add(email: str, name: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Make an account for EMAIL and print its first password, once. Exit code 1 where the account is refused."""
    wanted = NewAccount(name.strip(), email.strip(), roles)
    faults = [sentence for _, sentence in wanted.faults()]
    password, user_id = first_password(), ""
    if not faults:
        held = [Role(role) for role in wanted.roles]
        try:
            with current_app.extensions["portal.database"].writing() as db:
                user_id = actions.create_user(
                    db,
                    wanted.email,
                    name=wanted.name,
                    password=password,
                    roles=held,
                    by=Actor.system("cli"),
                    at=clock.now(),
                )
        except actions.UserRefused as refused:
            faults = [str(refused)]
    if faults:
        click.echo(json.dumps({"refused": faults}) if as_json else "\n".join(faults), err=not as_json)
        raise SystemExit(1)
    click.echo(json.dumps({"id": user_id, "password": password}) if as_json else f"First password: {password}")
