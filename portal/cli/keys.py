"""`keys list|rotate`: which keys sign, and how to put a new one in; no secret is printed unless asked for."""

import json
import secrets

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock
from portal.access.queries import last_expiry
from portal.access.tokens import TokenBox
from portal.config import Settings

group = AppGroup("keys", help="Signing keys of links, cookies and beats.")

_FRESH = "$(python3 -c 'import secrets; print(secrets.token_hex(32))')"


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the keys as JSON.")
def show(as_json: bool) -> None:
    """List the keys of the ring by mark, oldest first; the last one signs. A mark tells nothing of its key."""
    settings: Settings = current_app.extensions["portal.settings"]
    marks = TokenBox(settings.secret_key).key_marks()
    listed = [
        {"place": place, "mark": mark, "signs": place == len(marks), "length": len(key)}
        for place, (mark, key) in enumerate(zip(marks, settings.secret_key, strict=True), 1)
    ]
    if as_json:
        click.echo(json.dumps({"keys": listed, "unsubscribe_keys": len(settings.unsubscribe_key)}))
        return
    for each in listed:
        click.echo(f"{each['place']}. {each['mark']}  {each['length']} characters{'  signs' if each['signs'] else ''}")
    click.echo(f"Keys that only unsubscribe and preference links use: {len(settings.unsubscribe_key)}")


@group.command("rotate")
@click.option(
    "--show", "shown", is_flag=True, help="Make the new key here and print the whole ring: these are secrets."
)
@click.option("--json", "as_json", is_flag=True, help="Print what to do as JSON.")
def rotate(shown: bool, as_json: bool) -> None:
    """Say how to add a key that signs from the next start on, and when the oldest may go."""
    settings: Settings = current_app.extensions["portal.settings"]
    ring = ",".join((*settings.secret_key, secrets.token_hex(32)))
    value = ring if shown else f"$PORTAL_SECRET_KEY,{_FRESH}"
    with current_app.extensions["portal.database"].reading() as db:
        until = last_expiry(db, at=clock.now())
    oldest = TokenBox(settings.secret_key).key_marks()[0]
    if as_json:
        ends = until.isoformat() if until else None
        click.echo(json.dumps({"PORTAL_SECRET_KEY": value, "oldest": oldest, "open_links_end": ends}))
        return
    click.echo("Set this where the portal gets its settings, then restart it:\n")
    click.echo(f'PORTAL_SECRET_KEY="{value}"\n')
    click.echo("Links that are out keep working: every key of the ring opens, the last one signs.")
    when = (
        f"after {until:%Y-%m-%d %H:%M} UTC, when the last link signed so far has ended"
        if until
        else "now: no link is open"
    )
    click.echo(f"The oldest key ({oldest}) may go {when}.")
    click.echo(
        "Taking it out earlier revokes every link it signed, and the visits opened with them, at the next start."
    )
    click.echo("For unsubscribe links, move it to PORTAL_UNSUBSCRIBE_KEY and keep it there.")
