"""`links issue|revoke|presets`: make and take back signed links from the command line."""

import json
from typing import NoReturn

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock
from portal.access import actions, presets
from portal.access.states import LinkRefused
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.config import Settings
from portal.content.queries import site_by_key, sites
from portal.db import is_id
from portal.hcp.queries import hcp_by_ref
from portal.reports import linkforms
from portal.staff.queries import ids_by_email, plain_email

group = AppGroup("links", help="Signed links of doctors.")

_BY = Actor.system("cli")


@group.command("issue")
@click.option("--hcp", "ref", required=True, help="Reference of the doctor, such as H-1021.")
@click.option("--site", "site_key", required=True, help="Key of the site, such as atorvastatin-us-en.")
@click.option("--sender", default="", help="Address of the colleague in whose name the link is sent.")
@click.option("--days", type=click.IntRange(1, 365), help="Days for which the link is valid, within policy.")
@click.option("--preset", "preset_name", default="", help="Name of a link preset of the site: what it opens, how long.")
@click.option("--json", "as_json", is_flag=True, help="Print the link as JSON.")
def issue(ref: str, site_key: str, sender: str, days: int | None, preset_name: str, as_json: bool) -> None:
    """Make a link and print its URL; it ends with its days, its content or the doctor's consent, whichever is first."""
    if preset_name and days is not None:
        raise click.UsageError("a preset says for how many days; leave --days out")
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
        most = settings.link_days
        choice = linkforms.Choice(site.id, None, days or most)
        if preset_name:
            preset = presets.called(db, site.id, preset_name)
            if preset is None:
                names = ", ".join(each.content.name for each in presets.offered(db, site.id)) or "none yet"
                _refuse(f"The site {site_key} has no preset {preset_name}; on offer are: {names}.")
            taken = linkforms.of_preset(linkforms.choices(db, at), preset)
            if taken is None:
                _refuse(f"What the preset {preset.content.name} leads to is not in force.")
            choice = taken
        ending = linkforms.ending_of(db, card.id, choice, most_days=most, at=at)
        link_id = actions.issue_link(
            db,
            card.id,
            site.id,
            sender_id=sender_id,
            expires_at=ending.at,
            ends_by=ending.cause,
            preset_id=choice.preset_id,
            landing=choice.landing,
            modules=choice.modules,
            channel="cli",
            by=_BY,
            at=at,
        )
    token = current_app.extensions["portal.tokens"].for_id(Purpose.LINK, link_id)
    url = f"{settings.base_url}/v/{token}"
    if as_json:
        told = {"id": link_id, "url": url, "expires_at": ending.at.isoformat(), "ends_by": str(ending.cause)}
        click.echo(json.dumps(told | {"preset": preset_name or None}))
    else:
        click.echo(url)


@group.command("revoke")
@click.argument("link_id", metavar="ID")
@click.option("--reason", default="revoked from the command line", help="Why, for the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def revoke(link_id: str, reason: str, as_json: bool) -> None:
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
    if as_json:
        click.echo(json.dumps({"id": link_id, "revoked": True, "was_revoked_before": not done}))
    else:
        click.echo("The link is revoked." if done else "The link was revoked before.")


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(1)
