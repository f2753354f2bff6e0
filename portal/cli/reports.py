"""`reports check|rebuild`: say whether the roll-up is what the page views add up to, and mend it where it is not."""

import json

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal import clock
from portal.audit import Actor
from portal.hcp.queries import cards_of
from portal.tracking.recount import Difference, differences
from portal.tracking.recount import rebuild as rebuild_roll_up

group = AppGroup("reports", help="The roll-up that reports and rules read.")

_SHOWN = 50


@group.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(as_json: bool) -> None:
    """Add the page views up again and compare; exit code 1 where the roll-up differs."""
    with current_app.extensions["portal.database"].reading() as db:
        found = differences(db)
        refs = _refs(db, found)
    if as_json:
        click.echo(json.dumps({"holds": not found, "differences": _told(found, refs)}))
    else:
        _print(found, refs)
        click.echo(f"{len(found)} differences; reports rebuild mends them." if found else "The roll-up holds.")
    raise SystemExit(1 if found else 0)


@group.command("rebuild")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rebuild(as_json: bool) -> None:
    """Write the roll-up anew where it differs from the page views; what is right is not touched."""
    with current_app.extensions["portal.database"].writing() as db:
        found = rebuild_roll_up(db, by=Actor.system("cli"), at=clock.now())
        refs = _refs(db, found)
    if as_json:
        click.echo(json.dumps({"mended": _told(found, refs)}))
    else:
        _print(found, refs)
        click.echo(f"{len(found)} differences mended." if found else "Nothing had to be mended.")


def _refs(db: Session, found: list[Difference]) -> dict[str, str]:
    return {each.id: each.ref for each in cards_of(db, {one.key.hcp_id for one in found}).values()}


def _told(found: list[Difference], refs: dict[str, str]) -> list[dict[str, object]]:
    return [{**one.told(), "hcp": refs.get(one.key.hcp_id)} for one in found]


def _print(found: list[Difference], refs: dict[str, str]) -> None:
    for one in found[:_SHOWN]:
        who, when = refs.get(one.key.hcp_id, "nobody by name"), one.day or "all days"
        click.echo(
            f"{who:16} {one.key.module:30} {when:10} {one.stored.eng_ms} ms stored, {one.counted.eng_ms} counted"
        )
    if len(found) > _SHOWN:
        click.echo(f"and {len(found) - _SHOWN} more")
