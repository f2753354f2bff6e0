"""Questions about pieces: what may be sent now, and what their authors and reviewers see."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from portal.content.states import Standing, State, standing
from portal.mailing.drafts import PieceContent
from portal.mailing.fields import Bounds, FilledField
from portal.mailing.models import MailPiece, MailPieceVersion, MailReview
from portal.mailing.states import PieceKind


@dataclass(frozen=True, slots=True)
class Piece:
    """A version of a template or fragment as it goes into mail."""

    id: str
    piece_id: str
    site_id: str
    key: str
    kind: PieceKind
    number: int
    title: str
    subject: str
    fields: tuple[FilledField, ...]
    bounds: Bounds
    audiences: tuple[str, ...]
    html: str
    text: str
    row_html: str
    approval_code: str
    in_force_until: datetime | None


@dataclass(frozen=True, slots=True)
class PieceRow:
    """A version in the lists of the studio."""

    id: str
    piece_id: str
    site_id: str
    key: str
    kind: PieceKind
    number: int
    title: str
    subject: str
    body: str
    fields: tuple[FilledField, ...]
    bounds: Bounds
    audiences: tuple[str, ...]
    state: str
    standing: Standing
    author_id: str
    created_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    approval_code: str | None
    in_force_until: datetime | None
    submitted_at: datetime | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None
    html: str | None
    text: str | None
    row_html: str | None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """What a reviewer said."""

    reviewer_id: str
    outcome: str
    note: str
    at: datetime


def pieces_in_force(db: Session, site_id: str, kind: PieceKind, at: datetime) -> list[Piece]:
    """Return the pieces of a site that may be sent at `at`, by title."""
    return sorted(_pieces(db, MailPiece.site_id == site_id, MailPiece.kind == kind, served(at)), key=lambda p: p.title)


def piece_in_force(db: Session, version_id: str, at: datetime) -> Piece | None:
    """Return one version if it may be sent at `at`, or nothing."""
    return next(iter(_pieces(db, MailPieceVersion.id == version_id, served(at))), None)


def pieces_by_id(db: Session, version_ids: Iterable[str]) -> dict[str, Piece]:
    """Return approved versions by id, in force or not; unknown ids are left out."""
    return {piece.id: piece for piece in _pieces(db, MailPieceVersion.id.in_(set(version_ids)))}


def served(at: datetime) -> ColumnElement[bool]:
    """Return the condition for being in force at `at`; the moment of the end is excluded."""
    return and_(
        MailPieceVersion.state == State.APPROVED,
        MailPieceVersion.in_force_from <= at,
        or_(MailPieceVersion.in_force_until.is_(None), MailPieceVersion.in_force_until > at),
    )


def rows(db: Session, at: datetime, *, piece_id: str | None = None, version_id: str | None = None) -> list[PieceRow]:
    """Return versions for the studio: all, those of a piece, or one; by key, the newest first."""
    query = select(MailPiece, MailPieceVersion).join(MailPieceVersion, MailPieceVersion.piece_id == MailPiece.id)
    if piece_id is not None:
        query = query.where(MailPiece.id == piece_id)
    if version_id is not None:
        query = query.where(MailPieceVersion.id == version_id)
    found = db.execute(query.order_by(MailPiece.key, MailPieceVersion.number.desc())).all()
    newest = {
        piece.id: max(v.number for p, v in found if p.id == piece.id and v.approved_at)
        for piece, version in found
        if version.approved_at
    }
    return [
        PieceRow(
            id=version.id,
            piece_id=piece.id,
            site_id=piece.site_id,
            key=piece.key,
            kind=PieceKind(piece.kind),
            number=version.number,
            title=version.title,
            subject=version.subject,
            body=version.body,
            fields=tuple(FilledField.model_validate(each) for each in version.fields),
            bounds=Bounds.model_validate(version.bounds),
            audiences=tuple(version.audiences),
            state=version.state,
            standing=standing(
                version.state,
                version.in_force_from,
                version.in_force_until,
                at,
                superseded=version.number < newest.get(piece.id, 0),
            ),
            author_id=version.author_id,
            created_at=version.created_at,
            approved_by=version.approved_by,
            approved_at=version.approved_at,
            approval_code=version.approval_code,
            in_force_until=version.in_force_until,
            submitted_at=version.submitted_at,
            withdrawn_at=version.withdrawn_at,
            withdrawn_reason=version.withdrawn_reason,
            html=version.html,
            text=version.text,
            row_html=version.row_html,
        )
        for piece, version in found
    ]


def fragment_keys(db: Session, site_id: str) -> list[tuple[str, str]]:
    """Return the key and newest title of every fragment of a site, by key, in force or not."""
    query = (
        select(MailPiece.key, MailPieceVersion.title)
        .join(MailPieceVersion, MailPieceVersion.piece_id == MailPiece.id)
        .where(MailPiece.site_id == site_id, MailPiece.kind == PieceKind.FRAGMENT)
        .order_by(MailPiece.key, MailPieceVersion.number)
    )
    return list({key: (key, title) for key, title in db.execute(query)}.values())


def reviews(db: Session, version_id: str) -> list[ReviewRow]:
    """Return what reviewers said of a version, newest first."""
    query = select(MailReview).where(MailReview.version_id == version_id).order_by(MailReview.at.desc(), MailReview.id)
    return [ReviewRow(row.reviewer_id, row.outcome, row.note, row.at) for row in db.scalars(query)]


def content_of(row: PieceRow) -> PieceContent:
    """Return what a version says, as its author writes it."""
    return PieceContent(row.title, row.body, row.subject, row.fields, row.bounds, row.audiences)


def _pieces(db: Session, *conditions: ColumnElement[bool]) -> list[Piece]:
    query = (
        select(MailPiece, MailPieceVersion)
        .join(MailPieceVersion, MailPieceVersion.piece_id == MailPiece.id)
        .where(MailPieceVersion.html.is_not(None), *conditions)
        .order_by(MailPiece.key)
    )
    return [
        Piece(
            id=version.id,
            piece_id=piece.id,
            site_id=piece.site_id,
            key=piece.key,
            kind=PieceKind(piece.kind),
            number=version.number,
            title=version.title,
            subject=version.subject,
            fields=tuple(FilledField.model_validate(field) for field in version.fields),
            bounds=Bounds.model_validate(version.bounds),
            audiences=tuple(version.audiences),
            html=version.html or "",
            text=version.text or "",
            row_html=version.row_html or "",
            approval_code=version.approval_code or "",
            in_force_until=version.in_force_until,
        )
        for piece, version in db.execute(query).all()
    ]
