"""A representative's mail: who, what, exact preview, send, undo; and what became of it."""

from datetime import datetime

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.content import queries as content
from portal.hcp.profiles import HcpCard
from portal.mailing import mailings, outbox, sendings
from portal.mailing.blockers import blockers
from portal.mailing.mailings import Composition
from portal.mailing.queries import pieces_in_force
from portal.mailing.refusals import CompositionRefused, Fault, MailRefused, PieceMissing
from portal.mailing.sendings import Sender, Terms
from portal.mailing.states import UNDER_WAY, UNDO, Block, Blocker, PieceKind, SendingKind
from portal.microsite import notices
from portal.microsite.mail_links import MailLinks
from portal.moments import MomentRefused, read_moment
from portal.reports import mail_forms, mail_funnel, scope
from portal.staff.roles import Permission
from portal.web import formats, guards, headers, house, htmx, identity

bp = Blueprint("send", __name__, url_prefix="/staff/mail")


@bp.get("/")
@guards.staff(Permission.MAIL_SEND)
def home() -> ResponseReturnValue:
    """List what a person has sent, newest first."""
    rows = outbox.newest(house.db(), sender_id=identity.person().id)
    names = mail_forms.names(house.db(), [row.hcp_id for row in rows])
    return render_template("mailing/home.html", rows=rows, names=names, at=house.now(), server=_has_server())


@bp.get("/new")
@guards.staff(Permission.MAIL_SEND)
def new() -> ResponseReturnValue:
    """Ask for whom and which template."""
    return _new_page(request.args.getlist("doctor"), [])


@bp.post("/new")
@guards.staff(Permission.MAIL_SEND)
def begin() -> ResponseReturnValue:
    """Begin a composition and lead to it."""
    db, at = house.db(), house.now()
    chosen = [card.id for card in map(_own, request.form.getlist("doctor")[: mailings.MOST_DOCTORS + 1])]
    try:
        mailing_id = mailings.begin(
            db, request.form.get("template", ""), sender_id=identity.person().id, hcp_ids=chosen, at=at
        )
    except CompositionRefused as refused:
        return _new_page(chosen, refused.faults), 422
    except PieceMissing:
        return _new_page(chosen, [Fault("template", "Choose a template.")]), 422
    return redirect(url_for(".compose", mailing_id=mailing_id), code=303)


@bp.get("/<mailing_id>")
@guards.staff(Permission.MAIL_SEND)
def compose(mailing_id: str) -> ResponseReturnValue:
    """Show a composition with what stands against it first and its exact preview beside it."""
    composed = _mine(mailing_id)
    if composed.sent_at is not None:
        return redirect(url_for(".sent", mailing_id=mailing_id), code=303)
    return _compose_page(composed, [])


@bp.post("/<mailing_id>")
@guards.staff(Permission.MAIL_SEND)
def act(mailing_id: str) -> ResponseReturnValue:
    """Store what was picked and written; then preview, test or send, as the button says."""
    composed, db, at, by = _mine(mailing_id), house.db(), house.now(), _me()
    if composed.sent_at is not None:
        return redirect(url_for(".sent", mailing_id=mailing_id), code=303)
    form, asked = request.form, request.form.get("act", "save")
    fragments = mail_forms.moved(form.getlist("fragments"), form.get("move", ""), "fragments")
    modules = mail_forms.moved(form.getlist("modules"), form.get("move", ""), "modules")
    values = {name.removeprefix("value-"): value for name, value in form.items() if name.startswith("value-")}
    try:
        mailings.change(db, mailing_id, fragments=fragments, modules=modules, values=values, by=by, at=at)
        if form.get("without"):
            mailings.leave_out(db, mailing_id, form["without"], by=by)
    except PieceMissing:  # the other window sent it while this one was being read
        return redirect(url_for(".sent", mailing_id=mailing_id), code=303)
    composed = _mine(mailing_id)
    if asked not in ("send", "test") or form.get("move") or form.get("without"):
        return redirect(_back_to(mailing_id), code=303)
    try:
        if asked == "test":
            card = _card_of(composed, form.get("to", ""))
            sendings.send_test(db, composed, card, sender=_sender(), links=_links(), terms=_terms(), by=by, at=at)
            flash(f"A test is on its way to {identity.person().email}. Its links open nothing.", "good")
            return redirect(_back_to(mailing_id), code=303)
        when = _when(form.get("when", "").strip())
        _check_doctors(composed)
        sendings.send(db, mailing_id, sender=_sender(), links=_links(), terms=_terms(), not_before=when, by=by, at=at)
    except CompositionRefused as refused:
        house.keep()
        return _compose_page(_mine(mailing_id), refused.faults)
    return redirect(url_for(".sent", mailing_id=mailing_id), code=303)


@bp.get("/<mailing_id>/preview")
@guards.staff(Permission.MAIL_SEND)
def preview(mailing_id: str) -> Response:
    """Show the very HTML that would go out to one doctor, inert, for a frame."""
    composed = _mine(mailing_id)
    card = _card_of(composed, request.args.get("doctor", ""))
    return _framed(sendings.preview(composed, card, _sender(), _links()).html)


@bp.get("/<mailing_id>/sent")
@guards.staff(Permission.MAIL_SEND)
def sent(mailing_id: str) -> ResponseReturnValue:
    """Show what became of a mailing: undo, statuses, one funnel."""
    composed, db, at = _mine(mailing_id), house.db(), house.now()
    if composed.sent_at is None:
        return redirect(url_for(".compose", mailing_id=mailing_id), code=303)
    rows = outbox.newest(db, mailing_id=mailing_id)
    waits = [row for row in rows if row.can_be_undone(at)]
    left = int(min((row.due_at - at).total_seconds() for row in waits)) if waits else 0
    return render_template(
        "mailing/sent.html",
        composed=composed,
        rows=rows,
        doctors=sum(row.kind is SendingKind.APPROVED for row in rows),
        names=mail_forms.names(db, [row.hcp_id for row in rows]),
        funnel=mail_funnel.funnel_of(db, mailing_id),
        undo_seconds=min(left, 30) if 0 < left <= 30 else 0,
        at=at,
        server=_has_server(),
    )


@bp.post("/<mailing_id>/undo")
@guards.staff(Permission.MAIL_SEND)
def undo_all(mailing_id: str) -> ResponseReturnValue:
    """Take back everything of a mailing that is not sent yet."""
    _mine(mailing_id)
    rows = outbox.newest(house.db(), mailing_id=mailing_id)
    done = [sendings.undo(house.db(), row.id, links=_links(), by=_me(), at=house.now()) for row in rows]
    flash(*_undone(sum(done)))
    return redirect(url_for(".sent", mailing_id=mailing_id), code=303)


@bp.post("/<mailing_id>/revoke")
@guards.staff(Permission.MAIL_SEND)
def revoke(mailing_id: str) -> ResponseReturnValue:
    """Revoke every link of a mailing; a reason is needed."""
    _mine(mailing_id)
    try:
        sendings.revoke_mailing(
            house.db(), mailing_id, reason=request.form.get("reason", ""), links=_links(), by=_me(), at=house.now()
        )
        flash("The mailing is revoked: its links open nothing any more.", "good")
    except MailRefused as refused:
        flash(str(refused), "bad")
    return redirect(url_for(".sent", mailing_id=mailing_id), code=303)


@bp.post("/ask/<hcp_id>")
@guards.staff(Permission.MAIL_SEND)
def ask(hcp_id: str) -> ResponseReturnValue:
    """Mail a doctor the question whether mail is wanted; only a button in that mail says yes."""
    card, db = _own(hcp_id), house.db()
    site = content.site_by_id(db, request.form.get("site", ""))
    if site is None:
        abort(404)
    name = identity.person().name
    done = notices.ask_whether_wanted(
        db, card, site, sender=name, links=_links(), terms=_terms(), by=_me(), at=house.now()
    )
    said = f"{card.display} is asked by mail whether mail is wanted."
    flash(*((said, "good") if done else ("This doctor cannot be asked now: decided, asked, or out of reach.", "warn")))
    return redirect(url_for(".new", doctor=card.id), code=303)


def _new_page(chosen: list[str], faults: list[Fault]) -> str:
    db, person, at = house.db(), identity.person(), house.now()
    sites = content.sites(db)
    templates = [piece for site in sites for piece in pieces_in_force(db, site.id, PieceKind.TEMPLATE, at)]
    used = {template.site_id for template in templates}
    return render_template(
        "mailing/new.html",
        cards=[
            (card, [(site, _against(card, site, None)) for site in sites if site.id in used])
            for card in scope.doctors_for(db, person, at)
        ],
        templates=templates,
        brands={site.id: site.brand for site in sites},
        chosen=chosen,
        faults=[(fault.field, fault.sentence) for fault in faults],
    )


def _compose_page(composed: Composition, faults: list[Fault]) -> Response:
    db, at = house.db(), house.now()
    against = [(card, _against(card, composed.site, composed)) for card in composed.cards]
    card = _card_of(composed, request.values.get("to", "") or request.args.get("doctor", ""))
    until = sendings.links_until(db, composed, card.id, links=_links(), terms=_terms(), at=at + UNDO)
    view = request.values.get("shown", "") or request.args.get("view", "")
    headers.allow_own_frames()
    return htmx.page_or_part(
        "mailing/compose.html",
        "composer",
        422 if faults else 200,
        composed=composed,
        offer=mail_forms.offered(composed, mailings.offer(db, composed.template, at)),
        against=[(each, found) for each, found in against if found],
        # A later time can mend what comes too often; nothing else is mended by sending.
        is_shut=any(each.block is not Block.TOO_OFTEN for _, found in against for each in found),
        options_of={field.key: [(option, option) for option in field.options] for field in composed.template.fields},
        faults=[(f"value-{f.field}" if f.field in composed.values else f.field, f.sentence) for f in faults],
        wrong=_by_field(faults),
        card=card,
        until=until,
        mail=sendings.preview(composed, card, _sender(), _links()),
        view=view if view in ("html", "phone", "text") else "html",
        when=request.values.get("when", "")[:40],
        zone=house.settings().display_zone,
        me=identity.person().email,
    )


def _back_to(mailing_id: str) -> str:
    """Return the address of a composition as it was looked at: the doctor, the kind of preview, the time typed."""
    form = request.form
    view, doctor = form.get("view") or form.get("shown"), form.get("doctor") or form.get("to")
    when = form.get("when", "")[:40] or None
    return url_for(".compose", mailing_id=mailing_id, view=view or None, doctor=doctor or None, when=when)


def _check_doctors(composed: Composition) -> None:
    """Raise CompositionRefused where a doctor is not among one's own any more."""
    db, person, at = house.db(), identity.person(), house.now()
    gone = [card for card in composed.cards if not scope.may_send(db, person, card.id, at)]
    if gone:
        said = [Fault("doctor", f"{card.display} is not among your doctors any more.") for card in gone]
        raise CompositionRefused(said)


def _by_field(faults: list[Fault]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    for fault in faults:
        wrong.setdefault(fault.field, []).append(fault.sentence)
    return wrong


def _against(card: HcpCard, site: content.SiteRecord, composed: Composition | None) -> list[Blocker]:
    template = composed.template if composed else None
    return blockers(house.db(), card.id, site, template=template, due_at=house.now(), states=UNDER_WAY)


def _own(hcp_id: str) -> HcpCard:
    card = scope.doctor_for(house.db(), identity.person(), hcp_id, house.now())
    if card is None or not scope.may_send(house.db(), identity.person(), hcp_id, house.now()):
        abort(404)
    return card


def _mine(mailing_id: str) -> Composition:
    composed = mailings.composition(house.db(), mailing_id, house.now())
    if composed is None or composed.sender_id != identity.person().id or not composed.cards:
        abort(404)
    return composed


def _card_of(composed: Composition, hcp_id: str) -> HcpCard:
    return next((card for card in composed.cards if card.id == hcp_id), composed.cards[0])


def _framed(html: str) -> Response:
    headers.mail_in_a_frame()
    return Response(html, mimetype="text/html")


def _when(text: str) -> datetime | None:
    """Return a moment typed in the zone of the staff pages; raises CompositionRefused."""
    if not text:
        return None
    try:
        moment = read_moment(text, formats.zone(house.settings().display_zone))
    except MomentRefused as refused:
        raise CompositionRefused([Fault("when", str(refused))]) from None
    if moment < house.now():
        raise CompositionRefused([Fault("when", "This moment has passed; leave it empty to send now.")])
    return moment


def _undone(count: int) -> tuple[str, str]:
    if not count:
        return "It is too late: the mail is on its way.", "warn"
    return ("The mail was" if count == 1 else f"{count} mails were") + " taken back; nothing was sent.", "good"


def _has_server() -> bool:
    return bool(house.settings().smtp_url)


def _sender() -> Sender:
    person = identity.person()
    return Sender(person.id, person.name, person.email)


def _links() -> MailLinks:
    return MailLinks(house.tokens(), house.settings().base_url)


def _terms() -> Terms:
    return Terms(house.settings().mail_from, house.settings().link_days)


def _me() -> Actor:
    return Actor.staff(identity.person().id)
