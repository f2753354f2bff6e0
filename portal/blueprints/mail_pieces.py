"""Templates and fragments of email: write, preview, hand to review, approve by another, withdraw."""

import json

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from portal.audit import Actor
from portal.content import queries as content
from portal.mailing import pieces, queries
from portal.mailing.fields import Bounds, FilledField
from portal.mailing.pieces import PieceContent
from portal.mailing.queries import PieceRow
from portal.mailing.refusals import PieceRefused
from portal.mailing.rendering import render
from portal.mailing.states import PieceKind
from portal.staff.queries import names_of
from portal.staff.roles import Permission, may
from portal.web import guards, headers, house, identity

bp = Blueprint("mail_pieces", __name__, url_prefix="/staff/mail-pieces")

_EXAMPLE = """<mj-section background-color="#ffffff"><mj-column>
<mj-text>Dear {{hcp.salutation}},</mj-text>
<mj-button href="{{link.home}}">Open my page</mj-button>
</mj-column></mj-section>
{{fragments}}
<mj-section background-color="#ffffff"><mj-column>
<mj-text font-size="13px">{{sender.address}}<br/><a href="{{unsubscribe}}">Unsubscribe</a></mj-text>
</mj-column></mj-section>"""


@bp.get("/")
@guards.staff(Permission.CONTENT_READ)
def home() -> ResponseReturnValue:
    """List every version of every piece."""
    rows = queries.rows(house.db(), house.now())
    brands = {site.id: site.brand for site in content.sites(house.db())}
    return render_template("mailing/pieces.html", rows=rows, brands=brands, may_write=_may_write())


@bp.get("/new")
@guards.staff(Permission.MAIL_WRITE)
def new() -> ResponseReturnValue:
    """Show an empty form."""
    return _form(None, {"kind": "template", "body": _EXAMPLE, "fields": "[]", "bounds": "{}"}, "")


@bp.post("/new")
@guards.staff(Permission.MAIL_WRITE)
def create() -> ResponseReturnValue:
    """Make a piece with its first draft."""
    db, at, given = house.db(), house.now(), request.form.to_dict()
    site = content.site_by_key(db, given.get("site", ""))
    try:
        if site is None:
            raise PieceRefused("Choose a site.")
        drafted = _content(given)
        kind = PieceKind.FRAGMENT if given.get("kind") == "fragment" else PieceKind.TEMPLATE
        pieces.check(kind, drafted)
        piece_id = pieces.create_piece(db, site.id, key=given.get("key", ""), kind=kind, at=at)
        version_id = pieces.draft(db, piece_id, drafted, by=_me(), at=at)
    except PieceRefused as refused:
        return _form(None, given, str(refused)), 422
    return redirect(url_for(".version", version_id=version_id), code=303)


@bp.get("/<version_id>")
@guards.staff(Permission.CONTENT_READ)
def version(version_id: str) -> ResponseReturnValue:
    """Show one version with its preview, its history and what can be done."""
    return _version_page(_row(version_id), "")


@bp.get("/<version_id>/html")
@guards.staff(Permission.CONTENT_READ)
def html(version_id: str) -> Response:
    """Show the rendered piece with its placeholders, inert, for a frame."""
    row = _row(version_id)
    shown = row.html
    if shown is None:
        site = content.site_by_id(house.db(), row.site_id)
        language = site.language if site else "en"
        shown = render(row.kind, row.body, title=row.title, language=language).html
    headers.mail_in_a_frame()
    return Response(shown, mimetype="text/html")


@bp.get("/<version_id>/edit")
@guards.staff(Permission.MAIL_WRITE)
def edit_form(version_id: str) -> ResponseReturnValue:
    """Show the form with what the version says."""
    row = _row(version_id)
    return _form(row, _given(row), "")


@bp.post("/<version_id>/edit")
@guards.staff(Permission.MAIL_WRITE)
def edit(version_id: str) -> ResponseReturnValue:
    """Change one's draft; of any other version, begin the next one."""
    row, given, db, at = _row(version_id), request.form.to_dict(), house.db(), house.now()
    try:
        drafted = _content(given)
        if row.state == "draft" and row.author_id == identity.person().id:
            pieces.edit(db, row.id, drafted, by=_me(), at=at)
        else:
            version_id = pieces.draft(db, row.piece_id, drafted, by=_me(), at=at)
    except PieceRefused as refused:
        return _form(row, given, str(refused)), 422
    return redirect(url_for(".version", version_id=version_id), code=303)


@bp.post("/<version_id>/submit")
@guards.staff(Permission.MAIL_WRITE)
def submit(version_id: str) -> ResponseReturnValue:
    """Hand a draft to review."""
    row = _row(version_id)
    try:
        pieces.submit(house.db(), row.id, by=_me(), at=house.now())
    except PieceRefused as refused:
        return _version_page(row, str(refused)), 422
    return redirect(url_for(".version", version_id=row.id), code=303)


@bp.post("/<version_id>/review")
@guards.staff(Permission.MAIL_APPROVE)
def review(version_id: str) -> ResponseReturnValue:
    """Approve a version, or send it back with a note."""
    row, form, db, at = _row(version_id), request.form, house.db(), house.now()
    try:
        if form.get("decision") == "approve":
            pieces.approve(db, row.id, approval_code=form.get("code", ""), note=form.get("note", ""), by=_me(), at=at)
        else:
            pieces.send_back(db, row.id, note=form.get("note", ""), by=_me(), at=at)
    except PieceRefused as refused:
        return _version_page(row, str(refused)), 422
    return redirect(url_for(".version", version_id=row.id), code=303)


@bp.post("/<version_id>/withdraw")
@guards.staff(Permission.CONTENT_WITHDRAW)
def withdraw(version_id: str) -> ResponseReturnValue:
    """Take an approved version out of use at once; a reason is needed."""
    row = _row(version_id)
    try:
        pieces.withdraw(house.db(), row.id, reason=request.form.get("reason", ""), by=_me(), at=house.now())
    except PieceRefused as refused:
        return _version_page(row, str(refused)), 422
    flash("Withdrawn: mail that waits with it is stopped.", "good")
    return redirect(url_for(".version", version_id=row.id), code=303)


def _row(version_id: str) -> PieceRow:
    found = queries.rows(house.db(), house.now(), version_id=version_id)
    if not found:
        abort(404)
    return found[0]


def _given(row: PieceRow) -> dict[str, str]:
    fields = [field.model_dump(mode="json", exclude_defaults=True) for field in row.fields]
    return {
        "title": row.title,
        "subject": row.subject,
        "body": row.body,
        "fields": json.dumps(fields, indent=1, ensure_ascii=False),
        "bounds": row.bounds.model_dump_json(exclude_defaults=True),
        "audiences": ", ".join(row.audiences),
    }


def _content(given: dict[str, str]) -> PieceContent:
    try:
        fields = json.loads(given.get("fields", "") or "[]")
        bounds = Bounds.model_validate(json.loads(given.get("bounds", "") or "{}"))
        filled = tuple(FilledField.model_validate(each) for each in fields if isinstance(fields, list))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(map(str, first["loc"])) or "as a whole"
        raise PieceRefused(f"Fields or bounds: {place}: {first['msg']}") from None
    except (ValueError, TypeError, RecursionError):
        raise PieceRefused("Fields and bounds are JSON, such as [] and {}.") from None
    return PieceContent(
        title=given.get("title", ""),
        body=given.get("body", "").replace("\r\n", "\n"),
        subject=given.get("subject", ""),
        fields=filled,
        bounds=bounds,
        audiences=tuple(each.strip() for each in given.get("audiences", "").split(",") if each.strip()),
    )


def _form(row: PieceRow | None, given: dict[str, str], error: str) -> str:
    sites = [(site.key, site.brand) for site in content.sites(house.db())]
    return render_template("mailing/piece_form.html", row=row, given=given, error=error, sites=sites)


def _version_page(row: PieceRow, error: str) -> str:
    person = identity.person()
    said = queries.reviews(house.db(), row.id)
    headers.allow_own_frames()
    return render_template(
        "mailing/piece.html",
        row=row,
        error=error,
        reviews=said,
        people=names_of(house.db(), [row.author_id, *(each.reviewer_id for each in said)]),
        others=[each for each in queries.rows(house.db(), house.now(), piece_id=row.piece_id) if each.id != row.id],
        may_write=_may_write(),
        may_submit=row.state == "draft" and row.author_id == person.id,
        may_review=row.state == "in-review" and may(person, Permission.MAIL_APPROVE) and row.author_id != person.id,
        may_withdraw=row.state == "approved" and may(person, Permission.CONTENT_WITHDRAW),
    )


def _may_write() -> bool:
    return may(identity.person(), Permission.MAIL_WRITE)


def _me() -> Actor:
    return Actor.staff(identity.person().id)
