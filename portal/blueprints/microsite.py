"""The doctor's pages: personal home, modules, lists, search, mandatory information, and why the order is as it is."""

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response as AnyResponse

from portal.access import actions as access
from portal.access.states import CurrentVisit
from portal.audit import Actor
from portal.content.queries import ModuleInForce
from portal.content.questions import answers_of
from portal.microsite import desks, packing, serve, sheets, why
from portal.microsite.keeping import Stamp
from portal.microsite.serve import Desk
from portal.microsite.sheets import Decision, Sheet
from portal.tracking import choices
from portal.web import assets, guards, house, identity

bp = Blueprint("microsite", __name__, url_prefix="/m")


@bp.get("/")
@guards.visit
def home() -> AnyResponse:
    """Show the personal page."""
    decision, stamp = _decided()
    return _page(decision, stamp, sheets.home(decision, prepared=_prepared(decision.reader.visit)))


@bp.get("/<string:key>")
@guards.visit
def module(key: str) -> AnyResponse:
    """Show one module."""
    decision, stamp = _decided()
    shown = _reachable(decision, key)
    asks = decision.reader.consent.tracking != "none"
    return _page(decision, stamp, sheets.module(decision, shown, noted=request.args.get("noted", ""), asks=asks))


@bp.get("/<string:key>/leaflet")
@guards.visit
def leaflet(key: str) -> AnyResponse:
    """Give one module as a file to take along; a calculator or a question cannot work in one."""
    decision, stamp = _decided()
    shown = _reachable(decision, key)
    if not sheets.is_file(shown):
        abort(404)
    file = _page(decision, stamp, sheets.leaflet(decision, shown), is_file=True)
    if file.status_code == 200:
        file.headers["Content-Disposition"] = f'attachment; filename="{shown.key}.html"'
    return file


@bp.get("/info/<string:key>")
@guards.visit
def information(key: str) -> AnyResponse:
    """Show a mandatory block on a page of its own."""
    decision, stamp = _decided()
    block = next((block for block in decision.in_force.blocks if block.key == key), None)
    if block is None:
        abort(404)
    return _page(decision, stamp, sheets.information(block))


@bp.get("/calculators")
@guards.visit
def calculators() -> AnyResponse:
    """List the calculators."""
    decision, stamp = _decided()
    modules = {each.key for each in decision.in_force.modules if each.calculator}
    keys = [key for key in decision.reachable() if key in modules]
    lead = "Computed in your browser; what you enter stays there."
    return _page(decision, stamp, sheets.listing(decision, "calculators", keys, title="Calculators", lead=lead))


@bp.get("/saved")
@guards.visit
def saved() -> AnyResponse:
    """List what the doctor put by for later; a device that is not theirs has no list."""
    decision, stamp = _decided()
    visit = decision.reader.visit
    listed = choices.saved_modules(house.reading(), visit.hcp_id, visit.site_id) if visit.is_known else []
    reachable = set(decision.reachable())
    keys = [key for key in listed if key in reachable]
    said = "" if keys else "Nothing yet. Press “Save for later” on a topic, and it stands here on your next visit."
    if not visit.is_known:
        said = "This device is not known as yours yet, so nothing is kept on it."
    return _page(
        decision, stamp, sheets.listing(decision, "saved", keys, title="Saved", lead="", said=said, saved=keys)
    )


@bp.get("/search")
@guards.visit
def find() -> AnyResponse:
    """Find modules by words; neither the page that is stored nor any record holds what was typed."""
    decision, stamp = _decided()
    asked = request.args.get("q", "").strip()
    modules = [each for key in decision.reachable() if (each := decision.in_force.module(key))]
    keys = _desk().index.find(house.reading(), modules, asked) if asked else []
    said = ""
    if asked:
        said = {0: "Nothing found. Try fewer or other words.", 1: "1 topic found."}.get(
            len(keys), f"{len(keys)} topics found."
        )
    sheet = sheets.listing(decision, "search", keys, title="Search", lead="", said=said)
    return _page(decision, stamp, sheet, found=len(keys) if asked else None)


@bp.get("/why")
@guards.visit
def explained() -> str:
    """Say in plain words why the modules stand in this order, what would change it and what is left out."""
    decision, _stamp = _decided()
    return render_template("microsite/why.html", decision=decision, account=why.account(decision))


@bp.post("/order")
@guards.visit
def order() -> AnyResponse:
    """Switch between the standard order and the doctor's own."""
    visit, standard = _visit(), request.form.get("standard") == "1"
    access.choose_standard_order(house.db(), visit.id, standard=standard)
    if standard:
        _note(visit, "order.standard", "home")
    return redirect(url_for("microsite.home"), code=303)


@bp.post("/choices")
@guards.visit
def choose() -> AnyResponse:
    """Take one choice about one module: useful or not, save, not relevant, the way back of each, or an answer."""
    decision, _stamp = _decided()
    visit = decision.reader.visit
    deed, _, key = request.form.get("choice", "").partition(":")
    if deed not in ("yes", "no", "save", "unsave", "dismiss", "restore", "answer"):
        abort(400)
    shown = _reachable(decision, key)
    if deed == "answer":
        said = _answer(visit, shown, request.form.get("answer", ""))
        return redirect(url_for("microsite.module", key=shown.key, noted=said, _anchor="question"), code=303)
    if deed not in ("yes", "no") and not visit.is_known:
        abort(403)  # somebody else's device decides nothing for the doctor
    _take(visit, deed, shown.key)
    back = request.form.get("back", "home")
    if deed in ("yes", "no"):
        return redirect(url_for("microsite.module", key=shown.key, noted=1, _anchor="useful"), code=303)
    if back == shown.key:
        return redirect(url_for("microsite.module", key=shown.key), code=303)
    if back in ("saved", "calculators"):
        return redirect(url_for("microsite.saved" if back == "saved" else "microsite.calculators"), code=303)
    anchor = "also" if deed == "dismiss" else f"module-{shown.key}"
    return redirect(url_for("microsite.home", _anchor=anchor), code=303)


@bp.post("/leave")
@guards.visit
def leave() -> AnyResponse:
    """End the visit on this device."""
    visit = _visit()
    access.end_visit(house.db(), visit.id, reason="left", by=Actor.hcp(visit.hcp_id), at=house.now())
    response = redirect(url_for("door.lost"), code=303)
    identity.forget_visit(response)
    return response


def _take(visit: CurrentVisit, deed: str, key: str) -> None:
    db, at = house.db(), house.now()
    events = {"yes": "useful", "no": "useful", "save": "saved", "unsave": "unsaved", "dismiss": "dismissed"}
    if deed in events:
        _note(visit, f"module.{events[deed]}", key, deed if deed in ("yes", "no") else "")
    if deed in ("save", "unsave"):
        choices.save_module(db, visit.hcp_id, visit.site_id, module=key, saved=deed == "save", at=at)
    if deed in ("dismiss", "restore"):
        choices.call_not_relevant(db, visit.hcp_id, visit.site_id, module=key, not_relevant=deed == "dismiss", at=at)


def _answer(visit: CurrentVisit, shown: ModuleInForce, answer: str) -> str:
    """Note an answer of the version that was shown, and say what came of it in a word of `notes.question`."""
    if not answers_of(shown.source):
        abort(400)
    if not answer:
        return "unanswered"
    offered = any(each.key == answer for each in answers_of(shown.source))
    noted = offered and _note(visit, "question.answered", shown.key, answer, served=shown.version_id)
    return "answered" if noted else "again"


def _note(visit: CurrentVisit, type: str, subject: str, value: str = "", *, served: str = "") -> bool:
    """Write an event of the page view that the form names and tell whether it was kept.

    Without a view (nothing is measured) nothing is written.
    """
    ticket = _desk().mint.read(request.form.get("view", ""))
    if ticket is None:
        return False
    told = {"type": type, "subject": subject, "value": value, "served": served, "decided_by": visit.hcp_id}
    return choices.record_choice(
        house.db(), ticket.view_id, visit_id=visit.id, site_id=visit.site_id, **told, at=house.now()
    )


def _visit() -> CurrentVisit:
    visit = identity.current_visit()
    if visit is None:
        abort(404)
    return visit


def _decided() -> tuple[Decision, Stamp]:
    """Return the decision for this visit and the stamp of what it rests on."""
    found = desks.decided(house.reading(), _desk(), _visit(), at=house.now())
    if found is None:
        abort(404)
    return found


@bp.app_errorhandler(desks.SiteIncomplete)
def refuse_incomplete(_incomplete: desks.SiteIncomplete) -> AnyResponse:
    """Answer 503: a site without its mandatory blocks or rules in force serves nothing."""
    g.reason = "site-incomplete"
    return current_app.make_response(current_app.handle_http_exception(ServiceUnavailable()))


def _desk() -> Desk:
    return desks.desk_in(current_app.extensions, house.settings(), assets.static_url)


def _reachable(decision: Decision, key: str) -> ModuleInForce:
    shown = decision.in_force.module(key) if key in decision.reachable() else None
    if shown is None:
        abort(404)
    return shown


def _prepared(visit: CurrentVisit) -> str:
    day = f"{visit.link_created_at.day} {visit.link_created_at:%B %Y}"
    return f"Prepared for you by {visit.sender} on {day}" if visit.sender else ""


def _page(
    decision: Decision, stamp: Stamp, sheet: Sheet, *, found: int | None = None, is_file: bool = False
) -> AnyResponse:
    desk, at = _desk(), house.now()
    page = serve.make(house.reading(), desk, decision, sheet, stamp=stamp, found=found, is_file=is_file, at=at)
    if not house.keep_together(desk.keep, page):
        return redirect(request.full_path.rstrip("?"), code=303)  # what it rests on has changed: asked anew
    response = Response(mimetype="text/html")
    response.vary.add("Accept-Encoding")
    if assets.takes_gzip(request.environ):
        response.content_encoding = "gzip"
        response.data = packing.packed(page.parts, page.html)
    else:
        response.data = page.html
    # `no-cache`, not `no-store`: the page stays eligible for the back/forward cache.
    response.headers["Cache-Control"] = "private, no-cache"
    return response
