"""What marketers learn from what was measured: whether the order helps, which modules fall behind, saved segments."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.content import queries as contents
from portal.content.queries import SiteRecord
from portal.db import is_id
from portal.personalize.conditions import Condition
from portal.personalize.effect import LEAST
from portal.personalize.form import to_json
from portal.personalize.rules import RuleRefused
from portal.reports import effects, revising
from portal.reports.effect_words import row_of
from portal.reports.matching import Matches, matching, who
from portal.reports.rule_offer import offer
from portal.rulebook import forms, queries, reshaping, segments
from portal.rulebook.bodies import acting_condition
from portal.rulebook.builder import GROUP_WORDS, LABELS, facts_offered, view_of
from portal.rulebook.judging import asked
from portal.rulebook.segments import Segment, SegmentRefused
from portal.rulebook.sentences import Line, lines
from portal.rulebook.states import State
from portal.staff import queries as staff
from portal.staff.roles import Permission, may
from portal.web import guards, house, htmx, identity

bp = Blueprint("insights", __name__, url_prefix="/staff/insights")

_LISTED = 200  # doctors of a segment on its page


@bp.get("/")
@guards.staff(Permission.RULES_READ)
def home() -> ResponseReturnValue:
    """Show whether the personal order helps, compared with the standing holdout."""
    site = _site(request.args.get("site", ""))
    report = effects.report(house.db(), site.id, at=house.now())
    rows = [row_of(line) for line in report.lines]
    days, fewest = effects.FOLLOWED.days, effects.FEWEST
    return render_template(
        "insights/effect.html",
        **_frame(site, "effect"),
        report=report,
        rows=rows,
        days=days,
        fewest=fewest,
        least=LEAST,
    )


@bp.get("/modules")
@guards.staff(Permission.RULES_READ)
def modules() -> ResponseReturnValue:
    """List the modules that fall behind the others of the site, and newer versions beside older ones."""
    site = _site(request.args.get("site", ""))
    found = revising.revision(house.db(), site.id, at=house.now())
    may_read = may(identity.person(), Permission.CONTENT_READ)
    return render_template("insights/modules.html", **_frame(site, "modules"), found=found, may_read=may_read)


@bp.post("/matches")
@guards.staff(Permission.RULES_READ)
def matches() -> ResponseReturnValue:
    """Say how many doctors the conditions of a form speak of; nothing is kept.

    Interest fades with the half-life of the version named, or else of the live rules.
    """
    site, version_id = _site(request.values.get("site", "")), request.values.get("version", "")
    version = queries.rule_set(house.db(), version_id) if is_id(version_id) else None
    half_life = version.rules.settings.half_life_days if version is not None else None
    condition = _condition()
    reach = _matches(site, condition, half_life) if condition is not None else None
    return htmx.page_or_part("insights/matches.html", "part", **_frame(site, "segments"), reach=reach)


@bp.get("/segments")
@guards.staff(Permission.RULES_READ)
def saved() -> ResponseReturnValue:
    """List the segments of a site with how many doctors each matches today and which rules use it."""
    return _list(_site(request.args.get("site", "")))


@bp.route("/segments/new", methods=["GET", "POST"])
@guards.staff(Permission.RULES_WRITE)
def new() -> ResponseReturnValue:
    """Show the builder of a segment, change its shape, or save it; conditions may come from a rule's form."""
    site = _site(request.values.get("site", ""))
    if request.method == "GET":
        return _builder(site, forms.RuleForm(), {})
    act = request.form.get("do", "save")
    try:
        form = reshaping.changed(forms.read(request.form.to_dict(flat=False)), act)
    except forms.FormRefused as refused:
        return _builder(site, forms.RuleForm(), {"name": str(refused)})
    return _save(site, form) if act == "save" else _builder(site, form, {}, reshaping.focused(form, act))


@bp.get("/segments/<segment_id>")
@guards.staff(Permission.RULES_READ)
def one(segment_id: str) -> ResponseReturnValue:
    """Show one segment: its sentence, its doctors by reference, the rules that use it."""
    return _page(_segment(segment_id))


@bp.post("/segments/<segment_id>/rename")
@guards.staff(Permission.RULES_WRITE)
def rename(segment_id: str) -> ResponseReturnValue:
    """Give a segment another name."""
    found, name = _segment(segment_id), request.form.get("name", "")
    try:
        segments.rename_segment(house.db(), found.id, name=name, by=_me(), at=house.now())
    except SegmentRefused as refused:
        return _page(found, [("name", refused.sentence)]), 422
    flash("The segment has its new name.", "good")
    return redirect(url_for(".one", segment_id=found.id), code=303)


@bp.post("/segments/<segment_id>/delete")
@guards.staff(Permission.RULES_WRITE)
def delete(segment_id: str) -> ResponseReturnValue:
    """Delete a segment that no rule uses."""
    found = _segment(segment_id)
    try:
        segments.delete_segment(house.db(), found.id, by=_me(), at=house.now())
    except SegmentRefused as refused:
        return _page(found, [("delete", refused.sentence)]), 422
    flash(f"“{found.name}” is deleted.", "good")
    return redirect(url_for(".saved", site=_site_of(found).key), code=303)


def _save(site: SiteRecord, form: forms.RuleForm) -> ResponseReturnValue:
    condition = _asked(form)
    if condition is None:
        return _builder(site, form, {"n0.word": "Complete the conditions first."})
    try:
        made = segments.save_segment(house.db(), site.id, name=form.name, condition=condition, by=_me(), at=house.now())
    except SegmentRefused as refused:
        return _builder(site, form, {"name": refused.sentence})
    flash("The segment is saved.", "good")
    return redirect(url_for(".one", segment_id=made), code=303)


def _list(site: SiteRecord) -> str:
    db, at = house.db(), house.now()
    found = segments.segments(db, site.id)
    return render_template(
        "insights/segments.html",
        **_frame(site, "segments"),
        segments=found,
        counts={each.id: _matches(site, each.condition) for each in found},
        uses=segments.uses_of(db, site.id, {each.id: each.condition for each in found}, at),
        people=staff.names_of(db, {each.author_id for each in found}),
    )


def _page(found: Segment, errors: list[tuple[str, str]] | None = None) -> str:
    db, at, site = house.db(), house.now(), _site_of(found)
    half_life = queries.half_life_days(house.db(), site.id, house.now())
    return render_template(
        "insights/segment.html",
        **_frame(site, "segments"),
        segment=found,
        lines=_words(found.condition, site),
        reach=_matches(site, found.condition),
        doctors=who(db, site.id, found.condition, at=at, half_life_days=half_life, limit=_LISTED),
        listed=_LISTED,
        uses=segments.uses_of(db, site.id, {found.id: found.condition}, at)[found.id],
        drafts=[version for version in queries.unreleased(db, site.id, at) if version.state == State.DRAFT],
        people=staff.names_of(db, {found.author_id}),
        errors=errors or [],
        typed=request.form.get("name", found.name),
    )


def _builder(site: SiteRecord, form: forms.RuleForm, errors: dict[str, str], focus: str = "") -> ResponseReturnValue:
    offered, condition = offer(house.db(), site, house.now()), _asked(form)
    return htmx.page_or_part(
        "insights/segment_new.html",
        "builder",
        422 if errors else 200,
        **_frame(site, "segments"),
        form=form,
        when=view_of(form.when, offered),
        offered=offered,
        facts=facts_offered(),
        group_words=GROUP_WORDS,
        errors=errors,
        focus=focus,
        labels=LABELS,
        reach=_matches(site, condition) if condition is not None else None,
        action=url_for(".new", site=site.key),
        matches_url=url_for(".matches", site=site.key),
    )


def _condition() -> Condition | None:
    """Return the conditions of the form of this request, None while they are not whole."""
    try:
        if any(name.startswith("when.") for name in request.form):
            places = {name: text for name, text in request.form.items() if name.startswith("when.")}
            return segments.probe(to_json(places).get("when")).when
        return _asked(forms.read(request.form.to_dict(flat=False)))
    except (forms.FormRefused, RuleRefused):
        return None


def _asked(form: forms.RuleForm) -> Condition | None:
    probe = asked(form)
    return acting_condition(probe) if probe is not None else None


def _matches(site: SiteRecord, condition: Condition, half_life: float | None = None) -> Matches:
    half_life = half_life or queries.half_life_days(house.db(), site.id, house.now())
    return matching(house.db(), site.id, condition, at=house.now(), half_life_days=half_life)


def _words(condition: Condition, site: SiteRecord) -> list[Line]:
    """Return the conditions as lines to read, without what a rule would do."""
    names = offer(house.db(), site, house.now()).names()
    return [line for line in lines(segments.probe(condition), names) if line.word not in ("THEN", "BECAUSE")]


def _frame(site: SiteRecord, tab: str) -> dict[str, Any]:
    may_write = may(identity.person(), Permission.RULES_WRITE)
    return {"site": site, "sites": contents.sites(house.db()), "tab": tab, "may_write": may_write, "now": house.now()}


def _segment(segment_id: str) -> Segment:
    found = segments.segment(house.db(), segment_id) if is_id(segment_id) else None
    return found or abort(404)


def _site_of(found: Segment) -> SiteRecord:
    return contents.site_by_id(house.db(), found.site_id) or abort(404)


def _site(key: str) -> SiteRecord:
    sites = contents.sites(house.db())
    return next((site for site in sites if site.key == key or not key), None) or abort(404)


def _me() -> Actor:
    return Actor.staff(identity.person().id)
