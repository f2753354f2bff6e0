"""`audit seal|verify|export|checkpoint`: seal the audit log, check it, and take proofs away."""

import json
import os
from pathlib import Path
from typing import NoReturn

import click
from flask import current_app
from flask.cli import AppGroup

from portal import clock
from portal.audit import Actor, record, sealing, verifier
from portal.audit.bundles import BundleRefused, bundle
from portal.audit.checking import Finding, LogVerified, check
from portal.audit.checkpoints import CheckpointRefused
from portal.audit.keeping import kept_notes, seal_all, signer_of
from portal.db import Database, is_id

group = AppGroup("audit", help="The sealed audit log.")

_BY = Actor.system("cli")


@group.command("seal")
@click.option("--json", "as_json", is_flag=True)
def seal(as_json: bool) -> None:
    """Seal every committed event and sign a checkpoint of the whole."""
    sealed = seal_all(_database(), _folder(), _origin(), clock=clock.now, full=True)
    if as_json:
        click.echo(json.dumps({"fresh": sealed.fresh, "size": sealed.size, "checkpoint": sealed.note}))
    else:
        click.echo(f"sealed {sealed.fresh} events; the log has {sealed.size}")


@group.command("verify")
@click.option("--trusted-checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def verify(trusted_checkpoint: Path | None, as_json: bool) -> None:
    """Check every entry, checkpoint and column; exit code 1 at the first that does not hold."""
    brought = [_text_of(trusted_checkpoint)] if trusted_checkpoint is not None else []
    signer = signer_of(_database(), _folder(), _origin(), clock=clock.now)
    trusted = [*kept_notes(_folder()), *brought]
    with _database().reading() as db:
        finding = check(db, signer.verifier_key, trusted=trusted)
    with _database().writing() as db:
        outcome = finding.fault or "it holds"
        event = LogVerified(size=finding.size, outcome=outcome, first_bad=finding.first_bad)
        record(db, event, by=_BY, at=clock.now())
    _say(finding, as_json)
    raise SystemExit(0 if finding.holds else 1)


@group.command("checkpoint")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Also write it into a folder.")
@click.option("--json", "as_json", is_flag=True)
def checkpoint(folder: Path | None, as_json: bool) -> None:
    """Print the newest signed checkpoint, to be kept where nobody here can change it."""
    signer = signer_of(_database(), _folder(), _origin(), clock=clock.now)
    with _database().reading() as db:
        note, size = sealing.newest_note(db), sealing.newest_size(db)
    if note is None:
        _refuse("Nothing is sealed yet: run `audit seal` first.")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{size:012d}.txt").write_text(note, encoding="utf-8")
    if as_json:
        click.echo(json.dumps({"size": size, "checkpoint": note, "key": signer.verifier_key}))
    else:
        click.echo(note, nl=False)


@group.command("export")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--event", "events", multiple=True, help="Only this event, with its proof; may be given again.")
@click.option("--since", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An older checkpoint.")
@click.option("--json", "as_json", is_flag=True)
def export(path: Path, events: tuple[str, ...], since: Path | None, as_json: bool) -> None:
    """Write a bundle to PATH and the stand-alone verifier beside it."""
    if any(not is_id(each) for each in events):
        raise click.BadParameter("the id of an event has 32 characters, 0 to 9 and a to f", param_hint="--event")
    if path.exists() and not path.is_file():
        raise click.BadParameter("what is there is no ordinary file and is left alone", param_hint="PATH")
    beside = path.with_name("verify_audit.py")
    if path == beside:
        raise click.BadParameter("the verifier goes there; give another name", param_hint="PATH")
    older = _text_of(since) if since is not None else None
    signer = signer_of(_database(), _folder(), _origin(), clock=clock.now)
    part = path.with_name(f"{path.name}.part")
    lines = 0
    try:
        with _database().reading() as db, part.open("wb") as file:
            for line in bundle(db, signer.verifier_key, events=events or None, since=older):
                file.write(line)
                lines += 1
        os.replace(part, path)
    except (BundleRefused, CheckpointRefused) as refused:
        part.unlink(missing_ok=True)
        _refuse(str(refused))
    beside.write_text(Path(verifier.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    said = {"path": str(path), "entries": lines - 1, "verifier": str(beside), "key": signer.verifier_key}
    if as_json:
        click.echo(json.dumps(said))
    else:
        click.echo(f"{lines - 1} entries in {path}; check with: python {beside} {path} --key '{signer.verifier_key}'")


def _say(finding: Finding, as_json: bool) -> None:
    if as_json:
        told = {
            "holds": finding.holds,
            "size": finding.size,
            "root": finding.root,
            "waiting": finding.waiting,
            "erased": finding.erased,
            "fault": finding.fault,
            "first_bad": finding.first_bad,
        }
        click.echo(json.dumps(told))
    elif finding.holds:
        newest = f" at {finding.newest_at:%Y-%m-%d %H:%M:%S} UTC" if finding.newest_at else ""
        click.echo(f"verified to entry {finding.size:,}{newest}; {finding.waiting} wait to be sealed")
    else:
        click.echo(f"DOES NOT HOLD: {finding.fault}")


def _database() -> Database:
    found = current_app.extensions["portal.database"]
    assert isinstance(found, Database)
    return found


def _folder() -> Path:
    return Path(current_app.extensions["portal.settings"].instance_path)


def _origin() -> str:
    return str(current_app.extensions["portal.settings"].base_url)


def _text_of(checkpoint: Path) -> str:
    try:
        return checkpoint.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        _refuse(f"{checkpoint} cannot be read as text, so it is no checkpoint.")


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(1)
