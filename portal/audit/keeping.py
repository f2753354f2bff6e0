"""The log's key and checkpoints on disk, and a round of sealing over several transactions."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from portal.audit.actors import Actor
from portal.audit.checking import Finding, LogVerified, check
from portal.audit.checkpoints import Signer, load_signer
from portal.audit.record import record
from portal.audit.sealing import BATCH, Sealed, announce_key, has_unsealed, is_announced, newest_note, newest_size, seal
from portal.db import Database

_FOLDER = "checkpoints"


def log_name(base_url: str) -> str:
    """Return the name of the log: the host of the portal, as checkpoints carry it."""
    parts = urlsplit(base_url)
    return f"{parts.netloc}/audit"


def signer_of(database: Database, folder: Path, base_url: str, *, clock: Callable[[], datetime]) -> Signer:
    """Return the log's signer; where its key had to be made, that is an event."""
    folder.mkdir(parents=True, exist_ok=True)
    signer = load_signer(folder, log_name(base_url))
    with database.reading() as db:
        known = is_announced(db, signer)
    if not known:
        with database.writing() as db:
            announce_key(db, signer, by=Actor.system("sealer"), at=clock())
    return signer


def seal_all(
    database: Database, folder: Path, base_url: str, *, clock: Callable[[], datetime], full: bool = False
) -> Sealed:
    """Seal everything that waits, a batch to a transaction, and keep the last checkpoint in a folder of its own."""
    signer = signer_of(database, folder, base_url, clock=clock)
    fresh = 0
    while True:
        # An idle round takes no write lock.
        with database.reading() as db:
            waits = has_unsealed(db, full=full)
        if not waits:
            break
        with database.writing() as db:
            sealed = seal(db, signer, at=clock(), full=full)
        fresh += sealed.fresh
        if sealed.fresh < BATCH:
            break
    with database.reading() as db:
        size, note = newest_size(db), newest_note(db) or ""
    if fresh:
        keep_note(folder, size, note)
    return Sealed(fresh, size, note)


def verify_here(db: Session, folder: Path, base_url: str, *, by: Actor, at: datetime) -> Finding:
    """Seal what waits and check the whole log within one transaction; the check is an event.

    The checkpoint is not kept on disk here: the transaction may yet fail, and a kept checkpoint must be true for ever.
    """
    folder.mkdir(parents=True, exist_ok=True)
    signer = load_signer(folder, log_name(base_url))
    announce_key(db, signer, by=Actor.system("sealer"), at=at)
    fresh = BATCH
    while fresh == BATCH:
        fresh = seal(db, signer, at=at, full=True).fresh
    finding = check(db, signer.verifier_key, trusted=kept_notes(folder))
    outcome = finding.fault or "it holds"
    record(db, LogVerified(size=finding.size, outcome=outcome, first_bad=finding.first_bad), by=by, at=at)
    return finding


def keep_note(folder: Path, size: int, note: str) -> None:
    """Write a checkpoint into the folder of checkpoints; the file appears whole or not at all."""
    place = folder / _FOLDER
    place.mkdir(parents=True, exist_ok=True)
    part = place / f"{size:012d}.part"
    part.write_text(note, encoding="utf-8")
    part.replace(place / f"{size:012d}.txt")


def kept_notes(folder: Path) -> list[str]:
    """Return the checkpoints kept in the folder, the newest hundred."""
    paths = sorted((folder / _FOLDER).glob("*.txt"))[-100:]
    return [path.read_text(encoding="utf-8") for path in paths]
