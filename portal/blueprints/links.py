"""One doctor's signed links: issued by choice or with a preset, shown to their sender, revoked."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access import actions, presets
from portal.access.expiry import Ending
from portal.access.queries import link_of
from portal.access.states import LinkRow
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.hcp.profiles import HcpCard
from portal.reports import linkforms, queries, scope
from portal.staff.queries import names_of
from portal.staff.roles import Permission, may
from portal.web import formats, guards, house, identity

bp = Blueprint("links", __name__, url_prefix="/staff/doctors")


@bp.get("/<hcp_id>/link")
@guards.staff(Permission.LINK_ISSUE)
def link_form(hcp_id: str) -> ResponseReturnValue:
    """Show the form that issues a link, or what stands against it."""
    return _link_form(_doctor(hcp_id), linkforms.Given(), {})


@bp.post("/<hcp_id>/link")
@guards.staff(Permission.LINK_ISSUE)
def issue(hcp_id: str) -> ResponseReturnValue:
    """Issue a link and lead to its page."""
    card, db, at, most = _doctor(hcp_id), house.db(), house.now(), house.settings().link_days
    given = linkforms.Given(*(request.form.get(name, "").strip()[:200] for name in ("site", "landing", "days", "seen")))
    offered, preset_id = linkforms.choices(db, at), request.form.get("preset", "")
    if preset_id:
        taken = linkforms.of_preset(offered, presets.preset(db, preset_id))
        choice = taken or {"presets": "This preset is not on offer any more. Choose another, or choose for yourself."}
    else:
        choice = linkforms.check(offered, given, most_days=most)
    if isinstance(choice, dict) or not _may_issue(card):
        return _link_form(card, given, choice if isinstance(choice, dict) else {}), 422
    ending = linkforms.ending_of(db, card.id, choice, most_days=most, at=at)
    if choice.preset_id is None and linkforms.is_surprise(ending, given.seen):
        return _link_form(card, given, {}, ending)
    link_id = actions.issue_link(
        db,
        card.id,
        choice.site_id,
        sender_id=identity.person().id,
        expires_at=ending.at,
        ends_by=ending.cause,
        preset_id=choice.preset_id,
        landing=choice.landing,
        modules=choice.modules,
        channel="copy",
        by=_me(),
        at=at,
    )
    flash(f"The link is ready. It works from now on, until {formats.when(ending.at)}: {ending.reason}.", "good")
    return redirect(url_for(".link", hcp_id=card.id, link_id=link_id), code=303)


@bp.get("/<hcp_id>/link/<link_id>")
@guards.staff(Permission.HCP_READ)
def link(hcp_id: str, link_id: str) -> ResponseReturnValue:
    """Show one link; its address and QR code to its sender only, while it is valid."""
    return _link_page(_doctor(hcp_id), _link(hcp_id, link_id), "")


@bp.post("/<hcp_id>/link/<link_id>/revoke")
@guards.staff(Permission.LINK_REVOKE)
def revoke(hcp_id: str, link_id: str) -> ResponseReturnValue:
    """Revoke a link from the next request on; a reason is needed."""
    card, row = _doctor(hcp_id), _link(hcp_id, link_id)
    reason = " ".join(request.form.get("reason", "").split())[:500]
    if not reason:
        return _link_page(card, row, "Say why; the reason is kept in the audit log."), 422
    done = actions.revoke_link(house.db(), row.id, reason=reason, by=_me(), at=house.now())
    flash("The link is revoked: it opens nothing any more." if done else "The link was revoked before.", "good")
    return redirect(url_for(".link", hcp_id=card.id, link_id=row.id), code=303)


def _doctor(hcp_id: str) -> HcpCard:
    card = scope.doctor_for(house.db(), identity.person(), hcp_id, house.now())
    if card is None:
        abort(404)
    return card


def _link(hcp_id: str, link_id: str) -> LinkRow:
    row = link_of(house.db(), link_id) if len(link_id) == 32 else None
    if row is None or row.hcp_id != hcp_id:
        abort(404)
    return row


def _may_issue(card: HcpCard) -> bool:
    return not card.is_access_revoked and scope.may_issue(house.db(), identity.person(), card.id, house.now())


def _link_form(card: HcpCard, given: linkforms.Given, errors: dict[str, str], surprise: Ending | None = None) -> str:
    db, at, most = house.db(), house.now(), house.settings().link_days
    offered = linkforms.choices(db, at)
    chosen = linkforms.check(offered, given, most_days=most)
    if isinstance(chosen, dict):  # nothing was typed yet: the first site, from its home page, for the longest time
        chosen = linkforms.Choice(offered[0].id, None, most) if offered else {}
    usual = None if isinstance(chosen, dict) else linkforms.ending_of(db, card.id, chosen, most_days=most, at=at)
    blocked = "" if _may_issue(card) else "You do not look after this doctor, or the doctor's access is revoked."
    return render_template(
        "rep/link_form.html",
        card=card,
        given=given,
        errors=list(errors.items()),
        offered=offered,
        presets=linkforms.preset_offers(db, card.id, offered, most_days=most, at=at),
        ending=surprise or usual,
        surprise=surprise,
        may_read_presets=may(identity.person(), Permission.PRESET_READ),
        blocked=blocked or ("" if offered else "No site has everything it must show in force. Ask marketing."),
        most_days=most,
    )


def _link_page(card: HcpCard, row: LinkRow, error: str) -> str:
    person, at = identity.person(), house.now()
    is_open = row.state(at) == "open" and not card.is_access_revoked
    url = ""
    if is_open and row.sender_id == person.id:
        url = f"{house.settings().base_url}/v/{house.tokens().for_id(Purpose.LINK, row.id)}"
    names: dict[str, str] = names_of(house.db(), [row.sender_id] if row.sender_id else [])
    return render_template(
        "rep/link.html",
        card=card,
        row=row,
        state=row.state(at),
        is_open=is_open,
        url=url,
        qr=linkforms.qr_svg(url) if url else "",
        sender=names.get(row.sender_id or "", "the portal"),
        site=queries.brands(house.db()).get(row.site_id, ""),
        landing=queries.titles(house.db()).module(row.site_id, row.landing) if row.landing else "",
        may_revoke=may(person, Permission.LINK_REVOKE),
        error=error,
    )


def _me() -> Actor:
    return Actor.staff(identity.person().id)
