"""The number beside a rule is the number of doctors the engine would find: SQL and evaluator side by side."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from portal.access.evidence import Confidence
from portal.access.states import CurrentVisit
from portal.content.models import Site
from portal.db import Database, new_id
from portal.hcp.consents import ConsentRow, ConsentState, Purpose
from portal.hcp.models import DeclaredInterest, Hcp, Territory
from portal.hcp.queries import all_doctors
from portal.microsite import assemble, known
from portal.microsite.assemble import Reader
from portal.personalize import Facts, parse_rule
from portal.personalize.evaluate import is_met
from portal.personalize.rules import Rule
from portal.reports.reach import matching_doctors, reach
from portal.tracking.models import CalculatorUse, DailyDwell, Interest, NotRelevant, PageView
from tests.personalize import worlds

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
HALF_LIFE = 30.0
DOCTORS = 40


@dataclass(frozen=True)
class World:
    """A database with doctors, and what the engine is told of each."""

    database: Database
    site_id: str
    facts: dict[str, Facts]


@pytest.fixture
def world(database: Database) -> World:
    """Forty doctors with histories of every kind, drawn from one seed."""
    chance, site_id = random.Random(20261122), new_id()
    with database.writing() as db:
        site = {"key": "demo", "brand": "D", "generic": "d", "market": "US", "language": "en", "settings": {}}
        db.add(Site(id=site_id, **site, created_at=AT))
        territory = Territory(id=new_id(), key="north", name="North")
        db.add(territory)
        db.flush()
        for number in range(DOCTORS):
            hcp = _doctor(chance, number, territory.id)
            db.add(hcp)
            db.flush()
            db.add_all(_history(chance, hcp.id, site_id))
    with database.reading() as db:
        told = {card.id: _told(db, card, site_id) for card in all_doctors(db) if card.access_revoked_at is None}
    return World(database, site_id, told)


def _doctor(chance: random.Random, number: int, territory_id: str) -> Hcp:
    pick = chance.choice
    return Hcp(
        id=new_id(),
        ref=f"H-{number}",
        audience=pick(worlds.AUDIENCES),
        specialty=pick([None, "", "cardiology", "nephrology", "north east"]),
        segment=pick([None, "A", "B", "C"]),
        decile=pick([None, *range(1, 11)]),
        adoption_step=pick([None, "unaware", "aware", "trial", "usage", "advocate"]),
        knowledge_level=pick([None, "basic", "expert"]),
        language=pick(["en", "es"]),
        market="US",
        channel=pick([None, "email", "2"]),
        territory_id=pick([None, territory_id]),
        created_at=AT,
        access_revoked_at=AT if number == 1 else None,
        erased_at=AT if number == 2 else None,
    )


def _history(chance: random.Random, hcp_id: str, site_id: str) -> list[Any]:
    rows: list[Any] = []
    mine = {"hcp_id": hcp_id, "site_id": site_id}
    for topic in worlds.TOPICS:
        if chance.random() < 0.4:
            since = AT - timedelta(seconds=chance.choice([0, 1, 86_400, 1_234_567]))
            rows.append(
                Interest(**mine, topic=topic, value_ms=chance.choice([0.0, 60_000.0, 120_000.0, 3.7e6]), at=since)
            )
        if chance.random() < 0.3:
            rows.append(DeclaredInterest(id=new_id(), **mine, topic=topic, at=AT))
    for module in worlds.MODULES:
        for back in chance.sample(range(100), chance.choice([0, 0, 1, 3])):
            rows.append(_day(chance, mine, module, back))
        if chance.random() < 0.2:
            rows.append(NotRelevant(**mine, module_key=module, at=AT))
    for calculator in worlds.CALCULATORS:
        for _ in range(chance.choice([0, 1, 2])):
            rows.append(_use(chance, mine, calculator))
    for _ in range(chance.choice([0, 1, 2, 3])):
        rows.append(_view(chance, mine))
    return rows


def _day(chance: random.Random, mine: dict[str, str], module: str, back: int) -> DailyDwell:
    moment = AT - timedelta(days=back, seconds=chance.choice([0, 0, 1, 30_000]))
    return DailyDwell(
        **mine,
        module_key=module,
        day=moment.date().isoformat(),
        profiled=chance.random() < 0.8,
        eng_ms=chance.choice([0, 500, 1_000, 60_000, 60_001, 82_125]),
        reads=chance.choice([0, 1, 2]),
        skips=chance.choice([0, 1]),
        downloads=chance.choice([0, 1]),
        completed=chance.random() < 0.3,
        useful=chance.choice([None, True, False]),
        answers=chance.choice(["", "A\n", "A\n2\n", "renal\nnot\n", "north east\n"]),
        last_at=moment,
    )


def _use(chance: random.Random, mine: dict[str, str], calculator: str) -> CalculatorUse:
    opened = AT - timedelta(days=chance.randrange(90), seconds=chance.choice([0, 5]))
    return CalculatorUse(
        view_id=new_id(),
        calculator=calculator,
        **mine,
        version="1",
        opened_at=opened,
        completed_at=chance.choice([None, opened, opened + timedelta(seconds=9)]),
        band=chance.choice(["", "low", "A"]),
        profiled=chance.random() < 0.8,
        last_no=1,
    )


def _view(chance: random.Random, mine: dict[str, str]) -> PageView:
    return PageView(
        id=new_id(),
        **mine,
        visit_id=chance.choice(["v" * 32, new_id()]),
        page="home",
        mode="identified",
        feeds_profile=chance.random() < 0.8,
        staff=False,
        sections=[],
        grace_ms=5000,
        opened_at=AT - timedelta(days=chance.choice([0, 1, 2, 60]), seconds=chance.choice([-10, 0, 10])),
        confirmed=chance.random() < 0.8,
        refused=[],
    )


def _told(db: Any, card: Any, site_id: str) -> Facts:
    visit = CurrentVisit(
        id="",
        link_id="",
        hcp_id=card.id,
        site_id=site_id,
        sender_id=None,
        confidence=Confidence.DEVICE,
        grade=0,
        standard_order=False,
        landing=None,
        link_modules=(),
        link_created_at=AT,
        opened_at=AT,
    )
    tracked = ConsentRow(None, Purpose.TRACKING, "identified", "test", "", AT)
    profiled = ConsentRow(None, Purpose.PROFILING, "given", "test", "", AT)
    agreed = ConsentState(tracking_decision=tracked, profiling_decision=profiled)
    history = known.history(db, card.id, site_id, before=AT, at=AT, half_life_days=HALF_LIFE)
    return assemble.facts(Reader(card, agreed, visit), history, at=AT)


def test_sql_and_evaluator_find_the_same_doctors(world: World) -> None:
    hits = []

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(worlds.raw_conditions)
    def agree(raw: dict[str, Any]) -> None:
        rule = parse_rule(worlds.rule({"do": "require", "target": {"everything": True}}, raw))
        with world.database.reading() as db:
            found = matching_doctors(db, world.site_id, rule.when, at=AT, half_life_days=HALF_LIFE)
            counted = reach(db, world.site_id, [rule], at=AT, half_life_days=HALF_LIFE)[0]
        expected = {hcp for hcp, facts in world.facts.items() if is_met(rule.when, facts)}
        assert set(found) == expected
        assert (counted.matching, counted.doctors) == (len(expected), DOCTORS - 2)
        hits.append(0 < len(expected) < DOCTORS - 2)

    agree()
    assert sum(hits) > 30, "the trees hardly ever divide the doctors"


def _rule(fact: str, op: str, value: object, **more: Any) -> Rule:
    asked = {"fact": fact, "op": op, "value": value, **more}
    return parse_rule(worlds.rule({"do": "require", "target": {"everything": True}}, {"all": [asked]}))


def test_every_fact_and_comparison_is_the_same_in_sql(world: World) -> None:
    """Each single comparison with values on, beside and far from what occurs."""
    rules = []
    for name, spec in worlds.FACTS.items():
        for op in spec.operators():
            for value in _values(spec, op):
                more = {"of": _OF[spec.of]} if spec.of is not None else {}
                rules += [_rule(name, op.value, value, **more)]
                if spec.windowed:
                    rules += [_rule(name, op.value, value, **more, within_days=days) for days in (1, 60, 3650)]
    with world.database.reading() as db:
        for start in range(0, len(rules), 50):
            some = rules[start : start + 50]
            for rule, counted in zip(
                some, reach(db, world.site_id, some, at=AT, half_life_days=HALF_LIFE), strict=True
            ):
                expected = sum(is_met(rule.when, facts) for facts in world.facts.values())
                assert counted.matching == expected, rule.when


_OF = {worlds.Of.MODULE: "dosing", worlds.Of.TOPIC: "renal", worlds.Of.CALCULATOR: "ckd_epi_2021_cr"}


def _values(spec: Any, op: Any) -> list[Any]:
    if op is worlds.Op.EXISTS or spec.type is worlds.FactType.FLAG:
        return [True, False]
    if spec.type is worlds.FactType.DATE:
        return ["2026-11-21", "2026-11-22", "2026-11-23"]
    if spec.name == "decile":
        single: list[Any] = [1, 5, 10]
    elif spec.type is worlds.FactType.NUMBER:
        single = [-1, 0, 0.5, 1, 2, 29, 60, 60.5, 1e9]
    elif spec.values is not None:
        single = ["renal", "dosing", "nowhere"]
    elif spec.choices:
        single = list(spec.choices)
    else:
        single = ["cardiology", "north east", "A", "low", "renal", "dosing", "en", "doctor", "north", "CARDIOLOGY", "%"]
    return [single] if op is worlds.Op.IN else single


def test_an_audience_narrows_the_number(world: World) -> None:
    rule = parse_rule(worlds.rule({"do": "require", "target": {"everything": True}}, {"all": []}, audience=["nurse"]))
    with world.database.reading() as db:
        counted = reach(db, world.site_id, [rule], at=AT, half_life_days=HALF_LIFE)[0]
    assert counted.matching == sum(facts.profile.audience == "nurse" for facts in world.facts.values())
