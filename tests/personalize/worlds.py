"""Small worlds for the tests of this room: one instant, a few modules, strategies for everything else."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from portal.personalize import (
    FACTS,
    CalculatorHistory,
    Candidate,
    Confidence,
    Day,
    DayCount,
    Facts,
    FactSpec,
    FactType,
    ModuleHistory,
    Of,
    Op,
    Profile,
    Rule,
    RuleSet,
    parse_rule,
    parse_rule_set,
)

tried = settings(max_examples=50, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
MODULES = ("efficacy", "dosing", "renal-dosing", "warnings", "interactions", "ckd-data")
TOPICS = ("efficacy", "dosing", "renal", "safety")
KINDS = ("article", "figure", "video")
CALCULATORS = ("cockcroft_gault", "ckd_epi_2021_cr")
AUDIENCES = ("doctor", "pharmacist", "nurse")
TITLES = {key: key.replace("-", " ").capitalize() for key in MODULES}

modules = st.sampled_from(MODULES)
topics = st.sampled_from(TOPICS)
kinds = st.sampled_from(KINDS)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
days = st.integers(0, 120).map(lambda back: date(2026, 11, 22) - timedelta(days=back))
small = st.integers(0, 9)


@st.composite
def module_histories(draw: st.DrawFn) -> ModuleHistory:
    dated = tuple(draw(st.lists(st.builds(Day, days, st.integers(0, 200_000), small, small, small), max_size=4)))
    return ModuleHistory(
        dwell_ms=sum(day.dwell_ms for day in dated) + draw(st.sampled_from([0, 8_200, 90_000])),
        reads=sum(day.reads for day in dated) + draw(small),
        skips=sum(day.skips for day in dated) + draw(small),
        completed=draw(st.booleans()),
        last_read_at=draw(st.none() | moments),
        useful=draw(st.none() | st.booleans()),
        downloads=draw(small),
        answers=tuple(draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=2))),
        days=dated,
    )


profiles = st.builds(
    Profile,
    specialty=st.sampled_from(["", "cardiology", "nephrology"]),
    segment=st.sampled_from(["", "A", "B", "C"]),
    decile=st.none() | st.integers(1, 10),
    adoption_step=st.sampled_from(["", "unaware", "trial", "advocate"]),
    knowledge_level=st.sampled_from(["", "basic", "expert"]),
    territory=st.sampled_from(["", "north"]),
    region=st.sampled_from(["", "north east"]),
    language=st.sampled_from(["", "en", "en-US", "es"]),
    audience=st.sampled_from(["", *AUDIENCES]),
    channel=st.sampled_from(["", "mail"]),
)
minutes = st.sampled_from([0.0, 0.133, 1.0, 2.5, 30.25, 1000.0])
counts = st.lists(st.builds(DayCount, days, small), max_size=3).map(tuple)

_EITHER = st.booleans()
_ANY_CONFIDENCE = st.sampled_from(Confidence)


def facts(
    consent: st.SearchStrategy[bool] = _EITHER,
    confidence: st.SearchStrategy[Confidence] = _ANY_CONFIDENCE,
    standard: st.SearchStrategy[bool] = _EITHER,
) -> st.SearchStrategy[Facts]:
    return st.builds(
        Facts,
        at=moments,
        subject=st.sampled_from(["", "h1", "h2", "h3"]),
        consent_profiling=consent,
        confidence=confidence,
        profile=profiles,
        declared_interests=st.frozensets(topics, max_size=2),
        interest=st.dictionaries(topics, minutes, max_size=4),
        modules=st.dictionaries(modules, module_histories(), max_size=4),
        calculators=st.dictionaries(
            st.sampled_from(CALCULATORS),
            st.builds(CalculatorHistory, small, small, st.none() | st.just("low"), st.none() | moments),
            max_size=2,
        ),
        mail_clicks=small,
        mail_click_days=counts,
        visits=small,
        visit_days=counts,
        last_visit_at=st.none() | moments,
        sent=st.frozensets(modules, max_size=2),
        discussed=st.frozensets(modules, max_size=2),
        rep_picks=st.lists(modules, max_size=3).map(tuple),
        not_relevant=st.frozensets(modules, max_size=2),
        standard_order=standard,
    )


def personal_facts() -> st.SearchStrategy[Facts]:
    known = st.sampled_from([Confidence.DEVICE, Confidence.VERIFIED])
    return facts(st.just(True), known, st.just(False))


candidates = st.lists(
    st.builds(
        Candidate,
        module=modules,
        version=st.sampled_from(["v1", "v2"]),
        title=st.sampled_from(["", "A title"]),
        topics=st.lists(topics, max_size=3).map(tuple),
        kind=kinds,
        audiences=st.lists(st.sampled_from(AUDIENCES), max_size=2).map(tuple),
        language=st.sampled_from(["", "en", "es"]),
        position=st.integers(0, 5),
        words=st.integers(0, 900),
        in_force_from=st.none() | moments,
        in_force_until=st.none() | moments,
    ),
    max_size=10,
).map(tuple)


def standard_site() -> tuple[Candidate, ...]:
    """Six modules in force for everyone, one per key, in the order of `MODULES`."""
    subject = ("efficacy", "dosing", "dosing", "safety", "safety", "renal")
    return tuple(
        Candidate(key, f"{key}-1", TITLES[key], (topic,), position=place)
        for place, (key, topic) in enumerate(zip(MODULES, subject, strict=True))
    )


def _value(spec: FactSpec, op: Op) -> st.SearchStrategy[Any]:
    one: st.SearchStrategy[Any]
    if op is Op.EXISTS or spec.type is FactType.FLAG:
        return st.booleans()
    if spec.name == "decile":
        one = st.integers(1, 10)
    elif spec.type is FactType.NUMBER:
        one = st.sampled_from([0, 1, 2, 60, 0.5, 82.125, 12_345, -3])
    elif spec.type is FactType.DATE:
        one = days.map(date.isoformat)
    elif spec.values is not None:
        one = _OF[spec.values]
    elif spec.choices:
        one = st.sampled_from(spec.choices)
    else:
        words = st.text(string.ascii_letters + ' "*()-;,.>é\\', min_size=1, max_size=8)
        one = st.sampled_from(
            ["cardiology", "en", "doctor", "north east", "known", "not", "one of", "renal", "dosing", "A", "2"]
        ) | words.map(str.strip).filter(bool)
    return st.lists(one, min_size=1, max_size=3) if op is Op.IN else one


_OF = {Of.MODULE: modules, Of.TOPIC: topics, Of.CALCULATOR: st.sampled_from(CALCULATORS)}


@st.composite
def raw_comparisons(draw: st.DrawFn) -> dict[str, Any]:
    spec = draw(st.sampled_from(list(FACTS.values())))
    op = draw(st.sampled_from(spec.operators()))
    raw: dict[str, Any] = {"fact": spec.name, "op": op.value, "value": draw(_value(spec, op))}
    if spec.of is not None:
        raw["of"] = draw(_OF[spec.of])
    if spec.windowed and draw(st.booleans()):
        raw["within_days"] = draw(st.sampled_from([1, 7, 90]))
    return raw


raw_conditions: st.SearchStrategy[dict[str, Any]] = st.recursive(
    raw_comparisons(),
    lambda inner: st.builds(
        lambda word, parts: {word: parts},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)
points = st.sampled_from([0.001, 0.5, 1, 3, 7.25, 100])
some = (
    st.lists(modules, min_size=1, max_size=3, unique=True).map(lambda keys: {"modules": keys})
    | topics.map(lambda topic: {"topic": topic})
    | kinds.map(lambda kind: {"kind": kind})
)
any_target = some | st.just({"everything": True})
_limits = st.builds(
    lambda target, count, times, within, by: {
        "do": "limit",
        "target": target,
        "count": count,
        "times": times,
        **({"within_days": within} if within else {}),
        **({"by": by} if by else {"way_back": "search"}),
    },
    any_target,
    st.sampled_from(["reads", "skips"]),
    st.integers(1, 5),
    st.none() | st.just(30),
    st.none() | points,
)
raw_effects: st.SearchStrategy[dict[str, Any]] = (
    st.builds(
        lambda do, target, by: {"do": do, "target": target, "by": by},
        st.sampled_from(["raise", "lower"]),
        any_target,
        points,
    )
    | st.builds(lambda target, place: {"do": "pin", "target": target, "place": place}, some, st.integers(1, 9))
    | st.builds(
        lambda target, back: {"do": "hide", "target": target, "way_back": back},
        some,
        st.sampled_from(["more", "search", "standard-order"]),
    )
    | any_target.map(lambda target: {"do": "require", "target": target})
    | st.builds(lambda target, by: {"do": "interest", "target": target, "weight": by}, any_target, points)
    | _limits
)
behind = st.tuples(st.integers(0, 4), st.integers(1, 5)).map(
    lambda pair: {
        "do": "after",
        "target": {"modules": [MODULES[min(pair[0] + pair[1], 5)]]},
        "module": MODULES[pair[0]],
    }
) | st.builds(
    lambda target, module: {"do": "after", "target": target, "module": module},
    topics.map(lambda topic: {"topic": topic}),
    modules,
)


@st.composite
def raw_rules(draw: st.DrawFn, rule_id: str = "r1") -> dict[str, Any]:
    raw: dict[str, Any] = {
        "id": rule_id,
        "name": draw(st.sampled_from(["CKD first", 'A "quoted" name: x', "IF you ask. Priority 3."])),
        "when": draw(raw_conditions),
        "then": draw(raw_effects | behind),
        "because": draw(st.sampled_from(["You read about it", 'You said "yes" \\ twice. Off because "x".'])),
        "audience": draw(st.lists(st.sampled_from(AUDIENCES), max_size=2, unique=True)),
        "priority": draw(st.sampled_from([0, 0, 5, -3])),
        "sample_percent": draw(st.sampled_from([100, 100, 50, 12.5])),
        "enabled": draw(st.sampled_from([True, True, True, False])),
    }
    if draw(st.booleans()):
        raw["starts"] = "2026-03-01T00:00:00Z"
        raw["ends"] = draw(st.sampled_from(["2026-11-30T12:00:00Z", "2026-12-31T00:00:00.250Z"]))
    if not raw["enabled"]:
        raw["off_reason"] = "under review"
    return raw


rules: st.SearchStrategy[Rule] = raw_rules().map(parse_rule)


@st.composite
def rule_sets(draw: st.DrawFn, max_rules: int = 5) -> RuleSet:
    count = draw(st.integers(0, max_rules))
    return parse_rule_set(
        {
            "id": "set",
            "version": 1,
            "site": "atorvastatin-us-en",
            "settings": {
                "interest_weight": draw(st.sampled_from([0, 1, 2.5])),
                "fatigue_reads": draw(st.sampled_from([0, 3])),
                "fatigue_by": 1.5,
                "holdout_percent": draw(st.sampled_from([0, 0, 50])),
            },
            "rules": [draw(raw_rules(f"r{number}")) for number in range(count)],
        }
    )


def rule(then: dict[str, Any], when: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One rule as JSON with the least that it needs."""
    base = {"id": "r1", "name": "A rule", "because": "You asked about it"}
    return {**base, "when": when if when is not None else {"all": []}, "then": then, **more}


def rule_set(*raw: dict[str, Any], **settings: Any) -> RuleSet:
    """A rule set of these rules, numbered r1, r2, … where they have no id of their own."""
    numbered = [
        {**one, "id": one["id"] if one.get("id", "r1") != "r1" else f"r{place}"} for place, one in enumerate(raw, 1)
    ]
    return parse_rule_set(
        {"id": "set", "version": 1, "site": "atorvastatin-us-en", "settings": settings, "rules": numbered}
    )


def doctor(**known: Any) -> Facts:
    """A consenting doctor on their own device at `AT`."""
    base: dict[str, Any] = {
        "at": AT,
        "subject": "h1",
        "consent_profiling": True,
        "confidence": Confidence.DEVICE,
    }
    return Facts(**{**base, **known})
