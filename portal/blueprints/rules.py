"""The rules of a site as sentences: live, past, in review; released, brought back, switched off."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.content import queries as contents
from portal.content.queries import SiteRecord
from portal.db import is_id
from portal.moments import MomentRefused, read_moment
from portal.personalize.diff import diff
from portal.personalize.rules import RuleSet
from portal.reports import second_look
from portal.reports.matching.audience import matching
from portal.reports.rule_offer import offer
from portal.rulebook import actions, queries
from portal.rulebook.bodies import acting_condition
from portal.rulebook.queries import RuleSetVersion
from portal.rulebook.refusals import Refusal, RuleSetRefused
from portal.rulebook.sentences import cards
from portal.rulebook.settings import in_words
from portal.rulebook.states import Standing
from portal.staff import queries as staff
from portal.staff.roles import Permission, may
from portal.web import formats, guards, house, identity

bp = Blueprint("rules", __name__, url_prefix="/staff/rules")

_TO_RELEASE = (Standing.IN_REVIEW, Standing.APPROVED, Standing.SCHEDULED)
_NO_RULES = RuleSet(id="none", version=1, site="none")


@bp.get("/")
@guards.staff(Permission.RULES_READ)
def home() -> ResponseReturnValue:
    """Show the live rules of a site as sentences, and what is under way."""
    db, at, site = house.db(), house.now(), _site(request.args.get("site", ""))
    live = queries.live_version(db, site.id, at)
    under_way = queries.unreleased(db, site.id, at)
    names = offer(db, site, at).names()
    rules = live.rules if live else _NO_RULES
    half_life = rules.settings.half_life_days
    acting = [acting_condition(rule) for rule in rules.rules]
    return render_template(
        "rules/home.html",
        sites=contents.sites(db),
        site=site,
        live=live,
        cards=cards(live.rules, names) if live else (),
        reaches=[matching(db, site.id, each, at=at, half_life_days=half_life) for each in acting],
        settings=in_words(live.rules.settings) if live else (),
        under_way=under_way,
        people=_people(under_way, live),
        now=at,
        **_rights(),
    )


@bp.get("/history")
@guards.staff(Permission.RULES_READ)
def history() -> ResponseReturnValue:
    """List every version of a site's rules, newest first."""
    db, site = house.db(), _site(request.args.get("site", ""))
    versions = queries.history(db, site.id)
    return render_template(
        "rules/history.html", site=site, versions=versions, people=_people(versions, None), now=house.now(), **_rights()
    )


@bp.get("/versions/<rule_set_id>")
@guards.staff(Permission.RULES_READ)
def version(rule_set_id: str) -> ResponseReturnValue:
    """Show one version: its rules, what differs from the live ones, what was done with it, what can be done."""
    return _version_page(_version(rule_set_id))


@bp.post("/versions/<rule_set_id>/review")
@guards.staff(Permission.RULES_APPROVE)
def review(rule_set_id: str) -> ResponseReturnValue:
    """Approve a version, with or without making it live, or ask for changes."""
    found, note, verdict = _version(rule_set_id), request.form.get("note", ""), request.form.get("verdict", "")
    seen = actions.Seen(_number("revision"), request.form.get("live") or None)

    def decide() -> str:
        db, by, at = house.db(), _me(), house.now()
        if verdict == "changes":
            actions.request_changes(db, found.id, note=note, by=by, at=at)
            return "Sent back to its author."
        if verdict not in ("approve", "release"):
            raise RuleSetRefused(Refusal.STATE, "Choose what becomes of this version.")
        actions.approve(db, found.id, note=note, seen=seen, by=by, at=at)
        if verdict == "release":
            actions.go_live(db, found.id, by=by, at=at)
        return f"Version {found.version} is {'live' if verdict == 'release' else 'approved'}."

    return _do(found, decide, "note")


@bp.post("/versions/<rule_set_id>/live")
@guards.staff(Permission.RULES_RELEASE)
def go_live(rule_set_id: str) -> ResponseReturnValue:
    """Make an approved version live at once."""
    found = _version(rule_set_id)

    def release() -> str:
        actions.go_live(house.db(), found.id, by=_me(), at=house.now())
        return f"Version {found.version} is live."

    return _do(found, release, "since")


@bp.post("/versions/<rule_set_id>/schedule")
@guards.staff(Permission.RULES_RELEASE)
def schedule(rule_set_id: str) -> ResponseReturnValue:
    """Make an approved version live at a moment to come, typed in the zone of the staff pages."""
    found = _version(rule_set_id)

    def release() -> str:
        actions.schedule(house.db(), found.id, since=_moment("since"), by=_me(), at=house.now())
        return f"Version {found.version} is scheduled."

    return _do(found, release, "since")


@bp.post("/versions/<rule_set_id>/unschedule")
@guards.staff(Permission.RULES_RELEASE)
def unschedule(rule_set_id: str) -> ResponseReturnValue:
    """Take a version off the schedule."""
    found = _version(rule_set_id)

    def release() -> str:
        actions.unschedule(house.db(), found.id, by=_me(), at=house.now())
        return f"Version {found.version} is off the schedule and still approved."

    return _do(found, release, "since")


@bp.post("/versions/<rule_set_id>/revert")
@guards.staff(Permission.RULES_APPROVE)
def revert(rule_set_id: str) -> ResponseReturnValue:
    """Bring a version back at once, as the second person beside its author."""
    found = _version(rule_set_id)

    def bring_back() -> str:
        actions.revert(house.db(), found.id, note=request.form.get("note", ""), by=_me(), at=house.now())
        return f"The rules of version {found.version} are live again."

    return _do(found, bring_back, "note", home=True)


@bp.post("/versions/<rule_set_id>/propose")
@guards.staff(Permission.RULES_WRITE)
def propose(rule_set_id: str) -> ResponseReturnValue:
    """Ask a reviewer to bring a version back."""
    found = _version(rule_set_id)

    def ask() -> str:
        actions.propose_revert(house.db(), found.id, note=request.form.get("note", ""), by=_me(), at=house.now())
        return "A reviewer has to agree before these rules are live again."

    return _do(found, ask, "note", home=True)


@bp.get("/sites/<site_key>/rules/<rule_id>/off")
@guards.staff(Permission.RULES_KILL)
def kill(site_key: str, rule_id: str) -> ResponseReturnValue:
    """Ask why a live rule is switched off."""
    return _kill_page(_site(site_key), rule_id, "", [])


@bp.post("/sites/<site_key>/rules/<rule_id>/off")
@guards.staff(Permission.RULES_KILL)
def kill_now(site_key: str, rule_id: str) -> ResponseReturnValue:
    """Switch a live rule off from the next request on."""
    site, reason = _site(site_key), request.form.get("reason", "")
    try:
        actions.kill_rule(house.db(), site.id, rule_id, reason=reason, by=_me(), at=house.now())
    except RuleSetRefused as refused:
        if refused.reason in (Refusal.MISSING, Refusal.STATE):
            abort(404)
        return _kill_page(site, rule_id, reason, [("reason", refused.sentence)]), 422
    flash("The rule is off. Pages served from now on do not follow it.", "good")
    return redirect(url_for(".home", site=site.key), code=303)


def _kill_page(site: SiteRecord, rule_id: str, reason: str, errors: list[tuple[str, str]]) -> str:
    db, at = house.db(), house.now()
    live = queries.live_version(db, site.id, at)
    shown = cards(live.rules, offer(db, site, at).names()) if live else ()
    card = next((card for card in shown if card.id == rule_id and card.rule.enabled), None)
    if live is None or card is None:
        abort(404)
    return render_template("rules/kill.html", site=site, live=live, card=card, reason=reason, errors=errors)


def _version_page(found: RuleSetVersion, errors: list[tuple[str, str]] | None = None) -> str:
    db, at = house.db(), house.now()
    site = contents.site_by_id(db, found.site_id) or abort(404)
    live = queries.live_version(db, site.id, at)
    names, stands = offer(db, site, at).names(), found.standing(at)
    compared = live if live is not None and live.id != found.id else None
    if stands is Standing.LIVE and found.based_on is not None:
        compared = queries.version_of(db, site.id, found.based_on)
    steps, writers = queries.steps(db, found.id), queries.writers_of(db, found)
    return render_template(
        "rules/version.html",
        site=site,
        version=found,
        standing=stands,
        live=live,
        compared=compared,
        changes=diff(compared.rules if compared else _NO_RULES, found.rules, names),
        cards=cards(found.rules, names),
        findings=second_look.in_words(db, site, found.rules, names, at=at) if stands in _TO_RELEASE else None,
        settings=in_words(found.rules.settings),
        steps=steps,
        people=_people([found], live, *(step.by_id for step in steps)),
        is_writer=identity.person().id in writers,
        errors=errors or [],
        typed=request.form,
        zone=house.settings().display_zone,
        now=at,
        **_rights(),
    )


def _do(found: RuleSetVersion, deed: Callable[[], str], field: str, *, home: bool = False) -> ResponseReturnValue:
    """Do a deed on a version and say what came of it; a refusal shows the page again with what was typed."""
    try:
        flash(deed(), "good")
    except RuleSetRefused as refused:
        house.db().rollback()  # half a deed is no deed: the page is drawn from what stands
        return _version_page(_version(found.id), [(field, refused.sentence)]), 422
    if home:
        site = contents.site_by_id(house.db(), found.site_id) or abort(404)
        return redirect(url_for(".home", site=site.key), code=303)
    return redirect(url_for(".version", rule_set_id=found.id), code=303)


def _version(rule_set_id: str) -> RuleSetVersion:
    found = queries.rule_set(house.db(), rule_set_id) if is_id(rule_set_id) else None
    return found or abort(404)


def _site(key: str) -> SiteRecord:
    sites = contents.sites(house.db())
    return next((site for site in sites if site.key == key or not key), None) or abort(404)


def _people(versions: list[RuleSetVersion], live: RuleSetVersion | None, *others: str) -> dict[str, str]:
    every = [*versions, *([live] if live else [])]
    ids = {one for each in every for one in (each.author_id, each.edited_by, each.approved_by or "")}
    return staff.names_of(house.db(), ids | set(others))


def _rights() -> dict[str, Any]:
    person = identity.person()
    return {
        "may_write": may(person, Permission.RULES_WRITE),
        "may_approve": may(person, Permission.RULES_APPROVE),
        "may_release": may(person, Permission.RULES_RELEASE),
        "may_kill": may(person, Permission.RULES_KILL),
    }


def _me() -> Actor:
    return Actor.staff(identity.person().id)


def _number(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _moment(name: str) -> datetime:
    try:
        return read_moment(request.form.get(name, ""), formats.zone(house.settings().display_zone))
    except MomentRefused as refused:
        raise RuleSetRefused(Refusal.MOMENT, str(refused)) from None
