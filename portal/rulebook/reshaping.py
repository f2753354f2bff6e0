"""What the buttons of the rule builder do to its form, and where the person who pressed one goes on."""

from __future__ import annotations

import re
from dataclasses import replace

from portal.rulebook.forms import ROOT, Group, Row, RuleForm

_PATH = re.compile(rf"{ROOT}(?:-[0-9]{{1,2}})*")


def changed(form: RuleForm, act: str) -> RuleForm:
    """Give the form after one press of a button: `and:PATH`, `group:PATH`, `remove:PATH`, `or`; else unchanged."""
    verb, _, path = act.partition(":")
    steps = tuple(int(step) for step in path.split("-")[1:]) if _PATH.fullmatch(path) else None
    if verb == "or":
        return replace(form, when=_alternative(form.when))
    if steps is None or verb not in ("and", "group", "remove"):
        return form
    when = _at(form.when, steps, verb)
    return replace(form, when=when if isinstance(when, Group) else form.when)


def focused(form: RuleForm, act: str) -> str:
    """Give the field to go on with after a press of a button, in the form it gave: what was added, or what is left."""
    verb, _, path = act.partition(":")
    if verb == "or":
        path = f"{ROOT}-{len(form.when.parts) - 1}"
        return f"{path}-0.fact" if isinstance(form.when.parts[-1], Group) else f"{path}.fact"
    if _PATH.fullmatch(path) is None:
        return ""
    if verb == "remove":
        return f"{path.rpartition('-')[0]}.word"
    node: Row | Group = form.when
    for step in path.split("-")[1:]:
        if not isinstance(node, Group) or int(step) >= len(node.parts):
            return ""
        node = node.parts[int(step)]
    if verb not in ("and", "group") or not isinstance(node, Group):
        return ""
    return f"{path}-{len(node.parts) - 1}{'-0' if verb == 'group' else ''}.fact"


def _alternative(when: Group) -> Group:
    """Give the whole with one more alternative below it."""
    fresh = Group("all", (Row(),))
    if when.word == "any":
        return Group("any", (*when.parts, fresh))
    return Group("any", (when, fresh))


def _at(node: Row | Group, steps: tuple[int, ...], verb: str) -> Row | Group:
    if not isinstance(node, Group):
        return node
    if not steps:
        other = "all" if node.word == "any" else "any"
        more: dict[str, tuple[Row | Group, ...]] = {"and": (Row(),), "group": (Group(other, (Row(), Row())),)}
        return replace(node, parts=(*node.parts, *more.get(verb, ())))
    here, *rest = steps
    if here >= len(node.parts):
        return node
    if not rest and verb == "remove":
        return replace(node, parts=node.parts[:here] + node.parts[here + 1 :])
    inner = _at(node.parts[here], tuple(rest), verb)
    return replace(node, parts=(*node.parts[:here], inner, *node.parts[here + 1 :]))
