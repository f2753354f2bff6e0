"""A random population of doctors with everything they did, and random trees of conditions about them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.access.evidence import Confidence
from portal.access.models import Link, Visit
from portal.access.states import CurrentVisit
from portal.content.models import Site
from portal.db import new_id
from portal.hcp.models import Consent, DeclaredInterest, Discussion, Hcp, Territory
from portal.hcp.queries import hcp_card
from portal.mailing.models import Sending
from portal.microsite import assemble, known
from portal.personalize.catalogue import FACTS, FactSpec, FactType, Of, Op
from portal.personalize.conditions import Condition
from portal.personalize.facts import Facts
from portal.personalize.rules import parse_rule
from portal.tracking.models import CalculatorUse, DailyDwell, ForgottenHistory, Interest, NotRelevant, PageView

AT = datetime(2026, 11, 22, 9, 30, 0, 250_000, tzinfo=UTC)
HALF_LIFE = 30.0
MODULES = ("dosing", "renal", "warnings")
TOPICS = ("efficacy", "safety", "renal")
CALCULATORS = ("ckd_epi_2021_cr", "cockcroft_gault")
WORDS = {
    "specialty": ("cardiology", "nephrology", "Cardiology"),
    "territory": ("north", "south"),
    "region": ("US", "DE", "us"),
    "language": ("en", "es"),
    "audience": ("doctor", "nurse"),
    "channel": ("email", "visit"),
    "module_answers": ("a", "b", "A", "ab"),
    "calculator_band": ("low", "high"),
}
OTHER_SITE = "f" * 32
THINGS = {Of.MODULE: MODULES, Of.TOPIC: TOPICS, Of.CALCULATOR: CALCULATORS}


def a_site(db: Session, key: str = "demo-us-en", site_id: str = "") -> str:
    """Write a site and return its id."""
    site = Site(
        id=site_id or new_id(), key=key, brand="Demo", generic="demonil", market="US", language="en", settings={}
    )
    site.created_at = AT
    db.add(site)
    db.flush()
    return site.id


def people(db: Session, site_id: str, chance: random.Random, count: int) -> list[str]:
    """Write doctors with consents and histories, on this site and beside it; return the ids of those who are left."""
    a_site(db, "beside-us-en", OTHER_SITE)
    territories = []
    for key in WORDS["territory"]:
        territory = Territory(id=new_id(), key=f"{key}", name=key)
        db.add(territory)
        territories.append(territory.id)
    db.flush()
    return [hcp_id for _ in range(count) if (hcp_id := _doctor(db, site_id, territories, chance))]


def _doctor(db: Session, site_id: str, territories: list[str], chance: random.Random) -> str:
    hcp_id, fate = new_id(), chance.random()
    doctor = Hcp(id=hcp_id, ref=f"H-{hcp_id[:12]}", created_at=AT)
    doctor.specialty = chance.choice([None, *WORDS["specialty"]])
    doctor.segment = chance.choice([None, "A", "B", "C"])
    doctor.decile = chance.choice([None, 1, 5, 10])
    doctor.adoption_step = chance.choice([None, "unaware", "trial", "advocate"])
    doctor.knowledge_level = chance.choice([None, "basic", "expert"])
    doctor.language, doctor.audience = chance.choice(WORDS["language"]), chance.choice(WORDS["audience"])
    doctor.channel = chance.choice([None, *WORDS["channel"]])
    doctor.market = chance.choice(["US", "DE"])
    doctor.territory_id = chance.choice([None, *territories])
    doctor.erased_at = AT if fate < 0.04 else None
    doctor.access_revoked_at = AT if 0.04 <= fate < 0.08 else None
    db.add(doctor)
    db.flush()
    _consents(db, hcp_id, site_id, chance)
    for site in (site_id, OTHER_SITE):
        _history(db, hcp_id, site, chance)
    return hcp_id if fate >= 0.08 else ""


def _consents(db: Session, hcp_id: str, site_id: str, chance: random.Random) -> None:
    decisions = {
        "profiling": ["given", "given", "refused"],
        "tracking": ["identified", "identified", "identified", "anonymous", "none"],
        "mail": ["given", "refused"],
    }
    moments = [AT - timedelta(days=day) for day in (0, 3, 3, 40)]
    for purpose, choices in decisions.items():
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            site = chance.choice([None, site_id, site_id, OTHER_SITE])
            decided = {"source": "paper form", "wording": "I agree", "at": chance.choice(moments)}
            row = Consent(id=new_id(), hcp_id=hcp_id, site_id=site, purpose=purpose, **decided)
            row.decision = chance.choice(choices)
            if row.decision not in ("refused", "none"):
                row.ends_at = chance.choice([None] * 17 + [AT - timedelta(seconds=1), AT, AT + timedelta(seconds=1)])
            db.add(row)
    if chance.random() < 0.6:  # most agree in the end, so that what is asked of the person parts them
        for purpose, decision in (("profiling", "given"), ("tracking", "identified")):
            said = {"source": "paper form", "wording": "I agree", "at": AT, "decision": decision}
            db.add(Consent(id=new_id(), hcp_id=hcp_id, site_id=site_id, purpose=purpose, **said))


def _moment(chance: random.Random) -> datetime:
    """Give a moment of the last months, often on the very edge of a day."""
    back = timedelta(days=chance.choice([0, 1, 5, 30, 90]))
    return AT - back - chance.choice([timedelta(0), timedelta(microseconds=1), timedelta(hours=7), timedelta(-1) / 3])


def _history(db: Session, hcp_id: str, site_id: str, chance: random.Random) -> None:
    for module in MODULES:
        for back in chance.sample([0, 1, 5, 29, 30, 31, 90], chance.choice([0, 0, 1, 2, 4])):
            for profiled in chance.choice([(True,), (True,), (False,), (True, False)]):
                db.add(_day(hcp_id, site_id, module, back, profiled, chance))
        if chance.random() < 0.2:
            db.add(NotRelevant(hcp_id=hcp_id, site_id=site_id, module_key=module, at=AT))
    for topic in TOPICS:
        if chance.random() < 0.5:
            ms = chance.choice([0.0, 30_000.0, 60_000.0, 120_000.0, 153_217.25])
            db.add(Interest(hcp_id=hcp_id, site_id=site_id, topic=topic, value_ms=ms, at=_moment(chance)))
        if chance.random() < 0.3:
            db.add(DeclaredInterest(id=new_id(), hcp_id=hcp_id, site_id=site_id, topic=topic, at=AT))
    if chance.random() < 0.2:
        db.add(ForgottenHistory(hcp_id=hcp_id, site_id=site_id, at=_moment(chance)))
    for module in chance.sample(MODULES, chance.choice([0, 0, 1, 2])):
        told = {"module_key": module, "day": AT.date().isoformat(), "by_id": "r" * 32, "at": AT}
        db.add(Discussion(id=new_id(), hcp_id=hcp_id, site_id=site_id, **told))
    for _ in range(chance.choice([0, 0, 1, 2])):
        db.add(_sending(hcp_id, site_id, chance))
    visits = [None, new_id(), hcp_id]
    for _ in range(chance.choice([0, 1, 3])):
        visits.append(_visit(db, hcp_id, site_id, chance))
    for _ in range(chance.choice([0, 0, 1, 3, 5])):
        view = _view(hcp_id, site_id, chance, visits)
        db.add(view)
        for calculator in CALCULATORS:
            if chance.random() < 0.5:
                db.add(_use(view, calculator, chance))


def _day(hcp_id: str, site_id: str, module: str, back: int, profiled: bool, chance: random.Random) -> DailyDwell:
    day = (AT - timedelta(days=back)).date().isoformat()
    return DailyDwell(
        hcp_id=hcp_id,
        site_id=site_id,
        module_key=module,
        day=day,
        profiled=profiled,
        eng_ms=chance.choice([0, 999, 1000, 60_000, 60_001, 4_000_000_000]),
        reads=chance.choice([0, 0, 1, 2]),
        skips=chance.choice([0, 1, 3]),
        downloads=chance.choice([0, 0, 1]),
        completed=chance.random() < 0.3,
        useful=chance.choice([None, None, True, False]),
        answers=chance.choice(["", "", "a\n", "b\na\n", "ab\n", "A\n", "\n"]),
        last_at=_moment(chance),
    )


def _sending(hcp_id: str, site_id: str, chance: random.Random) -> Sending:
    sending_id = new_id()
    modules = chance.sample([*MODULES, "ren", "Renal"], chance.choice([0, 1, 2]))
    return Sending(
        id=sending_id,
        kind=chance.choice(["approved", "approved", "approved", "fresh-link", "test"]),
        site_id=site_id,
        hcp_id=hcp_id,
        fragments=[],
        modules=[{"key": module, "version": "renal"} for module in modules],
        from_name="A",
        sha256="",
        message_id=sending_id,
        state="accepted",
        composed_at=AT,
        due_at=AT,
        handed_over_at=chance.choice([None, _moment(chance), _moment(chance)]),
    )


def _visit(db: Session, hcp_id: str, site_id: str, chance: random.Random) -> str:
    """Write a visit through a link, from a mail or not, and return its id."""
    link_id, visit_id, at = new_id(), new_id(), _moment(chance)
    link = Link(id=link_id, hcp_id=hcp_id, site_id=site_id, modules=[], channel="email", created_at=at, expires_at=AT)
    link.sending_id = chance.choice([None, new_id(), new_id()])
    db.add(link)
    db.flush()
    marks = chance.choice([[], [], [], ["too-soon"]])
    told = {"confidence": "device", "grade": chance.choice([2, 3, 3, 4]), "marks": marks, "opened_at": at}
    db.add(
        Visit(id=visit_id, token_hash=visit_id, link_id=link_id, hcp_id=hcp_id, site_id=site_id, expires_at=AT, **told)
    )
    return visit_id


def _view(hcp_id: str, site_id: str, chance: random.Random, visits: list[str | None]) -> PageView:
    return PageView(
        id=new_id(),
        hcp_id=chance.choice([hcp_id, hcp_id, hcp_id, None]),
        visit_id=chance.choice(visits),
        site_id=site_id,
        page="home",
        mode="identified",
        feeds_profile=chance.random() < 0.8,
        staff=False,
        sections=[],
        grace_ms=0,
        opened_at=_moment(chance),
        confirmed=chance.random() < 0.8,
        refused=[],
    )


def _use(view: PageView, calculator: str, chance: random.Random) -> CalculatorUse:
    done = chance.choice([None, view.opened_at, AT - timedelta(days=5)])
    return CalculatorUse(
        view_id=view.id,
        calculator=calculator,
        hcp_id=view.hcp_id,
        site_id=view.site_id,
        version="1",
        opened_at=view.opened_at,
        completed_at=done,
        band=chance.choice(["", *WORDS["calculator_band"]]) if done else "",
        profiled=chance.random() < 0.8,
        last_no=1,
    )


def facts_of(db: Session, site_id: str, hcp_id: str) -> Facts:
    """Return what a page would know of a doctor who comes at `AT` on their first device."""
    card = hcp_card(db, hcp_id)
    found = known.of(db, hcp_id, site_id, before=AT, at=AT)
    assert card is not None
    assert found is not None
    visit = CurrentVisit(
        id=new_id(),
        link_id=new_id(),
        hcp_id=hcp_id,
        site_id=site_id,
        sender_id=None,
        confidence=Confidence.DEVICE,
        grade=2,
        standard_order=False,
        landing=None,
        link_modules=(),
        link_created_at=AT,
        opened_at=AT,
    )
    return assemble.facts(assemble.Reader(card, found.consent, visit), found.history(HALF_LIFE), at=AT)


def a_tree(chance: random.Random, depth: int = 3) -> dict[str, Any]:
    """Return the JSON of a random tree of conditions."""
    word = chance.choice(["all", "any", "none"])
    parts = [
        a_tree(chance, depth - 1) if depth > 1 and chance.random() < 0.3 else a_comparison(chance)
        for _ in range(chance.choice([0, 1, 1, 2, 3]))
    ]
    return {word: parts}


def one_of_each(chance: random.Random) -> list[dict[str, Any]]:
    """Return a random comparison of every fact."""
    return [a_comparison(chance, name) for name in sorted(FACTS)]


def a_comparison(chance: random.Random, fact: str = "") -> dict[str, Any]:
    """Return the JSON of a random comparison that a rule may hold."""
    spec = FACTS[fact or chance.choice(sorted(FACTS))]
    op = chance.choice(spec.operators())
    asked: dict[str, Any] = {"fact": spec.name, "op": op.value, "value": _value(spec, op, chance)}
    if spec.of is not None:
        asked["of"] = chance.choice([*THINGS[spec.of], "unheard-of"])
    if spec.windowed and chance.random() < 0.5:
        asked["within_days"] = chance.choice([1, 5, 30, 3650])
    return asked


def _value(spec: FactSpec, op: Op, chance: random.Random) -> Any:
    if op is Op.EXISTS or spec.type is FactType.FLAG:
        return chance.choice([True, False])
    if op is Op.IN:
        return [_one(spec, chance) for _ in range(chance.choice([1, 2, 3]))]
    return _one(spec, chance)


def _one(spec: FactSpec, chance: random.Random) -> Any:
    if spec.type is FactType.DATE:
        return chance.choice(["2026-11-21", "2026-11-22", "2026-11-23"])
    if spec.type is FactType.NUMBER:
        if spec.choices:
            return float(chance.choice([1, 5, 9.5, 10]))
        many = [-1, 0, 0.5, 1, 2, 3, 5, 29.999, 30, 60, 60.001, 1e9] if chance.random() < 0.8 else [0.133, 1.25, 4.999]
        return float(chance.choice(many))
    if spec.values is not None:
        return chance.choice(THINGS[spec.values])
    return chance.choice(spec.choices or WORDS[spec.name])


def condition(raw: dict[str, Any]) -> Condition:
    """Return the parsed tree."""
    rule = {"id": "r", "name": "A rule", "when": raw, "because": "Because it is so"}
    return parse_rule({**rule, "then": {"do": "raise", "target": {"topic": "renal"}, "by": 1.0}}).when
