"""What was discussed with a doctor in a visit: noted by the representative who looks after them."""

from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.hcp import discussions
from portal.hcp.discussions import DiscussionRefused
from portal.hcp.profiles import HcpCard
from portal.reports import linkforms, scope, words
from portal.reports.queries import titles
from portal.staff.queries import names_of
from portal.staff.roles import Permission
from portal.web import formats, guards, house, identity

bp = Blueprint("discussed", __name__, url_prefix="/staff/doctors")


@bp.get("/<hcp_id>/discussed")
@guards.staff(Permission.VISIT_NOTE)
def form(hcp_id: str) -> ResponseReturnValue:
    """Show what was discussed, and the form that notes more."""
    return _page(_doctor(hcp_id), {})


@bp.post("/<hcp_id>/discussed")
@guards.staff(Permission.VISIT_NOTE)
def note(hcp_id: str) -> ResponseReturnValue:
    """Note which modules were discussed on a day."""
    card, db, at = _doctor(hcp_id), house.db(), house.now()
    offered = linkforms.choices(db, at)
    site = next((each for each in offered if each.key == request.form.get("site", "")), None)
    modules = request.form.getlist("modules")
    if site is None or not set(modules) <= dict(site.modules).keys():
        return _page(card, {"modules": "Choose modules of this site from the list."}), 422
    try:
        day = date.fromisoformat(request.form.get("day", "").strip())
    except ValueError:
        return _page(card, {"day": "Write the day of the visit, such as 2026-11-14."}), 422
    try:
        count = discussions.note_discussion(
            db, card.id, site.id, modules=modules, day=day, today=_today(), by=_me(), at=at
        )
    except DiscussionRefused as refused:
        field = "day" if "day of the visit" in str(refused) else "modules"
        return _page(card, {field: str(refused)}), 422
    flash(f"Noted: {formats.count_of(count, 'module')}." if count else "This was noted before.", "good")
    return redirect(url_for(".form", hcp_id=card.id), code=303)


@bp.post("/<hcp_id>/discussed/<discussion_id>/back")
@guards.staff(Permission.VISIT_NOTE)
def take_back(hcp_id: str, discussion_id: str) -> ResponseReturnValue:
    """Delete a note of one's own that was a mistake."""
    card = _doctor(hcp_id)
    if not discussions.take_back(house.db(), card.id, discussion_id, by=_me(), at=house.now()):
        abort(404)
    flash("The note is gone.", "good")
    return redirect(url_for(".form", hcp_id=card.id), code=303)


def _page(card: HcpCard, errors: dict[str, str]) -> str:
    db, at = house.db(), house.now()
    rows = discussions.discussions_of(db, card.id)
    offered = linkforms.choices(db, at)
    wanted = request.values.get("site", "")
    return render_template(
        "rep/discussed.html",
        card=card,
        offered=offered,
        chosen=next((each for each in offered if each.key == wanted), offered[0] if offered else None),
        rows=rows,
        names=titles(db),
        people=names_of(db, {row.by_id for row in rows}),
        me=identity.person().id,
        day=request.form.get("day", _today().isoformat()),
        picked=request.form.getlist("modules"),
        today=_today().isoformat(),
        kept_years=discussions.KEPT.days // 365,
        errors=errors,
        in_words=words.day,
    )


def _today() -> date:
    return house.now().astimezone(formats.zone(house.settings().display_zone)).date()


def _doctor(hcp_id: str) -> HcpCard:
    """Return a doctor this person looks after; anybody else's is not found."""
    person, at = identity.person(), house.now()
    card = scope.doctor_for(house.db(), person, hcp_id, at)
    if card is None or not scope.may_note(house.db(), person, card.id, at):
        abort(404)
    return card


def _me() -> Actor:
    return Actor.staff(identity.person().id)
