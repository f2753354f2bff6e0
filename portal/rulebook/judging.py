"""What is wrong with a rule as typed, each fault at the field it stands in; or the rule, where nothing is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

from portal.moments import MomentRefused, read_moment
from portal.personalize.codec import moment
from portal.personalize.form import to_json
from portal.personalize.rules import Rule, RuleRefused, parse_rule
from portal.rulebook.forms import ROOT, EffectForm, Group, Row, RuleForm, uses

_PLAIN = {
    "Field required": "This is needed.",
    "Input should be a valid string": "Write a text.",
    "Input should be a valid number": "Write a number.",
    "Input should be a valid integer": "Write a whole number.",
}
_LENGTH = re.compile(r"String should have at (least|most) ([0-9]+) characters?")
_BOUND = re.compile(r"Input should be (greater|less) than (or equal to )?(-?[0-9.]+)")
_ID = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Judged:
    """The rule, or None and what is wrong: field name to sentence, in the order of the form."""

    rule: Rule | None
    errors: dict[str, str]


def judge(form: RuleForm, rule_id: str, zone: tzinfo = UTC) -> Judged:
    """Give the rule that a form says, its dates being typed in `zone`, or every fault of it at once."""
    placed = {place: (name, text) for place, name, text in _placed(form, rule_id)}
    texts = {place: text for place, (_, text) in placed.items()}
    errors: dict[str, str] = {}
    for name in ("starts", "ends"):
        try:
            texts[name] = moment(read_moment(texts[name], zone)) if texts[name] else ""
        except MomentRefused as refused:
            errors[name] = str(refused)
            texts[name] = ""
    while True:
        try:
            raw = to_json(texts)
            break
        except RuleRefused as refused:
            errors[_field(refused.place, placed)] = said(refused.why)
            # Without this field the others are judged too, so that the person sees all faults at once.
            if texts.pop(refused.place, None) is None:
                return Judged(None, errors)
    try:
        rule = parse_rule(raw)
    except RuleRefused as refused:
        for place, why in refused.errors:
            errors.setdefault(_field(place, placed), said(why))
        # Without a fact there is nothing to compare: one fault is enough.
        bare = {name.removesuffix(".fact") for name in errors if name.endswith(".fact")}
        return Judged(None, {name: why for name, why in errors.items() if not _is_moot(name, bare)})
    return Judged(None if errors else rule, errors)


def asked(form: RuleForm) -> Rule | None:
    """Give a rule that asks what the form asks and does nothing of note; None while the conditions are not whole."""
    probe = RuleForm(name="asked", because="asked", audience=form.audience, when=form.when)
    return judge(replace(probe, then=EffectForm(do="require", aim="everything")), "asked").rule


def fresh_id(name: str, taken: frozenset[str]) -> str:
    """Give an id for a new rule, made from its name and not taken."""
    base = _ID.sub("-", name.lower()).strip("-")[:50].strip("-") or "rule"
    number, chosen = 2, base
    while chosen in taken:
        number, chosen = number + 1, f"{base}-{number}"
    return chosen


def _placed(form: RuleForm, rule_id: str) -> Iterator[tuple[str, str, str]]:
    """Yield the place in the rule, the name of the field and its text."""
    yield "id", "name", rule_id
    yield "name", "name", form.name
    yield "because", "because", form.because
    yield from _placed_node("when", ROOT, form.when)
    yield from _placed_effect(form.then)
    yield "audience", "audience", "\n".join(form.audience)
    yield "priority", "priority", form.priority
    yield "starts", "starts", form.starts
    yield "ends", "ends", form.ends
    yield "sample_percent", "sample", form.sample
    yield "enabled", "enabled", "yes" if form.enabled else "no"
    if not form.enabled:
        yield "off_reason", "off_reason", form.off_reason


def _placed_node(place: str, path: str, node: Row | Group) -> Iterator[tuple[str, str, str]]:
    if isinstance(node, Group):
        if not node.parts:
            yield f"{place}.{node.word}", f"{path}.word", ""
        for index, part in enumerate(node.parts):
            yield from _placed_node(f"{place}.{node.word}[{index}]", f"{path}-{index}", part)
        return
    yield f"{place}.fact", f"{path}.fact", node.fact or "?"
    yield f"{place}.of", f"{path}.of", node.of
    yield f"{place}.op", f"{path}.op", node.op
    yield f"{place}.value", f"{path}.value", "\n".join(node.values)
    yield f"{place}.within_days", f"{path}.within", node.within


def _placed_effect(then: EffectForm) -> Iterator[tuple[str, str, str]]:
    yield "then.do", "then.do", then.do
    if then.aim == "everything":
        yield "then.target.everything", "then.aim", "yes"
    else:
        text = "\n".join(then.modules) if then.aim == "modules" else then.topic if then.aim == "topic" else then.kind
        yield f"then.target.{then.aim}", f"then.{then.aim}", text
    texts = {"within_days": then.within} | {
        name: getattr(then, name) for name in ("by", "place", "module", "way_back", "count", "times", "weight")
    }
    for name in uses(then.do):
        # A limit either hides or lowers; where it hides, the points it might have lowered by are not asked for.
        if not (then.do == "limit" and name == "by" and then.way_back):
            yield f"then.{name}", "then.within" if name == "within_days" else f"then.{name}", texts[name]


def _is_moot(name: str, bare: set[str]) -> bool:
    path, _, field = name.rpartition(".")
    return path in bare and field != "fact"


def _field(place: str, placed: dict[str, tuple[str, str]]) -> str:
    """Give the field that a place stands in, or the nearest one around it."""
    while place and place not in placed:
        inside = next((name for other, (name, _) in placed.items() if other.startswith(f"{place}.")), None)
        if inside is not None:
            return inside
        place = place.rpartition(".")[0] if "." in place else ""
    return placed[place][0] if place else "name"


def said(why: str) -> str:
    """Give what the parser says as a sentence for the person who fills in the form."""
    if why in _PLAIN:
        return _PLAIN[why]
    if (length := _LENGTH.fullmatch(why)) is not None:
        return f"Write at {length[1]} {length[2]} characters."
    if (bound := _BOUND.fullmatch(why)) is not None:
        word = "more" if bound[1] == "greater" else "less"
        return f"Write {'at ' + ('least' if word == 'more' else 'most') if bound[2] else word + ' than'} {bound[3]}."
    if why.startswith("a target is"):
        return "Choose which."
    if why.startswith("there is no fact"):
        return "Choose what this condition looks at."
    return f"{why[:1].upper()}{why[1:]}{'' if why.endswith('.') else '.'}"
