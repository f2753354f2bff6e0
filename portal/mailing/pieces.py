"""Verbs of a piece's life: draft, edit, submit, send back, approve (two people, rendered once), withdraw."""

import hashlib
import re
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import Actor, ActorKind, record
from portal.content.models import Site
from portal.content.states import Outcome, State
from portal.db import new_id
from portal.mailing.drafts import PieceContent, faults_of_piece
from portal.mailing.events import (
    PieceApproved,
    PieceDrafted,
    PieceEdited,
    PieceReturned,
    PieceSubmitted,
    PieceWithdrawn,
)
from portal.mailing.fields import Bounds, FilledField
from portal.mailing.models import MailPiece, MailPieceVersion, MailReview
from portal.mailing.refusals import PieceMissing, PieceRefused
from portal.mailing.rendering import render
from portal.mailing.states import PieceKind

_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?")


def create_piece(db: Session, site_id: str, *, key: str, kind: PieceKind, at: datetime) -> str:
    """Make an empty piece and return its id; what it says stands in its versions."""
    if not _KEY.fullmatch(key):
        raise PieceRefused("The key has 1 to 24 characters: small letters, digits and hyphens.", "key")
    if db.scalar(select(MailPiece.id).where(MailPiece.site_id == site_id, MailPiece.key == key)) is not None:
        raise PieceRefused(f"This site has a piece {key} already.", "key")
    piece = MailPiece(id=new_id(), site_id=site_id, key=key, kind=PieceKind(kind), created_at=at)
    db.add(piece)
    db.flush()  # versions name the row
    return piece.id


def draft(db: Session, piece_id: str, content: PieceContent, *, by: Actor, at: datetime) -> str:
    """Begin the next version of a piece and return its id; raises PieceRefused naming what is wrong."""
    piece = db.get(MailPiece, piece_id, with_for_update=True)
    if piece is None:
        raise PieceMissing("There is no such piece.")
    check(PieceKind(piece.kind), content)
    last = db.scalar(select(func.max(MailPieceVersion.number)).where(MailPieceVersion.piece_id == piece_id)) or 0
    version = MailPieceVersion(
        id=new_id(), piece_id=piece_id, number=last + 1, state=State.DRAFT, author_id=by.id or by.kind, created_at=at
    )
    _write(version, content)
    db.add(version)
    db.flush()  # the next number counts this row
    event = PieceDrafted(
        site=piece.site_id,
        version=version.id,
        kind=piece.kind,
        key=piece.key,
        number=version.number,
        sha256=version.sha256,
    )
    record(db, event, by=by, at=at)
    return version.id


def edit(db: Session, version_id: str, content: PieceContent, *, by: Actor, at: datetime) -> None:
    """Replace the content of one's own draft."""
    version, piece = _find(db, version_id)
    _own_draft(version, by, "Only a draft is edited; begin the next version instead.")
    check(PieceKind(piece.kind), content)
    before = version.sha256
    if content.digest() == before:
        return
    _write(version, content)
    event = PieceEdited(version=version.id, key=piece.key, number=version.number, before=before, after=version.sha256)
    record(db, event, by=by, at=at)


def submit(db: Session, version_id: str, *, by: Actor, at: datetime) -> None:
    """Hand one's draft to review; from here on it is not edited."""
    version, piece = _find(db, version_id)
    _own_draft(version, by, "Only a draft can be submitted for review.")
    version.state, version.submitted_at = State.IN_REVIEW, at
    event = PieceSubmitted(version=version.id, key=piece.key, number=version.number, sha256=version.sha256)
    record(db, event, by=by, at=at)


def send_back(db: Session, version_id: str, *, note: str, by: Actor, at: datetime) -> None:
    """Send a version in review back to its author."""
    version, piece = _find(db, version_id)
    reviewer = _second_person(version, by)
    note = _said(note, "Say what has to change, so that the author can act on it.", "note")
    version.state, version.submitted_at = State.DRAFT, None
    _reviewed(db, version.id, reviewer, Outcome.CHANGES, note, at)
    record(db, PieceReturned(version=version.id, key=piece.key, number=version.number, note=note), by=by, at=at)


def approve(
    db: Session,
    version_id: str,
    *,
    approval_code: str,
    in_force_until: datetime | None = None,
    note: str = "",
    by: Actor,
    at: datetime,
) -> None:
    """Approve a version in review and render it, once; the version before it ends now. Raises PieceRefused."""
    version, piece = _find(db, version_id)
    reviewer = _second_person(version, by)
    site = db.get_one(Site, piece.site_id)
    code = _code(db, version, site, approval_code)
    until = _until(site, in_force_until, at)
    if content_of(version).digest() != version.sha256:
        raise PieceRefused("The content is not what was submitted; send it back to its author.")
    rendered = render(PieceKind(piece.kind), version.body, title=version.title, language=site.language)
    earlier = select(MailPieceVersion).where(
        MailPieceVersion.piece_id == piece.id, MailPieceVersion.state == State.APPROVED
    )
    for other in db.scalars(earlier):
        if other.in_force_until is None or other.in_force_until > at:
            other.in_force_until = at
    version.html, version.text, version.row_html = rendered.html, rendered.text, rendered.row_html
    version.rendered_sha256 = hashlib.sha256(f"{rendered.html}\0{rendered.text}".encode()).hexdigest()
    version.state, version.approval_code = State.APPROVED, code
    version.approved_at, version.approved_by = at, reviewer
    version.in_force_from, version.in_force_until = at, until
    note = note.strip()[:2_000]
    _reviewed(db, version.id, reviewer, Outcome.APPROVED, note, at)
    event = PieceApproved(
        version=version.id,
        key=piece.key,
        number=version.number,
        author=version.author_id,
        sha256=version.sha256,
        rendered=version.rendered_sha256,
        approval_code=code,
        in_force_from=at,
        in_force_until=until,
        note=note,
    )
    record(db, event, by=by, at=at)
    db.flush()  # what is approved can be asked for in the same transaction


def withdraw(db: Session, version_id: str, *, reason: str, by: Actor, at: datetime) -> None:
    """Take an approved version out of use at once: what waits in the outbox with it is stopped when due."""
    version, piece = _find(db, version_id)
    if version.state != State.APPROVED:
        raise PieceRefused("Only an approved version can be withdrawn.")
    reason = _said(reason, "Say why this is withdrawn; the reason is kept.", "reason")
    version.state, version.withdrawn_at, version.withdrawn_reason = State.WITHDRAWN, at, reason
    record(db, PieceWithdrawn(version=version.id, key=piece.key, number=version.number, reason=reason), by=by, at=at)


def check(kind: PieceKind, content: PieceContent) -> None:
    """Raise PieceRefused naming the first thing that is wrong with a draft."""
    for fault in faults_of_piece(kind, content):
        raise PieceRefused(fault.sentence, fault.field)


def content_of(version: MailPieceVersion) -> PieceContent:
    """Return what a version says."""
    return PieceContent(
        title=version.title,
        body=version.body,
        subject=version.subject,
        fields=tuple(FilledField.model_validate(field) for field in version.fields),
        bounds=Bounds.model_validate(version.bounds),
        audiences=tuple(version.audiences),
    )


def _write(version: MailPieceVersion, content: PieceContent) -> None:
    version.title, version.subject, version.body = content.title.strip(), content.subject.strip(), content.body
    version.fields = [field.as_stored() for field in content.fields]
    version.bounds = content.bounds.model_dump(mode="json")
    version.audiences = list(content.audiences)
    version.sha256 = content_of(version).digest()


def _find(db: Session, version_id: str) -> tuple[MailPieceVersion, MailPiece]:
    piece_id = db.scalar(select(MailPieceVersion.piece_id).where(MailPieceVersion.id == version_id))
    if piece_id is None:
        raise PieceMissing("There is no such version.")
    # The parent is locked first: approving two versions of one piece at once waits here.
    piece = db.get_one(MailPiece, piece_id, with_for_update=True)
    return db.get_one(MailPieceVersion, version_id, with_for_update=True, populate_existing=True), piece


def _own_draft(version: MailPieceVersion, by: Actor, sentence: str) -> None:
    if version.state != State.DRAFT:
        raise PieceRefused(sentence)
    if version.author_id != (by.id or by.kind):
        raise PieceRefused("Only its author can change or submit this draft.")


def _second_person(version: MailPieceVersion, by: Actor) -> str:
    if version.state != State.IN_REVIEW:
        raise PieceRefused("Only a version in review can be reviewed.")
    if by.kind is not ActorKind.STAFF or by.id is None:
        raise PieceRefused("Only a signed-in person can review.")
    if by.id == version.author_id:
        raise PieceRefused("The author cannot review their own version; a second person has to.")
    return by.id


def _code(db: Session, version: MailPieceVersion, site: Site, code: str) -> str:
    code = code.strip()
    if not code or len(code) > 60 or not code.isprintable():
        raise PieceRefused("An approval code of 1 to 60 characters is needed.", "code")
    pattern = site.settings.get("approval_code_pattern")
    if pattern and not re.fullmatch(pattern, code):
        raise PieceRefused(f"The approval code {code} does not have the form this site asks for ({pattern}).", "code")
    taken = select(MailPieceVersion.id).where(MailPieceVersion.approval_code == code, MailPieceVersion.id != version.id)
    if db.scalar(taken.limit(1)) is not None:
        raise PieceRefused(f"The approval code {code} belongs to another version; each has its own.", "code")
    return code


def _until(site: Site, until: datetime | None, at: datetime) -> datetime | None:
    if until is not None and until <= at:
        raise PieceRefused("The end of validity lies in the past.", "until")
    days = site.settings.get("longest_validity_days")
    latest = at + timedelta(days=int(days)) if days else None
    if until is not None and latest is not None and until > latest:
        raise PieceRefused(f"This site approves content for at most {days} days; then it is reviewed again.", "until")
    return until or latest


def _reviewed(db: Session, version_id: str, reviewer: str, outcome: Outcome, note: str, at: datetime) -> None:
    db.add(MailReview(id=new_id(), version_id=version_id, reviewer_id=reviewer, outcome=outcome, note=note, at=at))


def _said(text: str, sentence: str, field: str) -> str:
    text = text.strip().replace("\x00", "")
    if len(text) < 3:
        raise PieceRefused(sentence, field)
    return text[:2_000]
