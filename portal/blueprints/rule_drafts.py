"""Writing rules: the draft as sentences, the builder of one rule, settings, and putting a draft to review."""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor
from portal.content import queries as contents
from portal.content.queries import SiteRecord
from portal.db import is_id
from portal.personalize.diff import diff
from portal.personalize.rules import Rule, RuleSet, dump
from portal.reports import second_look
from portal.reports.matching.audience import Matches, matching
from portal.reports.rule_offer import offer
from portal.rulebook import actions, editing, forms, queries, reshaping, segments
from portal.rulebook.bodies import acting_condition
from portal.rulebook.builder import GROUP_WORDS, LABELS, effect_view, facts_offered, view_of
from portal.rulebook.judging import asked, fresh_id, judge
from portal.rulebook.queries import RuleSetVersion
from portal.rulebook.refusals import Refusal, RuleSetRefused
from portal.rulebook.sentences import cards
from portal.rulebook.settings import SETTINGS, in_words, judge_settings, typed_settings
from portal.rulebook.states import State, Step
from portal.staff import queries as staff
from portal.staff.roles import Permission
from portal.web import formats, guards, house, htmx, identity

bp = Blueprint("rule_drafts", __name__, url_prefix="/staff/rules/drafts")

_NO_RULES = RuleSet(id="none", version=1, site="none")
_CHANGEABLE = (State.DRAFT, State.IN_REVIEW, State.APPROVED)


@bp.post("/")
@guards.staff(Permission.RULES_WRITE)
def begin() -> ResponseReturnValue:
    """Begin a draft with the live rules, or with an older version."""
    db = house.db()
    site = contents.site_by_key(db, request.form.get("site", "")) or abort(404)
    wanted = request.form.get("version", "")
    version = int(wanted) if wanted.isdecimal() and len(wanted) < 9 else None
    try:
        draft_id = actions.draft_from(db, site.id, based_on_version=version, by=_me(), at=house.now())
    except RuleSetRefused:
        abort(404)
    return redirect(url_for(".draft", rule_set_id=draft_id), code=303)


@bp.get("/<rule_set_id>")
@guards.staff(Permission.RULES_WRITE)
def draft(rule_set_id: str) -> ResponseReturnValue:
    """Show a draft as sentences, what differs from the live rules, and what deserves a second look."""
    return _draft_page(_draft(rule_set_id))


@bp.get("/<rule_set_id>/rules/new")
@guards.staff(Permission.RULES_WRITE)
def new_rule(rule_set_id: str) -> ResponseReturnValue:
    """Show the builder with an empty rule, or with the conditions of a segment."""
    return _builder(_draft(rule_set_id), None, _fresh_form(request.args.get("segment", "")))


@bp.post("/<rule_set_id>/rules/new")
@guards.staff(Permission.RULES_WRITE)
def add_rule(rule_set_id: str) -> ResponseReturnValue:
    """Add the rule of the builder at the end, or show the builder again."""
    return _build(_draft(rule_set_id), None)


@bp.get("/<rule_set_id>/rules/<rule_id>")
@guards.staff(Permission.RULES_WRITE)
def rule(rule_set_id: str, rule_id: str) -> ResponseReturnValue:
    """Show the builder with one rule of a draft."""
    found = _draft(rule_set_id)
    known = _rule(found, rule_id)
    return _builder(found, known, forms.form_of(known, _zone()))


@bp.post("/<rule_set_id>/rules/<rule_id>")
@guards.staff(Permission.RULES_WRITE)
def save_rule(rule_set_id: str, rule_id: str) -> ResponseReturnValue:
    """Keep the rule of the builder, or show the builder again."""
    found = _draft(rule_set_id)
    return _build(found, _rule(found, rule_id))


@bp.post("/<rule_set_id>/rules/<rule_id>/move")
@guards.staff(Permission.RULES_WRITE)
def move(rule_set_id: str, rule_id: str) -> ResponseReturnValue:
    """Move a rule one place up or down."""
    found = _draft(rule_set_id)
    by = -1 if request.form.get("to") == "up" else 1
    return _edit(found, editing.moved(found.rules, _rule(found, rule_id).id, by))


@bp.post("/<rule_set_id>/rules/<rule_id>/remove")
@guards.staff(Permission.RULES_WRITE)
def remove(rule_set_id: str, rule_id: str) -> ResponseReturnValue:
    """Take a rule out of a draft."""
    found = _draft(rule_set_id)
    known = _rule(found, rule_id)
    return _edit(found, editing.without(found.rules, known.id), f"“{known.name}” is taken out of this draft.")


@bp.get("/<rule_set_id>/settings")
@guards.staff(Permission.RULES_WRITE)
def settings(rule_set_id: str) -> ResponseReturnValue:
    """Show the settings of a draft."""
    found = _draft(rule_set_id)
    return _settings_page(found, typed_settings(found.rules.settings), {})


@bp.post("/<rule_set_id>/settings")
@guards.staff(Permission.RULES_WRITE)
def save_settings(rule_set_id: str) -> ResponseReturnValue:
    """Keep the settings of a draft, or say what is wrong with them."""
    found = _draft(rule_set_id)
    typed = {spec.name: request.form.get(spec.name, "") for spec in SETTINGS}
    judged, errors = judge_settings(typed, found.rules.settings)
    if judged is None:
        return _settings_page(found, typed, errors), 422
    changed = {**dump(found.rules), "settings": judged.model_dump(mode="json")}
    return _edit(found, changed, "The settings are kept in this draft.")


@bp.post("/<rule_set_id>/submit")
@guards.staff(Permission.RULES_WRITE)
def submit(rule_set_id: str) -> ResponseReturnValue:
    """Put a draft to review."""
    found, note = _draft(rule_set_id), request.form.get("note", "")
    try:
        actions.submit(house.db(), found.id, note=note, by=_me(), at=house.now())
    except RuleSetRefused as refused:
        return _draft_page(found, [("note", refused.sentence)]), 422
    flash("Put to review. Somebody who wrote none of it has to approve.", "good")
    return redirect(url_for("rules.version", rule_set_id=found.id), code=303)


@bp.post("/<rule_set_id>/discard")
@guards.staff(Permission.RULES_WRITE)
def discard(rule_set_id: str) -> ResponseReturnValue:
    """Give up a draft; it stays readable."""
    found = _draft(rule_set_id)
    try:
        actions.discard(house.db(), found.id, by=_me(), at=house.now())
    except RuleSetRefused as refused:
        return _draft_page(found, [("note", refused.sentence)]), 422
    flash(f"Draft {found.version} is discarded. It stays readable in the history.", "good")
    return redirect(url_for("rules.home", site=_site(found).key), code=303)


def _fresh_form(segment_id: str) -> forms.RuleForm:
    chosen = segments.segment(house.db(), segment_id) if is_id(segment_id) else None
    return forms.RuleForm(when=forms.form_of(segments.probe(chosen.condition)).when) if chosen else forms.RuleForm()


def _build(found: RuleSetVersion, known: Rule | None) -> ResponseReturnValue:
    """Do what the pressed button of the builder says: change its shape, or keep the rule."""
    act = request.form.get("do", "save")
    try:
        form = reshaping.changed(forms.read(request.form.to_dict(flat=False)), act)
    except forms.FormRefused as refused:
        return _builder(found, known, forms.RuleForm(), {"name": str(refused)})
    if act != "save":
        return _builder(found, known, form, focus=reshaping.focused(form, act))
    rule_id = known.id if known else fresh_id(form.name, frozenset(one.id for one in found.rules.rules))
    judged = judge(form, rule_id, _zone())
    if judged.rule is None:
        return _builder(found, known, form, judged.errors)
    said = f"“{judged.rule.name}” is kept in this draft."

    def again(sentence: str) -> ResponseReturnValue:
        return _builder(found, known, form, {"name": sentence})

    return _edit(found, editing.with_rule(found.rules, judged.rule), said, again)


def _edit(
    found: RuleSetVersion,
    body: dict[str, Any],
    said: str = "",
    again: Callable[[str], ResponseReturnValue] | None = None,
) -> ResponseReturnValue:
    """Keep the changed rules of a draft and show it; a refusal is said where the change was made."""
    given = request.form.get("revision", "")
    revision = int(given) if given.isdecimal() and len(given) < 9 else 0
    try:
        actions.edit_draft(house.db(), found.id, body=body, revision=revision, by=_me(), at=house.now())
    except RuleSetRefused as refused:
        why = refused.errors[0][1] if refused.reason is Refusal.RULES else ""
        sentence = f"{refused.sentence} {why}".strip()
        return again(sentence) if again else (_draft_page(found, [("rules", sentence)]), 422)
    if said:
        flash(said, "good")
    return redirect(url_for(".draft", rule_set_id=found.id), code=303)


def _draft_page(found: RuleSetVersion, errors: list[tuple[str, str]] | None = None) -> str:
    db, at, site = house.db(), house.now(), _site(found)
    live = queries.live_version(db, site.id, at)
    names = offer(db, site, at).names()
    return render_template(
        "rules/draft.html",
        site=site,
        version=found,
        live=live,
        cards=cards(found.rules, names),
        reaches=_reaches(found, site, found.rules.rules),
        changes=diff(live.rules if live else _NO_RULES, found.rules, names),
        findings=second_look.in_words(db, site, found.rules, names, at=at),
        killed=queries.killed_since(db, site.id, found.based_on or 0),
        people=staff.names_of(db, {found.author_id, found.edited_by}),
        settings=in_words(found.rules.settings),
        errors=errors or [],
        note=request.form.get("note", found.note),
        sent_back=queries.last_note(db, found.id, Step.CHANGES),
    )


def _reaches(found: RuleSetVersion, site: SiteRecord, rules: Sequence[Rule]) -> list[Matches]:
    db, at, half_life = house.db(), house.now(), found.rules.settings.half_life_days
    return [matching(db, site.id, acting_condition(rule), at=at, half_life_days=half_life) for rule in rules]


def _reach_of(found: RuleSetVersion, form: forms.RuleForm, site: SiteRecord) -> Matches | None:
    probe = asked(form)
    return _reaches(found, site, [probe])[0] if probe is not None else None


def _builder(
    found: RuleSetVersion,
    known: Rule | None,
    form: forms.RuleForm,
    errors: dict[str, str] | None = None,
    focus: str = "",
) -> ResponseReturnValue:
    db, at, site = house.db(), house.now(), _site(found)
    offered = offer(db, site, at)
    return htmx.page_or_part(
        "rules/builder.html",
        "builder",
        422 if errors else 200,
        site=site,
        version=found,
        rule=known,
        form=form,
        when=view_of(form.when, offered),
        then=effect_view(form.then, offered),
        offered=offered,
        reach=_reach_of(found, form, site),
        matches_url=url_for("insights.matches", site=site.key, version=found.id),
        facts=facts_offered(),
        group_words=GROUP_WORDS,
        errors=errors or {},
        focus=focus,
        labels=LABELS,
        zone=house.settings().display_zone,
        action=request.path,
    )


def _settings_page(found: RuleSetVersion, typed: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "rules/settings.html", site=_site(found), version=found, specs=SETTINGS, typed=typed, errors=errors
    )


def _draft(rule_set_id: str) -> RuleSetVersion:
    found = queries.rule_set(house.db(), rule_set_id) if is_id(rule_set_id) else None
    if found is None or found.state not in _CHANGEABLE:
        abort(404)
    return found


def _rule(found: RuleSetVersion, rule_id: str) -> Rule:
    return next((rule for rule in found.rules.rules if rule.id == rule_id), None) or abort(404)


def _site(found: RuleSetVersion) -> SiteRecord:
    return contents.site_by_id(house.db(), found.site_id) or abort(404)


def _zone() -> tzinfo:
    return formats.zone(house.settings().display_zone)


def _me() -> Actor:
    return Actor.staff(identity.person().id)
