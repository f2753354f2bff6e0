"""The page a doctor saw, byte for byte, from the pieces its arrangement stored."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.content.queries import fragments
from portal.microsite.models import StoredArrangement
from portal.microsite.pieces import hashes, join


@dataclass(frozen=True, slots=True)
class ReplayedPage:
    """A page joined again; `matches` says that its SHA-256 is the one stored when it was served."""

    html: bytes
    sha256: str
    at: datetime
    matches: bool


def page_bytes(db: Session, arrangement_id: str) -> ReplayedPage | None:
    """Return the page of an arrangement; None where there is no such arrangement.

    Raises KeyError if a fragment it was made of is gone, which the database's triggers forbid.
    """
    row = db.scalar(select(StoredArrangement).where(StoredArrangement.id == arrangement_id))
    if row is None:
        return None
    html = join(row.pieces, fragments(db, sorted(hashes(row.pieces)))).encode()
    sha256 = hashlib.sha256(html).hexdigest()
    return ReplayedPage(html, sha256, row.at, sha256 == row.page_sha256)
