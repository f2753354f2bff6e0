"""The doctor's pages: personal home, modules, mandatory information, privacy."""

from functools import cache
from typing import Any

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.access import actions as access
from portal.access.states import CurrentVisit
from portal.audit import Actor
from portal.content import queries as content
from portal.hcp import queries as hcps
from portal.hcp.actions import record_consent
from portal.microsite import serve
from portal.microsite.assemble import Reader
from portal.microsite.press import Press
from portal.microsite.serve import Desk, Served, SiteInForce
from portal.microsite.shells import Shells
from portal.rulebook.queries import live_rule_set
from portal.staff import queries as staff
from portal.tracking.credential import Mint
from portal.web import assets, guards, house, identity

bp = Blueprint("microsite", __name__, url_prefix="/m")


@bp.get("/")
@guards.visit
def home() -> Response:
    """Show the personal page."""
    visit, reader, in_force = _here()
    prepared = _prepared(visit)
    return _page(serve.home(house.db(), _desk(), reader, in_force, prepared=prepared, at=house.now()))


@bp.get("/<string:key>")
@guards.visit
def module(key: str) -> Response:
    """Show one module."""
    _visit, reader, in_force = _here()
    shown = in_force.module(key)
    if shown is None or (shown.audiences and reader.card.audience not in shown.audiences):
        abort(404)
    return _page(serve.module(house.db(), _desk(), reader, in_force, shown, at=house.now()))


@bp.get("/info/<string:key>")
@guards.visit
def information(key: str) -> Response:
    """Show a mandatory block on a page of its own."""
    _visit, reader, in_force = _here()
    block = next((block for block in in_force.blocks if block.key == key), None)
    if block is None:
        abort(404)
    return _page(serve.information(house.db(), _desk(), reader, in_force, block, at=house.now()))


@bp.get("/why")
@guards.visit
def why() -> str:
    """Say in plain words why the modules stand in this order."""
    _visit, reader, in_force = _here()
    decision = serve.decide(
        house.db(), reader, in_force, half_life_days=house.settings().half_life_days, at=house.now()
    )
    return render_template(
        "microsite/why.html",
        decision=decision,
        titles={each.key: each.title for each in in_force.modules},
        topics=dict(in_force.topics),
        site=in_force.site,
    )


@bp.post("/order")
@guards.visit
def order() -> AnyResponse:
    """Switch between the standard order and the doctor's own."""
    visit = _visit()
    access.choose_standard_order(house.db(), visit.id, standard=request.form.get("standard") == "1")
    return redirect(url_for("microsite.home"), code=303)


@bp.get("/privacy")
@guards.visit
def privacy() -> str:
    """Show what is known and agreed, and let the doctor change it."""
    visit, reader, in_force = _here()
    return render_template(
        "microsite/privacy.html", reader=reader, visit=visit, site=in_force.site, saved=request.args.get("saved") == "1"
    )


@bp.post("/privacy")
@guards.visit
def choose_privacy() -> AnyResponse:
    """Record what the doctor decided about measuring and profiling; it holds from the next request on."""
    visit, reader, _in_force = _here()
    if not visit.is_known:
        abort(403)
    tracking, profiling = request.form.get("tracking", ""), request.form.get("profiling", "")
    if tracking not in ("identified", "anonymous", "none") or profiling not in ("given", "refused"):
        abort(400)
    wanted = {"tracking": tracking, "profiling": profiling}
    current = {"tracking": reader.consent.tracking, "profiling": "given" if reader.consent.profiling else "refused"}
    for purpose, decision in wanted.items():
        if decision != current[purpose] or not reader.consent.is_tracking_decided:
            record_consent(
                house.db(),
                visit.hcp_id,
                visit.site_id,
                purpose,
                decision,
                "privacy page",
                f"{purpose}: {decision}",
                by=Actor.hcp(visit.hcp_id),
                at=house.now(),
            )
    return redirect(url_for("microsite.privacy", saved=1), code=303)


@bp.post("/leave")
@guards.visit
def leave() -> AnyResponse:
    """End the visit on this device."""
    visit = _visit()
    access.end_visit(house.db(), visit.id, reason="left", by=Actor.hcp(visit.hcp_id), at=house.now())
    response = redirect(url_for("door.lost"), code=303)
    identity.forget_visit(response)
    return response


@bp.after_request
def _forget_what_did_not_commit(response: Response) -> Response:
    desk: Desk | None = current_app.extensions.get("portal.desk")
    if response.status_code >= 400 and desk is not None:
        desk.shells.forget()
    return response


def _visit() -> CurrentVisit:
    visit = identity.current_visit()
    if visit is None:
        abort(404)
    return visit


def _here() -> tuple[CurrentVisit, Reader, SiteInForce]:
    visit, db, at = _visit(), house.db(), house.now()
    card = hcps.hcp_card(db, visit.hcp_id)
    site = content.site_by_id(db, visit.site_id)
    if card is None or site is None:
        abort(404)
    rules = live_rule_set(db, site.id, at)
    if rules is None or content.missing_blocks(db, site, at):
        g.reason = "site-incomplete"
        abort(503)  # a site without its mandatory blocks or rules in force serves nothing
    in_force = SiteInForce(
        site=site,
        blocks=tuple(content.blocks_in_force(db, site.id, at)),
        modules=tuple(content.modules_in_force(db, site.id, at)),
        rules=rules,
        topics=tuple((topic.key, topic.name) for topic in content.topics(db, site.id)),
    )
    return visit, Reader(card, hcps.consent_in_force(db, visit.hcp_id, visit.site_id), visit), in_force


def _prepared(visit: CurrentVisit) -> str:
    sender = staff.person(house.db(), visit.sender_id) if visit.sender_id else None
    day = f"{visit.link_created_at.day} {visit.link_created_at:%B %Y}"
    return f"Prepared for you by {sender.name} on {day}" if sender else ""


def _page(served: Served) -> Response:
    response = Response(served.html, mimetype="text/html")
    # `no-cache`, not `no-store`: the page stays eligible for the back/forward cache.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _desk() -> Desk:
    desk: Desk | None = current_app.extensions.get("portal.desk")
    if desk is None:
        settings = house.settings()
        measuring: dict[str, Any] = {
            "data-beacon": "/b",
            "data-grace": settings.grace_seconds * 1000,
            "data-idle": settings.idle_seconds * 1000,
        }
        shown = tuple((name, str(value)) for name, value in measuring.items())
        desk = Desk(Shells(_press()), Mint(settings.secret_key), settings.half_life_days, shown)
        current_app.extensions["portal.desk"] = desk
    return desk


@cache
def _press() -> Press:
    return Press(assets.static_url)
