"""`backup PATH`: a whole and consistent copy of the database in one file, taken while the portal runs."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from portal import clock
from portal.audit import Actor, record
from portal.audit.reading import BackupTaken
from portal.cli.files import settle
from portal.db import Database, migrate


@click.command("backup")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def group(path: Path, as_json: bool) -> None:
    """Write a copy of the database to PATH, a new file; on PostgreSQL an archive for pg_restore.

    The copy is checked before it gets its name. Exit code 1 where it cannot be made: nothing is left then.
    """
    database: Database = current_app.extensions["portal.database"]
    if path.exists() or path.is_symlink():
        raise click.BadParameter("something is there already and is left alone", param_hint="PATH")
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}", param_hint="PATH")
    if not migrate.state(database).current:
        raise click.ClickException("there is nothing to copy: the database has no tables; see db upgrade")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # personal data: for its owner only
        if database.is_sqlite:
            _copy_sqlite(Path(str(database.url.database)), part)
        else:
            _dump_postgres(database, part)
        size, sha256 = _sealed(part)
        settle(part, path)
    except sqlite3.Error as fault:
        raise click.ClickException(f"the copy cannot be made: {fault}") from None
    finally:
        part.unlink(missing_ok=True)
    with database.writing() as db:
        record(db, BackupTaken(sha256=sha256, size=size), by=Actor.system("cli"), at=clock.now())
    instance = current_app.extensions["portal.settings"].instance_path
    if as_json:
        click.echo(json.dumps({"path": str(path), "bytes": size, "sha256": sha256, "keys": str(instance)}))
        return
    click.echo(f"{size:,} bytes in {path}, SHA-256 {sha256}.")
    click.echo(f"Keep the keys of {instance}/ beside it, in another place: without them links and the log's seal end.")


def _copy_sqlite(source: Path, part: Path) -> None:
    live = sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True, timeout=10)
    copy = sqlite3.connect(part)
    try:
        live.backup(copy)  # in one step: a snapshot, whoever writes meanwhile
        copy.execute("PRAGMA journal_mode=DELETE")
        [found] = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok" or copy.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise click.ClickException(f"the copy is not whole ({found}); the database itself needs looking after")
    finally:
        copy.close()
        live.close()


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _dump_postgres(database: Database, part: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise click.ClickException("pg_dump, which copies a PostgreSQL database, is not on this machine's PATH")
    url = database.url.set(drivername="postgresql")
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    said = url.set(password=None).render_as_string(hide_password=False)
    command = [program, "--format=custom", "--no-password", f"--file={part}", f"--dbname={said}"]
    done = subprocess.run(command, env=os.environ | password, capture_output=True, text=True)
    if done.returncode:
        why = done.stderr.strip().splitlines() or ["no reason was given"]
        raise click.ClickException(f"pg_dump refused: {why[-1]}")


def _sealed(part: Path) -> tuple[int, str]:
    """Return size and SHA-256 of the copy once it is on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
        return part.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
