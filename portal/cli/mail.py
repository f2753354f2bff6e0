"""`mail send-outbox|bounce|outbox`: hand over what waits, take reports in, say what waits."""

import json
import sys

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock
from portal.config import Settings
from portal.mailing.courier import CourierRefused
from portal.mailing.outbox import waiting
from portal.mailing.reports import LONGEST, ReportUnreadable
from portal.mailing.returns import take_in
from portal.microsite.post_office import NoServer, hand_over_due

group = AppGroup("mail", help="The outbox, and what comes back.")


@group.command("send-outbox")
@click.option("--most", type=click.IntRange(1, 10_000), default=200, help="At most this many mails.")
@click.option("--json", "as_json", is_flag=True)
def send_outbox(most: int, as_json: bool) -> None:
    """Hand over what is due to the mail server, once."""
    settings: Settings = current_app.extensions["portal.settings"]
    database, tokens = current_app.extensions["portal.database"], current_app.extensions["portal.tokens"]
    try:
        counts = hand_over_due(database, tokens, settings, clock=clock.now, most=most)
    except (CourierRefused, NoServer) as refused:
        raise click.ClickException(str(refused)) from None
    if as_json:
        click.echo(json.dumps(counts, sort_keys=True))
    else:
        click.echo(", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing was due")


@group.command("bounce")
@click.option("--json", "as_json", is_flag=True)
def bounce(as_json: bool) -> None:
    """Read a delivery report or a complaint from standard input."""
    raw = sys.stdin.buffer.read(LONGEST + 1)
    try:
        with current_app.extensions["portal.database"].writing() as db:
            report = take_in(db, raw, at=clock.now())
    except ReportUnreadable as unreadable:
        raise click.ClickException(str(unreadable)) from None
    said = {"sending": report.sending_id, "kind": report.kind, "word": report.word, "status": report.status_code}
    click.echo(json.dumps(said) if as_json else f"{report.kind}: {report.word} ({report.sending_id})")


@group.command("outbox")
@click.option("--json", "as_json", is_flag=True)
def outbox(as_json: bool) -> None:
    """Say what waits, without names or addresses."""
    with current_app.extensions["portal.database"].reading() as db:
        rows = waiting(db)
    if as_json:
        shown = [
            {"sending": row.id, "state": row.state, "due_at": row.due_at.isoformat(), "reason": row.reason}
            for row in rows
        ]
        click.echo(json.dumps(shown))
        return
    for row in rows:
        click.echo(f"{row.id}  {row.due_at:%Y-%m-%d %H:%M:%S}Z  {row.state}  {row.reason or ''}".rstrip())
    click.echo(f"{len(rows)} waiting")
