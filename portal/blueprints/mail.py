"""What comes back from mail: unsubscribing, preferences, confirming, fresh links, delivery reports."""

import hashlib
import hmac

from flask import Blueprint, Response, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from portal.access.states import LinkReason, LinkRefused
from portal.access.tokens import Purpose, TokenRefused
from portal.audit import Actor
from portal.content import queries as content
from portal.hcp import queries as hcps
from portal.hcp.profiles import HcpCard
from portal.mailing import unsubscribing
from portal.mailing.refusals import MailRefused
from portal.mailing.reports import LONGEST, ReportUnreadable
from portal.mailing.returns import take_in
from portal.mailing.sendings import Terms
from portal.mailing.states import FREQUENCY_WORDS
from portal.mailing.unsubscribing import Addressee
from portal.microsite import notices
from portal.microsite.mail_links import MailLinks
from portal.web import guards, house, identity

bp = Blueprint("mail", __name__)

_ONE_CLICK = ("List-Unsubscribe", "One-Click")
_CHANNELS = (
    ("", "No preference"),
    ("email", "Email"),
    ("visit", "Visits"),
    ("phone", "Telephone"),
    ("none", "Rather not"),
)


@bp.get("/u/<string:token>")
@guards.public("Unsubscribing needs no login; showing the page changes nothing.")
def leave(token: str) -> Response:
    """Show what can be unsubscribed from, and a button."""
    return _leave_page(token, _addressee(Purpose.UNSUBSCRIBE, token))


@bp.post("/u/<string:token>")
@guards.public("Mailbox providers unsubscribe their users by one-click post (RFC 8058).", cross_site=True)
def one_click(token: str) -> Response:
    """Unsubscribe at once if the body says so (RFC 8058): no cookie, no redirect; any other body changes nothing."""
    who = _addressee(Purpose.UNSUBSCRIBE, token)
    if request.form.get(_ONE_CLICK[0]) != _ONE_CLICK[1]:
        return _leave_page(token, who)
    unsubscribing.unsubscribe(house.db(), who.sending_id, method="one-click", at=house.now())
    response = Response("You are unsubscribed.\n", mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/u/<string:token>/stop")
@guards.public("A person who chose what to stop and pressed the button needs no login to be left alone.")
def stop(token: str) -> ResponseReturnValue:
    """Unsubscribe from what was chosen; a robot that only presses the button chooses nothing."""
    who = _addressee(Purpose.UNSUBSCRIBE, token)
    what = request.form.get("what", "")
    if what not in ("site", "all"):
        return _leave_page(token, who, error="Choose what should stop."), 422
    unsubscribing.unsubscribe(house.db(), who.sending_id, method="page", everywhere=what == "all", at=house.now())
    return _leave_page(token, who, done=True)


@bp.get("/p/<string:token>")
@guards.public("The preference page is reached from every mail without login; showing it changes nothing.")
def preferences(token: str) -> Response:
    """Show how often, by which channel and about what a doctor wants to hear."""
    return _preference_page(token, _addressee(Purpose.PREFERENCES, token))


@bp.post("/p/<string:token>")
@guards.public("Whoever holds the mail may lower what is sent; more mail is confirmed by mail.")
def prefer(token: str) -> ResponseReturnValue:
    """Store preferences; mail starts again only after it was confirmed by mail."""
    db, at = house.db(), house.now()
    who = _addressee(Purpose.PREFERENCES, token)
    chosen = request.form.get("mail", "keep")
    said = ""
    if chosen == "stop":
        unsubscribing.unsubscribe(db, who.sending_id, method="preferences", at=at)
        said = "Saved. No more mail about this; it holds from now on."
    elif chosen == "start":
        said = "If mail can reach you, a question to confirm is on its way. Mail starts again when you confirm it."
        _ask(who)
    frequency = request.form.get("frequency", "")
    topics = _topics(who)
    known = {key for key, _ in topics}
    ticked = [key for key in request.form.getlist("topics") if key in known]
    replaces = bool(ticked) or _is_known(who)
    try:
        if (
            frequency != unsubscribing.frequency_of(db, who.hcp_id, who.site_id)
            or ticked
            or request.form.get("channel")
        ):
            unsubscribing.choose(
                db,
                who,
                frequency=frequency,
                channel=request.form.get("channel") or None,
                topics=ticked if replaces else None,
                at=at,
            )
    except MailRefused as refused:
        return _preference_page(token, who, error=str(refused)), 422
    return _preference_page(token, who, said=said or "Saved. It holds from now on.")


@bp.get("/o/<string:token>")
@guards.public("The question whether mail is wanted is answered without login; showing it changes nothing.")
def opt_in(token: str) -> ResponseReturnValue:
    """Ask whether mail is wanted."""
    return _opt_in_page(token, _opt_in_id(token))


@bp.post("/o/<string:token>")
@guards.public("Only who reads the mailbox can confirm that mail is wanted; the token proves it.")
def answer(token: str) -> ResponseReturnValue:
    """Write down what was chosen; pressing the button alone chooses nothing. A no said after a yes holds."""
    opt_in_id = _opt_in_id(token)
    wanted = request.form.get("wanted", "")
    if wanted not in ("yes", "no"):
        return _opt_in_page(token, opt_in_id, error="Choose one."), 422
    try:
        if wanted == "no":
            unsubscribing.decline(house.db(), opt_in_id, at=house.now())
        elif not unsubscribing.confirm(house.db(), opt_in_id, at=house.now()):
            wanted = "late"
    except MailRefused:
        raise LinkRefused(LinkReason.EXPIRED) from None
    return _opt_in_page(token, opt_in_id, done=wanted)


@bp.post("/v/fresh")
@guards.public("A fresh link goes to the address on file only; whoever asks gets the same answer.")
def fresh() -> ResponseReturnValue:
    """Answer alike whatever address was given; what is to be mailed is found out after the answer has gone."""
    address = request.form.get("address", "").strip()[:254]
    house.keep()
    within = notices.may_ask_for_link(house.db(), _asker(), at=house.now())
    response = Response(render_template("mailing/fresh.html"), mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    if address and within:
        database, links, terms, at = house.database(), _links(), _terms(), house.now()

        def later() -> None:
            # After the answer: so that neither its words nor its time tell whether the address is on file.
            with database.writing() as db:
                notices.mail_fresh_links(db, address, links=links, terms=terms, at=at)

        response.call_on_close(later)
    return response


@bp.post("/mail/reports")
@guards.public("Mail servers post delivery reports here; a shared secret proves who they are.", cross_site=True)
def reports() -> ResponseReturnValue:
    """Take a delivery report or a complaint in (the whole message as body)."""
    secret = house.settings().mail_hook_secret
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        abort(404)
    raw = request.get_data(cache=False) if (request.content_length or 0) <= LONGEST else b""
    try:
        report = take_in(house.db(), raw, at=house.now())
    except ReportUnreadable as unreadable:
        return {"refused": str(unreadable)}, 422
    return {"kind": report.kind, "word": report.word}


def _addressee(purpose: Purpose, token: str) -> Addressee:
    try:
        who = unsubscribing.addressee(house.db(), house.tokens().read_id(purpose, token))
    except TokenRefused:
        raise LinkRefused(LinkReason.MANGLED) from None
    if who is None:
        raise LinkRefused(LinkReason.MISSING)
    return who


def _opt_in_id(token: str) -> str:
    try:
        opt_in_id = house.tokens().read_id(Purpose.OPT_IN, token)
    except TokenRefused:
        raise LinkRefused(LinkReason.MANGLED) from None
    if unsubscribing.open_opt_in(house.db(), opt_in_id, house.now()) is None:
        raise LinkRefused(LinkReason.EXPIRED)
    return opt_in_id


def _leave_page(token: str, who: Addressee, *, error: str = "", done: bool = False) -> Response:
    site, card = content.site_by_id(house.db(), who.site_id), hcps.hcp_card(house.db(), who.hcp_id)
    consent = hcps.consent_in_force(house.db(), who.hcp_id, who.site_id, house.now())
    return _page(
        "mailing/unsubscribe.html",
        token=token,
        masked=_masked(card),
        sender=site.settings.get("sender", "") if site else "",
        error=error,
        done=done,
        is_out=not consent.mail,
    )


def _preference_page(token: str, who: Addressee, *, error: str = "", said: str = "") -> Response:
    db = house.db()
    card = hcps.hcp_card(db, who.hcp_id)
    known = _is_known(who)
    consent = hcps.consent_in_force(db, who.hcp_id, who.site_id, house.now())
    return _page(
        "mailing/preferences.html",
        token=token,
        masked=_masked(card),
        frequency=unsubscribing.frequency_of(db, who.hcp_id, who.site_id),
        frequencies=[(str(key), label) for key, label in FREQUENCY_WORDS.items()],
        channel=(card.channel or "") if card and known else "",
        channels=_CHANNELS,
        topics=_topics(who),
        chosen=hcps.declared_interests(db, who.hcp_id, who.site_id) if known else (),
        gets_mail=consent.mail,
        mail_until=consent.mail_decision.ends_at if consent.mail_decision else None,
        error=error,
        said=said,
    )


def _opt_in_page(token: str, opt_in_id: str, *, error: str = "", done: str = "") -> Response:
    row = unsubscribing.open_opt_in(house.db(), opt_in_id, house.now())
    card = hcps.hcp_card(house.db(), row.hcp_id) if row else None
    site = content.site_by_id(house.db(), row.site_id) if row else None
    days = site.consent_days.get("mail") if site else None
    return _page("mailing/opt_in.html", token=token, masked=_masked(card), error=error, done=done, days=days)


def _page(template: str, **shown: object) -> Response:
    response = Response(render_template(template, **shown), mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    g.reason = ""
    return response


def _masked(card: HcpCard | None) -> str:
    return card.masked if card is not None else "you"


def _topics(who: Addressee) -> list[tuple[str, str]]:
    return [(topic.key, topic.name) for topic in content.topics(house.db(), who.site_id)]


def _is_known(who: Addressee) -> bool:
    """Tell whether this browser is in a visit of this doctor on a device that is known to be theirs."""
    visit = identity.current_visit()
    return visit is not None and visit.hcp_id == who.hcp_id and visit.confidence != "unknown"


def _ask(who: Addressee) -> None:
    card, site = hcps.hcp_card(house.db(), who.hcp_id), content.site_by_id(house.db(), who.site_id)
    if card is not None and site is not None:
        notices.ask_whether_wanted(
            house.db(), card, site, sender="", links=_links(), terms=_terms(), by=Actor.hcp(card.id), at=house.now()
        )


def _links() -> MailLinks:
    return MailLinks(house.tokens(), house.settings().base_url)


def _terms() -> Terms:
    return Terms(house.settings().mail_from, house.settings().link_days)


def _asker() -> str:
    key = house.settings().secret_key[-1].encode()
    return hmac.digest(key, f"fresh {request.remote_addr}".encode(), hashlib.sha256).hex()
