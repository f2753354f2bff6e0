"""Content from draft to withdrawal: what a site serves, one version with its text and history, and its review."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal.audit import Actor
from portal.content import actions, forms, history, queries
from portal.content.actions import ContentRefused
from portal.content.history import VersionText
from portal.content.queries import SiteRecord
from portal.content.questions import answers_of
from portal.db import is_id
from portal.hcp.profiles import AUDIENCES
from portal.microsite.fragments import cited, renderer
from portal.microsite.press import Press
from portal.microsite.preview import preview_html
from portal.reports.shelves import shelves
from portal.staff import queries as staff
from portal.staff.roles import Permission, may
from portal.web import assets, guards, headers, house, identity

bp = Blueprint("studio", __name__, url_prefix="/staff/content")

_PLACES = (("code", "approval_code"), ("validity", "until"), ("at most", "until"), ("come into force", "since"))


@bp.get("/")
@guards.staff(Permission.CONTENT_READ)
def home() -> ResponseReturnValue:
    """Show what a site serves and what is under way."""
    db, at, site = house.db(), house.now(), _site(request.args.get("site", ""))
    rows = history.shelf(db, site.id, at)
    return render_template(
        "studio/home.html",
        site=site,
        sites=queries.sites(db),
        modules=shelves(rows, "module"),
        blocks=shelves(rows, "block"),
        missing=queries.missing_blocks(db, site, at),
        outdated=history.quoting_older_label(db, site.id, at),
        labels=history.labels(db, site.id),
        waiting=len(history.awaiting_review(db, at)),
        **_rights(),
    )


@bp.get("/review")
@guards.staff(Permission.CONTENT_READ)
def queue() -> ResponseReturnValue:
    """List what waits for review, longest waiting first, and say what the reader wrote themselves."""
    rows = history.awaiting_review(house.db(), house.now())
    people = staff.names_of(house.db(), {row.author_id for row in rows})
    return render_template("studio/queue.html", rows=rows, people=people, me=identity.person().id, **_rights())


@bp.get("/versions/<version_id>")
@guards.staff(Permission.CONTENT_READ)
def version(version_id: str) -> ResponseReturnValue:
    """Show one version: as doctors see it, where it comes from, what changed, what was said of it."""
    return _version_page(_version(version_id))


@bp.get("/versions/<version_id>/preview")
@guards.staff(Permission.CONTENT_READ)
def preview(version_id: str) -> Response:
    """Show the card and the page of a version as they are served, inert, for a frame."""
    found = _version(version_id)
    headers.framed_and_inert()
    html = preview_html(house.db(), found, renderer(Press(assets.static_url)), at=house.now())
    return make_response(render_template("studio/preview.html", text=found, card=Markup(html[0]), page=Markup(html[1])))


@bp.post("/versions/<version_id>/next")
@guards.staff(Permission.CONTENT_WRITE)
def next_version(version_id: str) -> ResponseReturnValue:
    """Begin the next version with this one's text."""
    found = _version(version_id)
    try:
        content = forms.content_of(found)
        draft_id = actions.draft(house.db(), found.row.subject_id, content, by=_me(), at=house.now())
    except ContentRefused as refused:
        return _refused(found, str(refused))
    return redirect(url_for(".edit", version_id=draft_id), code=303)


@bp.get("/versions/<version_id>/edit")
@guards.staff(Permission.CONTENT_WRITE)
def edit(version_id: str) -> ResponseReturnValue:
    """Show a draft as a form."""
    found = _version(version_id)
    if found.row.state != "draft":
        return redirect(url_for(".version", version_id=version_id), code=303)
    return _edit_page(found, forms.form_of(found), [])


@bp.post("/versions/<version_id>/edit")
@guards.staff(Permission.CONTENT_WRITE)
def save(version_id: str) -> ResponseReturnValue:
    """Keep a draft, or say what is wrong with it."""
    found = _version(version_id)
    typed = forms.read(request.form.to_dict(flat=False))
    try:
        content = forms.changed(found, typed)
        actions.edit_draft(house.db(), found.row.version_id, content, by=_me(), at=house.now())
    except ContentRefused as refused:
        house.db().rollback()
        return _edit_page(found, typed, [(forms.field_of(str(refused)), str(refused))]), 422
    flash("The draft is kept.", "good")
    return redirect(url_for(".version", version_id=version_id), code=303)


@bp.post("/versions/<version_id>/submit")
@guards.staff(Permission.CONTENT_WRITE)
def submit(version_id: str) -> ResponseReturnValue:
    """Put a draft to review."""
    found = _version(version_id)

    def hand_over() -> str:
        actions.submit(house.db(), found.row.version_id, by=_me(), at=house.now())
        return "Put to review. Somebody else has to approve it."

    return _do(found, hand_over)


@bp.post("/versions/<version_id>/review")
@guards.staff(Permission.CONTENT_APPROVE)
def review(version_id: str) -> ResponseReturnValue:
    """Approve a version with its code and dates, or send it back with a note."""
    found, given = _version(version_id), request.form

    def decide() -> str:
        db, by, at, note = house.db(), _me(), house.now(), given.get("note", "")
        if given.get("verdict") == "changes":
            actions.request_changes(db, found.row.version_id, note=note, by=by, at=at)
            return "Sent back to its author."
        actions.approve(
            db,
            found.row.version_id,
            approval_code=given.get("approval_code", ""),
            render=renderer(Press(assets.static_url)),
            in_force_from=_moment("since"),
            in_force_until=_moment("until"),
            confirmed=given.get("confirmed") == "yes",
            note=note,
            by=by,
            at=at,
        )
        return f"Approved as {given.get('approval_code', '').strip()}."

    return _do(found, decide)


@bp.get("/versions/<version_id>/withdraw")
@guards.staff(Permission.CONTENT_WITHDRAW)
def withdraw(version_id: str) -> ResponseReturnValue:
    """Ask why a version is withdrawn."""
    return _withdraw_page(_approved(version_id), [])


@bp.post("/versions/<version_id>/withdraw")
@guards.staff(Permission.CONTENT_WITHDRAW)
def withdraw_now(version_id: str) -> ResponseReturnValue:
    """Take an approved version out of service at once."""
    found = _approved(version_id)
    try:
        reason = request.form.get("reason", "")
        actions.withdraw(house.db(), found.row.version_id, reason=reason, by=_me(), at=house.now())
    except ContentRefused as refused:
        house.db().rollback()
        return _withdraw_page(found, [("reason", str(refused))]), 422
    flash(f"“{found.row.title}” is withdrawn. No page, link or mail shows it from now on.", "good")
    return redirect(url_for(".version", version_id=version_id), code=303)


def _do(found: VersionText, deed: Callable[[], str]) -> ResponseReturnValue:
    """Do a deed on a version and say what came of it; a refusal shows the page again with what was typed."""
    try:
        flash(deed(), "good")
    except ContentRefused as refused:
        return _refused(found, str(refused))
    return redirect(url_for(".version", version_id=found.row.version_id), code=303)


def _refused(found: VersionText, sentence: str) -> ResponseReturnValue:
    house.db().rollback()  # half a deed is no deed: the page is drawn from what stands
    field = next((place for word, place in _PLACES if word in sentence), "note")
    return _version_page(_version(found.row.version_id), [(field, sentence)]), 422


def _version_page(found: VersionText, errors: list[tuple[str, str]] | None = None) -> str:
    db, at, row = house.db(), house.now(), found.row
    headers.allow_own_frames()
    reviews, versions = history.reviews(db, row.version_id), history.history(db, row.subject_id, at)
    ids = {one for each in versions for one in (each.author_id, each.approved_by or "")}
    return render_template(
        "studio/version.html",
        site=_site(row.site_key),
        text=found,
        row=row,
        cited=cited(row.source),
        answers=[(each.key, each.text) for each in answers_of(row.source)],
        reviews=reviews,
        versions=versions,
        changes=history.difference(db, row.version_id, at),
        people=staff.names_of(db, ids | {each.reviewer_id for each in reviews}),
        is_mine=row.author_id == identity.person().id,
        is_systems=not is_id(row.author_id),
        errors=errors or [],
        typed=request.form,
        **_rights(),
    )


def _edit_page(found: VersionText, typed: forms.ContentForm, errors: list[tuple[str, str]]) -> str:
    site = _site(found.row.site_key)
    topics = [(topic.key, topic.name) for topic in queries.topics(house.db(), site.id)]
    return render_template(
        "studio/edit.html", site=site, row=found.row, typed=typed, errors=errors, topics=topics, audiences=AUDIENCES
    )


def _withdraw_page(found: VersionText, errors: list[tuple[str, str]]) -> str:
    reason = request.form.get("reason", "")
    return render_template("studio/withdraw.html", row=found.row, errors=errors, reason=reason)


def _version(version_id: str) -> VersionText:
    if not is_id(version_id):
        abort(404)
    try:
        return history.version(house.db(), version_id, house.now())
    except actions.VersionMissing:
        abort(404)


def _approved(version_id: str) -> VersionText:
    found = _version(version_id)
    if found.row.state != "approved":
        abort(404)
    return found


def _site(key: str) -> SiteRecord:
    return next((site for site in queries.sites(house.db()) if site.key == key or not key), None) or abort(404)


def _moment(name: str) -> datetime | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        word = "come into force" if name == "since" else "end of validity"
        raise actions.ApprovalRefused(f"When it is to {word} is a date and time such as 2026-12-01 08:00.") from None


def _rights() -> dict[str, bool]:
    person = identity.person()
    return {
        "may_write": may(person, Permission.CONTENT_WRITE),
        "may_approve": may(person, Permission.CONTENT_APPROVE),
        "may_withdraw": may(person, Permission.CONTENT_WITHDRAW),
    }


def _me() -> Actor:
    return Actor.staff(identity.person().id)
