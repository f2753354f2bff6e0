"""Trying rules before release: on one doctor at any date, on some doctors side by side, on every page served before."""

from datetime import datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.audit import Actor
from portal.content import queries as contents
from portal.content.queries import SiteRecord
from portal.db import is_id
from portal.hcp import queries as hcps
from portal.microsite import previews
from portal.microsite.history import count_pages, latest_doctors
from portal.microsite.sheets import Decision
from portal.microsite.trying import take_on
from portal.moments import MomentRefused, read_moment
from portal.personalize import Facts, arrange
from portal.personalize.arrangement import Mode
from portal.personalize.explain import explained, state_words
from portal.reports.rule_offer import offer
from portal.rulebook import backtests, queries
from portal.rulebook.backtests import BacktestRow
from portal.rulebook.queries import RuleSetVersion
from portal.rulebook.trials import beside
from portal.staff.roles import Permission, may
from portal.web import formats, guards, house, htmx, identity

bp = Blueprint("rule_trials", __name__, url_prefix="/staff/rules/versions")

_MODES = {
    Mode.STANDARD: "This doctor asked for the standard order, so no rule about the person acts.",
    Mode.HOLDOUT: "This doctor is kept in the standard order for comparison, so no rule about the person acts.",
    Mode.NO_CONSENT: "This doctor has not agreed to profiling, so rules about the person rest.",
    Mode.UNKNOWN_DEVICE: "On a device that is not known, rules about the person rest.",
}
_SIDE_BY_SIDE = 12
_FIRST = 4
_LISTED = 100
_AT_ONCE = 5.0  # seconds of trying within one request


@bp.get("/<rule_set_id>/try")
@guards.staff(Permission.RULES_READ)
def doctor(rule_set_id: str) -> ResponseReturnValue:
    """Try a version on one doctor: what each rule does and why, and the order beside the live one."""
    found, ref, (at, wrong) = _version(rule_set_id), request.args.get("doctor", "").strip(), _instant()
    db, site = house.db(), _site(found)
    card = hcps.hcp_by_ref(db, ref) if 0 < len(ref) <= 64 else None
    made = _decided(card.id, site, at) if card is not None else None
    errors = [("at", wrong)] if wrong else []
    if ref and made is None:
        errors.append(("doctor", "No doctor with this reference can be shown a page of this site at that moment."))
    tried = None
    if made is not None and card is not None:
        decision, rests_on = made
        names = offer(db, site, at).names()
        facts = _known(found, decision, site, at)
        page = arrange(facts, decision.in_force.candidates, found.rules)
        tried = {
            "card": card,
            "may_preview": may(identity.person(), Permission.PREVIEW),
            "rests_on": rests_on,
            "mode": _MODES.get(page.mode, ""),
            "live": decision.in_force.rules,
            "rows": beside(decision.arrangement, page),
            "titles": decision.in_force.titles(),
            "rules": explained(facts, found.rules, names),
        }
    known = latest_doctors(db, site.id, most=200)
    return render_template(
        "rules/try.html",
        site=site,
        version=found,
        ref=ref,
        at=request.args.get("at", ""),
        errors=errors,
        zone=house.settings().display_zone,
        tried=tried,
        state_words=state_words,
        known=[card.ref for card in hcps.cards_of(db, known).values()],
    )


@bp.get("/<rule_set_id>/matrix")
@guards.staff(Permission.RULES_READ)
def matrix(rule_set_id: str) -> ResponseReturnValue:
    """Show the first modules of the doctors who came last, under the live rules and under this version."""
    found, db, at = _version(rule_set_id), house.db(), house.now()
    site = _site(found)
    rows = []
    for hcp_id, card in sorted(hcps.cards_of(db, latest_doctors(db, site.id, most=_SIDE_BY_SIDE)).items()):
        made = _decided(hcp_id, site, at)
        if made is not None:
            decision = made[0]
            facts = _known(found, decision, site, at)
            page = arrange(facts, decision.in_force.candidates, found.rules)
            titles = decision.in_force.titles()
            rows.append((card, _first(decision.arrangement.order(), titles), _first(page.order(), titles)))
    return render_template("rules/matrix.html", site=site, version=found, rows=rows, first=_FIRST)


@bp.get("/<rule_set_id>/backtest")
@guards.staff(Permission.RULES_READ)
def history(rule_set_id: str) -> ResponseReturnValue:
    """Show the newest back-test of a version, or offer to begin one."""
    found = _version(rule_set_id)
    return _history_page(found, backtests.newest_backtest(house.db(), found.id))


@bp.post("/<rule_set_id>/backtest")
@guards.staff(Permission.RULES_WRITE)
def begin(rule_set_id: str) -> ResponseReturnValue:
    """Begin to try a version on every page served so far, and do the first part at once."""
    found, db, at = _version(rule_set_id), house.db(), house.now()
    total = count_pages(db, found.site_id, until=at)
    backtest_id = backtests.begin(db, found.id, total=total, by=_me(), at=at)
    house.settle_so_far()  # the parts are kept in transactions of their own, and must find it
    take_on(house.database(), backtest_id, seconds=_AT_ONCE, clock=clock.now)
    return redirect(url_for(".history", rule_set_id=found.id), code=303)


@bp.post("/<rule_set_id>/backtest/<backtest_id>")
@guards.staff(Permission.RULES_WRITE)
def go_on(rule_set_id: str, backtest_id: str) -> ResponseReturnValue:
    """Take a back-test on for a few seconds; the worker does the same by itself."""
    found, row = _version(rule_set_id), backtests.backtest_of(house.db(), backtest_id)
    if row is None or row.rule_set_id != found.id:
        abort(404)
    house.settle_so_far()  # nobody else could write on SQLite while the rules are tried
    take_on(house.database(), row.id, seconds=_AT_ONCE, clock=clock.now)
    return redirect(url_for(".history", rule_set_id=found.id), code=303)


def _history_page(found: RuleSetVersion, row: BacktestRow | None) -> ResponseReturnValue:
    db, site = house.db(), _site(found)
    tally = row.found if row is not None else None
    touched: set[str] = set()
    if tally is not None and row is not None and row.finished_at is not None:
        touched = {doctor for doctor, _ in tally.changes.doctors.most_common(_LISTED)}
        touched |= {doctor for doctor, _ in list(tally.changes.losing)[:_LISTED]}
    return htmx.page_or_part(
        "rules/backtest.html",
        "progress",
        site=site,
        version=found,
        row=row,
        tally=tally,
        listed=_LISTED,
        titles=dict(offer(db, site, house.now()).modules),
        live_half_life=queries.half_life_days(db, site.id, house.now()),
        refs={hcp_id: card.ref for hcp_id, card in hcps.cards_of(db, touched).items()},
        pages=count_pages(db, site.id),
        may_run=may(identity.person(), Permission.RULES_WRITE),
    )


def _decided(hcp_id: str, site: SiteRecord, at: datetime) -> tuple[Decision, datetime | None] | None:
    return previews.decided(house.db(), hcp_id, site.id, at=at, now=house.now())


def _known(found: RuleSetVersion, decision: Decision, site: SiteRecord, at: datetime) -> Facts:
    """Return what pages would know under a version: interest fades with its half-life, which may be another."""
    half_life = found.rules.settings.half_life_days
    if half_life == decision.in_force.half_life_days:
        return decision.facts
    hcp_id = decision.reader.card.id
    made = previews.decided(house.db(), hcp_id, site.id, at=at, now=house.now(), half_life_days=half_life)
    return made[0].facts if made is not None else decision.facts


def _first(order: tuple[str, ...], titles: dict[str, str]) -> list[str]:
    return [titles.get(module, module) for module in order[:_FIRST]]


def _instant() -> tuple[datetime, str]:
    """Return the moment asked for (of the staff pages' zone), and what is wrong with it; now where none is given."""
    given = request.args.get("at", "").strip()
    if not given:
        return house.now(), ""
    try:
        return read_moment(given, formats.zone(house.settings().display_zone)), ""
    except MomentRefused as refused:
        return house.now(), str(refused)


def _version(rule_set_id: str) -> RuleSetVersion:
    found = queries.rule_set(house.db(), rule_set_id) if is_id(rule_set_id) else None
    return found or abort(404)


def _site(found: RuleSetVersion) -> SiteRecord:
    return contents.site_by_id(house.db(), found.site_id) or abort(404)


def _me() -> Actor:
    return Actor.staff(identity.person().id)
