"""What the rule builder shows: for every part of a form its known lists, its kind of field and its words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from portal.personalize.catalogue import FACTS, FactSpec, FactType, Of, Op
from portal.personalize.conditions import MAX_DEPTH
from portal.personalize.effects import WayBack
from portal.personalize.grammar import WAY_BACK_WORDS, op_words
from portal.personalize.words import Names
from portal.rulebook.forms import ROOT, EffectForm, Group, Row, uses

Options = tuple[tuple[str, str], ...]

_SOURCES = {
    "measured": "What was measured",
    "business data": "What the business data says",
    "said by the doctor": "What the doctor said",
    "mailing": "What was sent and discussed",
    "visit notes": "What was sent and discussed",
    "representative": "What the representative chose",
    "clock": "The clock",
}
_OP_LEADS = {
    Op.IS: "is",
    Op.IS_NOT: "is not",
    Op.IN: "is one of",
    Op.CONTAINS: "include",
    Op.EXISTS: "is known or not",
}
_FIRST = {FactType.NUMBER: Op.MORE, FactType.DATE: Op.AT_LEAST}  # what a fresh condition most likely asks
_OF_WORDS = {Of.MODULE: "module", Of.TOPIC: "topic", Of.CALCULATOR: "calculator"}
_DO_WORDS: Options = (
    ("raise", "raise: points that bring them up"),
    ("lower", "lower: points that take them down"),
    ("interest", "raise by the doctor's interest"),
    ("pin", "put at a place"),
    ("after", "put right after another module"),
    ("hide", "hide, with a way back"),
    ("require", "always show"),
    ("limit", "limit repetition"),
)
_AIM_WORDS: Options = (
    ("topic", "every module on a topic"),
    ("modules", "these modules"),
    ("kind", "every module of a kind"),
    ("everything", "every module"),
)
GROUP_WORDS: Options = (
    ("all", "all of these are true"),
    ("any", "at least one of these is true"),
    ("none", "none of these is true"),
)
JOINED = {"all": "AND", "any": "OR", "none": "NOR"}
_YES_NO: Options = (("yes", "yes"), ("no", "no"))
_KNOWN: Options = (("yes", "known"), ("no", "not known"))


LABELS = {
    "name": "Name",
    "because": "Reason",
    "audience": "Audience",
    "priority": "Priority",
    "starts": "Start",
    "ends": "End",
    "sample": "Share of doctors",
    "off_reason": "Why it is off",
    "fact": "Condition",
    "of": "Which one",
    "op": "Comparison",
    "value": "Value",
    "within": "Days",
    "by": "Points",
    "weight": "Points a minute",
    "place": "Place",
    "times": "How often",
    "module": "Module",
    "modules": "Modules",
    "topic": "Topic",
    "kind": "Kind",
}


class Control(StrEnum):
    """The kinds of field for a value."""

    SELECT = "select"
    SELECTS = "selects"  # several, each a list of its own, so that their order is kept
    LINES = "lines"  # several, one a line
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a site has to choose from; `known` holds, per fact, values that occur among its doctors.

    `bands` holds, per calculator in force, the classes of result that may be recorded; `answers`, per question in
    force, what can be answered.
    """

    modules: Options = ()
    topics: Options = ()
    calculators: Options = ()
    kinds: Options = ()
    audiences: Options = ()
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bands: Mapping[str, Options] = field(default_factory=dict)
    answers: Mapping[str, Options] = field(default_factory=dict)

    def of(self, what: Of) -> Options:
        """Give the things of one kind."""
        return {Of.MODULE: self.modules, Of.TOPIC: self.topics, Of.CALCULATOR: self.calculators}[what]

    def names(self) -> Names:
        """Give the titles that sentences use."""
        return Names(modules=dict(self.modules), topics=dict(self.topics), calculators=dict(self.calculators))


@dataclass(frozen=True, slots=True)
class ValueView:
    """The field of a value."""

    control: Control
    values: tuple[str, ...]
    options: Options = ()
    known: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One comparison as shown; without a fact only the list of facts is there."""

    path: str
    joined: str
    fact: str
    of_word: str = ""
    of: str = ""
    of_options: Options = ()
    op: str = ""
    op_options: Options = ()
    value: ValueView | None = None
    windowed: bool = False
    within: str = ""
    is_row: bool = True


@dataclass(frozen=True, slots=True)
class GroupView:
    """Several conditions as shown; `may_nest` says whether a group may stand inside."""

    path: str
    joined: str
    word: str
    between: str
    parts: tuple[RowView | GroupView, ...]
    may_nest: bool
    is_row: bool = False


@dataclass(frozen=True, slots=True)
class EffectView:
    """The effect as shown; `has` names the fields it has beside its target."""

    form: EffectForm
    do_options: Options
    aim_options: Options
    modules: tuple[str, ...]
    module_options: Options
    topic_options: Options
    kind_options: Options
    anchor_options: Options
    way_back_options: Options
    has: tuple[str, ...]


def facts_offered() -> tuple[tuple[str, Options], ...]:
    """Give every fact a rule may look at, in groups by where it comes from."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for spec in FACTS.values():
        groups.setdefault(_SOURCES.get(spec.source, "Other"), []).append((spec.name, spec.plain))
    return tuple((source, tuple(facts)) for source, facts in groups.items())


def view_of(group: Group, offer: Offer, path: str = ROOT, joined: str = "") -> GroupView:
    """Give a group of conditions as it is shown, with everything inside."""
    between = JOINED[group.word]
    parts: list[RowView | GroupView] = []
    for index, part in enumerate(group.parts):
        word, inner = between if index else "", f"{path}-{index}"
        parts.append(_row(part, offer, inner, word) if isinstance(part, Row) else view_of(part, offer, inner, word))
    depth = path.count("-") + 1
    return GroupView(path, joined, group.word, between, tuple(parts), may_nest=depth + 2 <= MAX_DEPTH)


def _row(row: Row, offer: Offer, path: str, joined: str) -> RowView:
    spec = FACTS.get(row.fact)
    if spec is None:
        return RowView(path, joined, "")
    operators = spec.operators()
    op = next((one for one in operators if one == row.op), _FIRST.get(spec.type, operators[0]))
    return RowView(
        path,
        joined,
        row.fact,
        of_word=_OF_WORDS[spec.of] if spec.of is not None else "",
        of=row.of,
        of_options=_with(offer.of(spec.of), (row.of,)) if spec.of is not None else (),
        op=op,
        op_options=tuple((one.value, _op_word(spec, one)) for one in operators),
        value=_value(spec, op, row.values if op == row.op else ("",), offer, row.of),
        windowed=spec.windowed,
        within=row.within,
    )


def _op_word(spec: FactSpec, op: Op) -> str:
    if op in _OP_LEADS and not (op is Op.IS and spec.type is FactType.DATE):
        return _OP_LEADS[op]
    said = op_words(spec)[op]
    return f"is {said}" if spec.type is not FactType.NUMBER else said


def _value(spec: FactSpec, op: Op, values: tuple[str, ...], offer: Offer, of: str) -> ValueView:
    if op is Op.EXISTS or spec.type is FactType.FLAG:
        return ValueView(Control.SELECT, values[:1], _KNOWN if op is Op.EXISTS else _YES_NO)
    options = _choices(spec, offer, of)
    if options:
        listed = _with(options, values)
        if op is Op.IN:
            return ValueView(Control.SELECTS, (*(value for value in values if value), ""), listed)
        return ValueView(Control.SELECT, values[:1], listed)
    known = offer.known.get(spec.name, ())
    if op is Op.IN:
        return ValueView(Control.LINES, values, known=known, unit=spec.unit)
    if spec.type is FactType.NUMBER:
        return ValueView(Control.NUMBER, values[:1], unit=spec.unit)
    if spec.type is FactType.DATE:
        return ValueView(Control.DATE, values[:1])
    return ValueView(Control.TEXT, values[:1], known=known)


def _choices(spec: FactSpec, offer: Offer, of: str) -> Options:
    if spec.values is not None:
        return offer.of(spec.values)
    if spec.name == "calculator_band":
        return offer.bands.get(of, ())
    if spec.name == "module_answers":
        return offer.answers.get(of, ())
    if spec.type is FactType.NUMBER:
        return ()
    return tuple((choice, choice) for choice in spec.choices)


def _with(options: Options, values: Iterable[str]) -> Options:
    """Give the options and, marked, the values in use that are no longer among them."""
    known = {key for key, _ in options}
    missing = dict.fromkeys(value for value in values if value and value not in known)
    return (*options, *((value, f"{value} (not in this site)") for value in missing))


def effect_view(form: EffectForm, offer: Offer) -> EffectView:
    """Give the effect as it is shown."""
    aims = tuple(aim for aim in _AIM_WORDS if aim[0] != "everything" or form.do not in ("pin", "after", "hide"))
    backs: Options = tuple((way.value, WAY_BACK_WORDS[way]) for way in WayBack)
    return EffectView(
        form,
        _DO_WORDS,
        aims,
        (*form.modules, ""),
        _with(offer.modules, form.modules),
        _with(offer.topics, (form.topic,)),
        _with(offer.kinds, (form.kind,)),
        _with(offer.modules, (form.module,)),
        (("", "lowers by points"), *backs) if form.do == "limit" else backs,
        uses(form.do),
    )
