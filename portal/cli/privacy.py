"""`privacy export|erase`: give a doctor everything kept about them, or erase it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal import clock
from portal.audit import Actor
from portal.cli.files import write_private
from portal.db import Database
from portal.hcp.actions import HcpRefused
from portal.hcp.profiles import HcpCard
from portal.hcp.queries import hcp_by_ref
from portal.privacy.erasing import erase_doctor
from portal.privacy.export import take_copy

group = AppGroup("privacy", help="What is kept about one doctor.")

_BY = Actor.system("cli")
_REF = click.option("--hcp", "ref", required=True, help="Reference of the doctor, such as H-1021.")
_REASON = "asked for by the person"


@group.command("export")
@_REF
@click.option("--to", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a new file instead.")
@click.option("--reason", default=_REASON, show_default=True, help="Why, for the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on one line; without it JSON to be read.")
def export(ref: str, path: Path | None, reason: str, as_json: bool) -> None:
    """Print everything kept about a doctor as JSON; that it was taken is an event of the audit log."""
    if path is not None and path.exists():
        raise click.BadParameter("something is there already and is left alone", param_hint="--to")
    with _database().writing() as db:
        card = _doctor(db, ref)
        copy = take_copy(db, card.id, reason=reason.strip() or _REASON, by=_BY, at=clock.now())
        text = json.dumps({"hcp": ref, **(copy or {})}, ensure_ascii=False, indent=None if as_json else 1)
        if path is not None:
            write_private(path, text.encode() + b"\n")
    if path is None:
        click.echo(text)
    else:
        click.echo(json.dumps({"path": str(path)}) if as_json else f"Everything kept about {ref} is in {path}.")


@group.command("erase")
@_REF
@click.option("--reason", default=_REASON, show_default=True, help="Why, for the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")
def erase(ref: str, reason: str, as_json: bool) -> None:
    """Erase every personal value of a doctor, at once and for good; counts and proofs stay without a person."""
    database = _database()
    try:
        with database.writing() as db:
            card = _doctor(db, ref)
            if card.erased_at is not None:
                _refuse(f"The doctor {ref} was erased before, on {card.erased_at:%Y-%m-%d %H:%M} UTC.")
            done = erase_doctor(db, card.id, reason=reason, by=_BY, at=clock.now())
    except HcpRefused as refused:
        _refuse(str(refused))
    emptied = database.empty_log()
    if as_json:
        click.echo(json.dumps({"hcp": ref, **asdict(done), "log_emptied": emptied}))
        return
    click.echo(
        f"Erased {ref}: {done.links} links and {done.visits} visits ended, {done.mails} mails without address or text, "
        f"{done.views} page views and {done.notes} notes without a person, {done.audit_values} audit entries without "
        f"personal values. Receipt: audit event {done.event}."
    )
    if not emptied:
        click.echo("The database's log was in use and is emptied at its next turn.")
    click.echo("Backups and files taken before still hold what was erased.")


def _database() -> Database:
    found: Database = current_app.extensions["portal.database"]
    return found


def _doctor(db: Session, ref: str) -> HcpCard:
    card = hcp_by_ref(db, ref)
    if card is None:
        _refuse(f"There is no doctor with the reference {ref}.")
    return card


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(1)
