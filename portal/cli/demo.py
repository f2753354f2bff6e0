"""`demo seed [--reset]`: the demo, and how to enter it."""

import json

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock
from portal.access.tokens import Purpose
from portal.config import Settings
from portal.db import Database, migrate
from portal.demo.seed import seed as put_in
from portal.microsite.fragments import renderer
from portal.microsite.press import Press
from portal.staff.demo_logins import DEMO_LOGINS, DEMO_PHRASE
from portal.web.assets import static_url

group = AppGroup("demo", help="The demo: fictional people, a real label.")


@group.command("seed")
@click.option("--reset", is_flag=True, help="Throw everything away first.")
@click.option("--json", "as_json", is_flag=True)
def seed(reset: bool, as_json: bool) -> None:
    """Put the demo in unless it is there, and print the logins and a signed doctor link."""
    settings: Settings = current_app.extensions["portal.settings"]
    database: Database = current_app.extensions["portal.database"]
    if settings.production:
        raise click.ClickException("the demo is refused in production")
    database.be_patient()
    if reset:
        migrate.downgrade(database, "base")
        migrate.upgrade(database)
    with database.writing() as db:
        migrate.hold(db.connection())
        seeded = put_in(db, render=renderer(Press(static_url)), link_days=settings.link_days, at=clock.now())
    token = current_app.extensions["portal.tokens"].for_id(Purpose.LINK, seeded.link_id)
    url = f"{settings.base_url}/v/{token}"
    if as_json:
        logins = [{"email": login.email, "role": str(login.role)} for login in DEMO_LOGINS]
        click.echo(json.dumps({"logins": logins, "password": DEMO_PHRASE, "link": url, "was_there": seeded.was_there}))
        return
    click.echo(f"\nThe portal    {settings.base_url}/staff/")
    click.echo(f"Password      {DEMO_PHRASE}   (the same for every demo login)")
    for login in DEMO_LOGINS:
        click.echo(f"  {login.role:<12}{login.email:<28}{login.name}")
    click.echo(f"A doctor's personal link (Dr Karin Meier)\n  {url}\n")
