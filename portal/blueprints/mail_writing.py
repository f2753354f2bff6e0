"""The form of a template or fragment of email: rows to add and move, live checks, a preview of what is typed."""

from dataclasses import replace
from html import escape

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.content import queries as content
from portal.content.queries import SiteRecord
from portal.hcp.profiles import AUDIENCES
from portal.mailing import piece_forms, pieces, queries, samples
from portal.mailing.blockers import mail_settings
from portal.mailing.composing import Composed
from portal.mailing.drafts import PieceContent
from portal.mailing.fields import RESTRICTED
from portal.mailing.piece_forms import PieceForm
from portal.mailing.queries import PieceRow
from portal.mailing.refusals import Fault, PieceRefused
from portal.microsite.mail_links import MailLinks
from portal.staff.roles import Permission
from portal.web import guards, headers, house, htmx, identity

bp = Blueprint("mail_writing", __name__, url_prefix="/staff/mail-pieces")


@bp.get("/new")
@guards.staff(Permission.MAIL_WRITE)
def new() -> ResponseReturnValue:
    """Show a form with an example in it."""
    return _page(None, piece_forms.changed(PieceForm(), ""), [])


@bp.post("/new")
@guards.staff(Permission.MAIL_WRITE)
def create() -> ResponseReturnValue:
    """Make a piece with its first draft; any other button changes the form only."""
    typed, act = piece_forms.read(request.form.to_dict(flat=False)), request.form.get("do", "save")
    if act != "save":
        return _page(None, piece_forms.changed(typed, act), [], act=act)
    db, at, site = house.db(), house.now(), _site(typed)
    drafted, faults = _judged(typed)
    if site is None:
        faults.insert(0, Fault("site", "Choose a site."))
    if faults or drafted is None or site is None:
        return _page(None, typed, faults)
    try:
        piece_id = pieces.create_piece(db, site.id, key=typed.key, kind=typed.kind, at=at)
        version_id = pieces.draft(db, piece_id, drafted, by=_me(), at=at)
    except PieceRefused as refused:
        return _page(None, typed, [Fault(refused.field or "body", str(refused))])
    flash("The draft is kept.", "good")
    return redirect(url_for("mail_pieces.version", version_id=version_id), code=303)


@bp.get("/<version_id>/edit")
@guards.staff(Permission.MAIL_WRITE)
def edit_form(version_id: str) -> ResponseReturnValue:
    """Show the form with what the version says."""
    row = _row(version_id)
    site = content.site_by_id(house.db(), row.site_id)
    return _page(row, piece_forms.form_of(row, site=site.key if site else ""), [])


@bp.post("/<version_id>/edit")
@guards.staff(Permission.MAIL_WRITE)
def edit(version_id: str) -> ResponseReturnValue:
    """Change one's draft; of any other version, begin the next one. Any other button changes the form only."""
    row, db, at, act = _row(version_id), house.db(), house.now(), request.form.get("do", "save")
    typed = _typed_for(row)
    if act != "save":
        return _page(row, piece_forms.changed(typed, act), [], act=act)
    drafted, faults = _judged(typed)
    if faults or drafted is None:
        return _page(row, typed, faults)
    try:
        if _is_own_draft(row):
            pieces.edit(db, row.id, drafted, by=_me(), at=at)
        else:
            version_id = pieces.draft(db, row.piece_id, drafted, by=_me(), at=at)
    except PieceRefused as refused:
        return _page(row, typed, [Fault(refused.field or "body", str(refused))])
    flash("The draft is kept.", "good")
    return redirect(url_for("mail_pieces.version", version_id=version_id), code=303)


@bp.post("/preview")
@guards.staff(Permission.MAIL_WRITE)
def preview() -> Response:
    """Show the mail that the form makes, filled with examples, inert, for a frame; nothing is kept."""
    typed = piece_forms.read(request.form.to_dict(flat=False))
    mail, faults = _mail(typed)
    headers.mail_in_a_frame()
    if mail is not None:
        return Response(mail.html, mimetype="text/html")
    said = "".join(f"<li>{escape(fault.sentence)}</li>" for fault in faults)
    shown = f"<!doctype html><title>Nothing to show yet</title><p>Mend this first:</p><ul>{said}</ul>"
    return Response(shown, 422, mimetype="text/html")


def _page(row: PieceRow | None, typed: PieceForm, faults: list[Fault], *, act: str = "") -> Response:
    db, at, site = house.db(), house.now(), _site(typed)
    drafted, found = _judged(typed)
    mail, _ = _mail(typed) if drafted is not None and not found else (None, [])
    headers.allow_own_frames()
    return htmx.page_or_part(
        "mailing/piece_form.html",
        "findings" if act == "findings" else "editor",
        422 if faults else 200,
        row=row,
        form=typed,
        is_next=row is not None and not _is_own_draft(row),
        summary=[(fault.field.replace(".", "_"), fault.sentence) for fault in faults],
        wrong=_by_field(faults),
        findings=[(fault.field.replace(".", "_"), fault.sentence) for fault in found],
        mail=mail,
        remarks=samples.remarks(db, site, typed.kind, drafted, at) if drafted is not None and site else [],
        sites=[(each.key, each.brand) for each in content.sites(db)],
        fragments=[(key, f"{title} ({key})") for key, title in queries.fragment_keys(db, site.id)] if site else [],
        modules=[(each.key, each.title) for each in content.modules_in_force(db, site.id, at)] if site else [],
        audiences=[(each, each.capitalize()) for each in AUDIENCES],
        restricted=sorted({*RESTRICTED, *(mail_settings(site).restricted if site else ())}),
        action=url_for(".edit", version_id=row.id) if row is not None else url_for(".create"),
    )


def _judged(typed: PieceForm) -> tuple[PieceContent | None, list[Fault]]:
    drafted, faults = piece_forms.judged(typed)
    if drafted is not None and not faults and _site(typed) is not None:
        faults = _mail_of(typed, drafted)[1]
    return drafted, faults


def _mail(typed: PieceForm) -> tuple[Composed | None, list[Fault]]:
    drafted, faults = piece_forms.judged(typed)
    return (None, faults) if drafted is None or faults else _mail_of(typed, drafted)


def _mail_of(typed: PieceForm, drafted: PieceContent) -> tuple[Composed | None, list[Fault]]:
    site = _site(typed)
    if site is None:
        return None, [Fault("site", "Choose a site.")]
    links = MailLinks(house.tokens(), house.settings().base_url)
    inert = {kind: links.inert(kind) for kind in "vup"}
    try:
        return samples.of_draft(house.db(), site, typed.kind, drafted, inert=inert, at=house.now()), []
    except PieceRefused as refused:
        return None, [Fault("body", str(refused))]


def _site(typed: PieceForm) -> SiteRecord | None:
    sites = content.sites(house.db())
    if not typed.site and len(sites) == 1:
        return sites[0]
    return next((site for site in sites if site.key == typed.site), None)


def _typed_for(row: PieceRow) -> PieceForm:
    """Return what was typed for a piece that exists: its kind, key and site do not change."""
    site = content.site_by_id(house.db(), row.site_id)
    typed = piece_forms.read(request.form.to_dict(flat=False), kind=row.kind)
    return replace(typed, key=row.key, site=site.key if site else "")


def _by_field(faults: list[Fault]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    for fault in faults:
        wrong.setdefault(fault.field, []).append(fault.sentence)
    return wrong


def _row(version_id: str) -> PieceRow:
    found = queries.rows(house.db(), house.now(), version_id=version_id)
    if not found:
        abort(404)
    return found[0]


def _is_own_draft(row: PieceRow) -> bool:
    return row.state == "draft" and row.author_id == identity.person().id


def _me() -> Actor:
    return Actor.staff(identity.person().id)
