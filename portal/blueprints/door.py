"""The front door: a signed link shows a page and changes nothing; pressing its button opens a visit."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.access import actions, queries
from portal.access.evidence import Grade, Mark, Signs, marks_of
from portal.access.states import LinkReason, LinkRefused, LiveLink
from portal.access.tokens import TokenRefused
from portal.access.watching import TRAP, Limits, spring_trap, watch
from portal.audit import Actor
from portal.content import queries as content
from portal.hcp import queries as hcps
from portal.hcp.actions import record_consent
from portal.hcp.consents import end_of
from portal.staff import queries as staff
from portal.web import guards, house, identity, network

bp = Blueprint("door", __name__)

TRACKING_CHOICES = (
    (
        "identified",
        "Yes, arrange the page by what I read",
        "Your reading time is linked to you; you can see and erase it.",
    ),
    ("anonymous", "Count my visit without my name", "The page keeps its standard order."),
    ("none", "Measure nothing", "The page keeps its standard order."),
)


@bp.get("/")
@guards.public("Whoever types the bare address is told which way is theirs, and nothing else.")
def front() -> str:
    """Say where a doctor goes on and where staff do."""
    return render_template("door/front.html")


@bp.get("/v/<string:token>")
@guards.public("Mail scanners fetch links; showing a button spends nothing.")
def knock(token: str) -> Response:
    """Show whom the page is for and a button."""
    link = queries.live_link(house.db(), house.tokens(), token, at=house.now())
    staff_here = identity.current_person() is not None
    actions.touch_link(
        house.db(),
        link.id,
        kind="staff" if staff_here else "fetched",
        grade=Grade.FETCHED,
        marks=frozenset() if staff_here else _marks(link),
        address_hash=network.address().hash,
        at=house.now(),
    )
    return _door(token, link, is_staff=staff_here)


@bp.get("/v/<string:token>/all")
@guards.public("A link that no person can see stands on the door page; whatever follows it is a robot.")
def trap(token: str) -> Response:
    """Mark whoever follows the hidden link, and show the door again."""
    db, at, address = house.db(), house.now(), network.address()
    link = queries.live_link(db, house.tokens(), token, at=at)
    marks = _marks(link) | {Mark.HIDDEN_LINK}
    actions.touch_link(db, link.id, kind=TRAP, grade=Grade.FETCHED, marks=marks, address_hash=address.hash, at=at)
    spring_trap(db, link, address, at=at)
    return _door(token, link, is_staff=identity.current_person() is not None)


@bp.post("/v/<string:token>")
@guards.public("The button of a signed link: a person's gesture opens the visit, a token and a one-use nonce prove it.")
def enter(token: str) -> AnyResponse:
    """Open a visit, by gesture only, and go to a page without token in its address."""
    db, at = house.db(), house.now()
    link = queries.live_link(db, house.tokens(), token, at=at, locked=True)
    if identity.current_person() is not None:
        return redirect(url_for("door.knock", token=token), code=303)
    if not _has_gesture():
        marks = _marks(link) | {Mark.NO_GESTURE}
        actions.touch_link(
            db, link.id, kind="scripted", grade=Grade.SCRIPT, marks=marks, address_hash=network.address().hash, at=at
        )
        return _door(token, link, is_staff=False, again=True)
    marks = _marks(link)
    try:
        opened = actions.open_visit(
            db,
            link,
            nonce=house.tokens().read_door_nonce(request.form.get("nonce", "")),
            device_secret=identity.device_secret(),
            marks=marks,
            address_hash=network.address().hash,
            is_staff=False,
            lasts=timedelta(minutes=house.settings().visit_minutes),
            at=at,
        )
    except TokenRefused:
        raise LinkRefused(LinkReason.NONCE) from None
    except actions.AlreadyOpened:
        visit = identity.current_visit()
        if visit is not None and visit.link_id == link.id:
            return redirect(url_for("microsite.home"), code=303)
        return redirect(url_for("door.knock", token=token), code=303)
    if not marks:  # what a robot may have ticked is asked again
        _take_choice(link, request.form.get("tracking", ""), known=opened.confidence != "unknown")
    landing = url_for("microsite.module", key=link.landing) if link.landing else url_for("microsite.home")
    response = redirect(landing, code=303)
    identity.remember_visit(response, opened.secret, opened.device_secret)
    return response


@bp.get("/v/lost")
@guards.public("Says how to get back in to whoever has no visit; names nobody.")
def lost() -> tuple[str, int]:
    """Say how to get back in."""
    return render_template("door/lost.html"), 404


@bp.app_errorhandler(LinkRefused)
def refuse(refused: LinkRefused) -> tuple[str, int]:
    """Answer every refusal alike; the reason goes to the log."""
    g.reason = str(refused.reason)
    return render_template("door/lost.html"), 404


def _door(token: str, link: LiveLink, *, is_staff: bool, again: bool = False) -> Response:
    db = house.db()
    card = hcps.hcp_card(db, link.hcp_id)
    site = content.site_by_id(db, link.site_id)
    if card is None or site is None:
        raise LinkRefused(LinkReason.MISSING)
    consent = hcps.consent_in_force(db, link.hcp_id, link.site_id, house.now())
    sender = staff.person(db, link.sender_id) if link.sender_id else None
    shown: dict[str, Any] = {
        "masked": card.masked,
        "specialty": card.specialty,
        "sender_name": sender.name if sender else "",
        "sender_org": site.settings.get("sender", ""),
        "declaration": site.settings.get(
            "declaration", "By opening it you confirm that you are a healthcare professional."
        ),
        "asks_tracking": not consent.is_tracking_decided,
        "tracking_choices": TRACKING_CHOICES,
        "tracking_days": site.consent_days.get("tracking"),
        "nonce": house.tokens().door_nonce(link.id, at=house.now()),
        "action": url_for("door.enter", token=token),
        "trap_url": url_for("door.trap", token=token),
        "home_url": url_for("staff.home"),
        "is_staff": is_staff,
        "again": again,
    }
    response = Response(render_template("door/knock.html", **shown), mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response


def _take_choice(link: LiveLink, choice: str, *, known: bool) -> None:
    if not known or choice not in {value for value, _, _ in TRACKING_CHOICES}:
        return  # somebody else's device decides nothing for the doctor
    db, at = house.db(), house.now()
    if hcps.consent_in_force(db, link.hcp_id, link.site_id, house.now()).is_tracking_decided:
        return
    wording = next(f"{label}. {hint}" for value, label, hint in TRACKING_CHOICES if value == choice)
    decisions = {"tracking": choice, "profiling": "given" if choice == "identified" else "refused"}
    site, by = content.site_by_id(db, link.site_id), Actor.hcp(link.hcp_id)
    for purpose, decision in decisions.items():
        ends_at = end_of(site.consent_days, purpose, decision, at) if site is not None else None
        record_consent(
            db, link.hcp_id, link.site_id, purpose, decision, "door page", wording, ends_at=ends_at, by=by, at=at
        )


def _has_gesture() -> bool:
    """Tell whether a browser that reports user gestures reports one; others are believed, and their grade says so."""
    agent = request.headers.get("User-Agent", "")
    reports = request.headers.get("Sec-Fetch-Site") is not None and ("Chrome/" in agent or "Firefox/" in agent)
    reports = reports or request.headers.get("Sec-CH-UA") is not None
    return not reports or request.headers.get("Sec-Fetch-User") == "?1"


def _marks(link: LiveLink) -> frozenset[Mark]:
    headers = request.headers
    signs = Signs(
        user_agent=headers.get("User-Agent", ""),
        client_hints=headers.get("Sec-CH-UA", ""),
        platform_hint=headers.get("Sec-CH-UA-Platform", ""),
        purpose=headers.get("Sec-Purpose", headers.get("Purpose", "")),
        fetch_user=headers.get("Sec-Fetch-User", ""),
        fetch_site=headers.get("Sec-Fetch-Site", ""),
    )
    settings, at = house.settings(), house.now()
    limits = Limits(
        settings.burst_links,
        timedelta(seconds=settings.burst_seconds),
        settings.crowd_doctors,
        timedelta(minutes=settings.crowd_minutes),
    )
    quarantine = timedelta(seconds=settings.quarantine_seconds)
    alone = marks_of(signs, handed_over_at=link.handed_over_at, at=at, quarantine=quarantine)
    return alone | watch(house.db(), link, network.address(), limits, at=at)
