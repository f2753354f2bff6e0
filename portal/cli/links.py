"""`links issue|revoke`: make and take back signed links from the command line."""

import json
from datetime import timedelta
from typing import NoReturn

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock
from portal.access import actions
from portal.access.states import LinkRefused
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.config import Settings
from portal.content.queries import site_by_key, sites
from portal.db import is_id
from portal.hcp.queries import hcp_by_ref
from portal.staff.queries import ids_by_email, plain_email

group = AppGroup("links", help="Signed links of doctors.")

_BY = Actor.system("cli")


@group.command("issue")
@click.option("--hcp", "ref", required=True, help="Reference of the doctor, such as H-1021.")
@click.option("--site", "site_key", required=True, help="Key of the site, such as atorvastatin-us-en.")
@click.option("--sender", default="", help="Address of the colleague in whose name the link is sent.")
@click.option("--days", type=click.IntRange(1, 365), help="Days for which the link is valid.")
@click.option("--json", "as_json", is_flag=True, help="Print the link as JSON.")
def issue(ref: str, site_key: str, sender: str, days: int | None, as_json: bool) -> None:
    """Make a link and print its URL."""
    settings: Settings = current_app.extensions["portal.settings"]
    at = clock.now()
    with current_app.extensions["portal.database"].writing() as db:
        card = hcp_by_ref(db, ref)
        if card is None:
            _refuse(f"There is no doctor with the reference {ref}.")
        if card.is_access_revoked:
            _refuse(f"The doctor {ref} has no access: a link would open nothing.")
        site = site_by_key(db, site_key)
        if site is None:
            known = ", ".join(each.key for each in sites(db)) or "none yet"
            _refuse(f"There is no site {site_key}; known are: {known}.")
        sender_id = ids_by_email(db).get(plain_email(sender)) if sender else None
        if sender and sender_id is None:
            _refuse(f"No colleague has the address {sender}.")
        expires_at = at + timedelta(days=days or settings.link_days)
        link_id = actions.issue_link(
            db, card.id, site.id, sender_id=sender_id, expires_at=expires_at, channel="cli", by=_BY, at=at
        )
    token = current_app.extensions["portal.tokens"].for_id(Purpose.LINK, link_id)
    url = f"{settings.base_url}/v/{token}"
    if as_json:
        click.echo(json.dumps({"id": link_id, "url": url, "expires_at": expires_at.isoformat()}))
    else:
        click.echo(url)


@group.command("revoke")
@click.argument("link_id", metavar="ID")
@click.option("--reason", default="revoked from the command line", help="Why, for the audit log.")
def revoke(link_id: str, reason: str) -> None:
    """Revoke a link: from the next request on it opens nothing, and its open visits end."""
    if not is_id(link_id):
        raise click.BadParameter("the id of a link has 32 characters, 0 to 9 and a to f", param_hint="ID")
    if not reason.strip():
        raise click.BadParameter("a reason is needed", param_hint="--reason")
    with current_app.extensions["portal.database"].writing() as db:
        try:
            done = actions.revoke_link(db, link_id, reason=reason.strip(), by=_BY, at=clock.now())
        except LinkRefused:
            _refuse(f"There is no link {link_id}.")
    click.echo("The link is revoked." if done else "The link was revoked before.")


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(1)
