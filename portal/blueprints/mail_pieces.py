"""Templates and fragments of email: read, hand to review, approve by another, withdraw."""

from datetime import UTC, datetime

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.content import queries as content
from portal.content.compare import changes
from portal.content.queries import SiteRecord
from portal.mailing import pieces, queries, samples
from portal.mailing.bounds_in_words import as_text, in_words
from portal.mailing.composing import Composed
from portal.mailing.fields import RESTRICTED
from portal.mailing.queries import PieceRow
from portal.mailing.refusals import PieceRefused
from portal.microsite.mail_links import MailLinks
from portal.staff.queries import names_of
from portal.staff.roles import Permission, may
from portal.web import guards, headers, house, identity

bp = Blueprint("mail_pieces", __name__, url_prefix="/staff/mail-pieces")


@bp.get("/")
@guards.staff(Permission.CONTENT_READ)
def home() -> ResponseReturnValue:
    """List every version of every piece."""
    rows = queries.rows(house.db(), house.now())
    brands = {site.id: site.brand for site in content.sites(house.db())}
    return render_template("mailing/pieces.html", rows=rows, brands=brands, may_write=_may_write())


@bp.get("/<version_id>")
@guards.staff(Permission.CONTENT_READ)
def version(version_id: str) -> ResponseReturnValue:
    """Show one version with its preview, its history and what can be done."""
    return _version_page(_row(version_id), None)


@bp.get("/<version_id>/html")
@guards.staff(Permission.CONTENT_READ)
def html(version_id: str) -> Response:
    """Show the mail that the version makes, filled with examples, inert, for a frame."""
    row = _row(version_id)
    headers.mail_in_a_frame()
    return Response(_sample(row, _site(row)).html, mimetype="text/html")


@bp.post("/<version_id>/submit")
@guards.staff(Permission.MAIL_WRITE)
def submit(version_id: str) -> ResponseReturnValue:
    """Hand a draft to review."""
    row = _row(version_id)
    try:
        pieces.submit(house.db(), row.id, by=_me(), at=house.now())
    except PieceRefused as refused:
        return _version_page(row, refused), 422
    flash("Handed to review. Somebody else has to approve it.", "good")
    return redirect(url_for(".version", version_id=row.id), code=303)


@bp.post("/<version_id>/review")
@guards.staff(Permission.MAIL_APPROVE)
def review(version_id: str) -> ResponseReturnValue:
    """Approve a version, or send it back with a note."""
    row, form, db, at = _row(version_id), request.form, house.db(), house.now()
    try:
        if form.get("decision") == "approve":
            pieces.approve(
                db,
                row.id,
                approval_code=form.get("code", ""),
                in_force_until=_until(form.get("until", "")),
                note=form.get("note", ""),
                by=_me(),
                at=at,
            )
            flash(f"Approved as {form.get('code', '').strip()}; it may be sent from now on.", "good")
        else:
            pieces.send_back(db, row.id, note=form.get("note", ""), by=_me(), at=at)
            flash("Sent back to its author.", "good")
    except PieceRefused as refused:
        return _version_page(row, refused), 422
    return redirect(url_for(".version", version_id=row.id), code=303)


@bp.post("/<version_id>/withdraw")
@guards.staff(Permission.CONTENT_WITHDRAW)
def withdraw(version_id: str) -> ResponseReturnValue:
    """Take an approved version out of use at once; a reason is needed."""
    row = _row(version_id)
    try:
        pieces.withdraw(house.db(), row.id, reason=request.form.get("reason", ""), by=_me(), at=house.now())
    except PieceRefused as refused:
        return _version_page(row, refused), 422
    flash("Withdrawn: mail that waits with it is stopped.", "good")
    return redirect(url_for(".version", version_id=row.id), code=303)


def _row(version_id: str) -> PieceRow:
    found = queries.rows(house.db(), house.now(), version_id=version_id)
    if not found:
        abort(404)
    return found[0]


def _version_page(row: PieceRow, refused: PieceRefused | None) -> str:
    db, at, person, site = house.db(), house.now(), identity.person(), _site(row)
    if refused is not None:
        db.rollback()  # half a deed is no deed: the page is drawn from what stands
    said = queries.reviews(db, row.id)
    versions = queries.rows(db, at, piece_id=row.piece_id)
    before = next((each for each in versions if each.number < row.number), None)
    view = request.args.get("view", "html")
    fault = [(refused.field or "review", str(refused))] if refused is not None else []
    headers.allow_own_frames()
    return render_template(
        "mailing/piece.html",
        row=row,
        brand=site.brand,
        errors=fault,
        typed=request.form,
        reviews=said,
        people=names_of(db, [row.author_id, row.approved_by or "", *(each.reviewer_id for each in said)]),
        versions=versions,
        changes=changes(as_text(before) if before else "", as_text(row)) if before else [],
        before=before,
        mail=_sample(row, site),
        view=view if view in ("html", "phone", "text") else "html",
        bounds=in_words(row, fragments=dict(queries.fragment_keys(db, row.site_id))),
        remarks=samples.remarks(db, site, row.kind, queries.content_of(row), at),
        restricted=len(RESTRICTED),
        may_write=_may_write(),
        is_mine=row.author_id == person.id,
        may_submit=row.state == "draft" and _may_write() and row.author_id == person.id,
        may_review=row.state == "in-review" and may(person, Permission.MAIL_APPROVE) and row.author_id != person.id,
        may_withdraw=row.state == "approved" and may(person, Permission.CONTENT_WITHDRAW),
    )


def _sample(row: PieceRow, site: SiteRecord) -> Composed:
    links = MailLinks(house.tokens(), house.settings().base_url)
    inert = {kind: links.inert(kind) for kind in "vup"}
    return samples.of_version(house.db(), site, row, inert=inert, at=house.now())


def _site(row: PieceRow) -> SiteRecord:
    return content.site_by_id(house.db(), row.site_id) or abort(404)


def _until(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
    except ValueError:
        raise PieceRefused("The end of validity is a date and time such as 2027-06-30 12:00.", "until") from None


def _may_write() -> bool:
    return may(identity.person(), Permission.MAIL_WRITE)


def _me() -> Actor:
    return Actor.staff(identity.person().id)
