"""Everything that pages use of one doctor and site: two statements, however long the history is."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    Float,
    Integer,
    Select,
    String,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import CompoundSelect

from portal.content.models import Site
from portal.db.base import UtcDateTime
from portal.hcp.consents import ConsentRow, ConsentState, Purpose, in_force
from portal.hcp.models import Consent, DeclaredInterest, Hcp, Territory
from portal.hcp.profiles import HcpCard
from portal.personalize import CalculatorHistory, ModuleHistory, decayed
from portal.rulebook.models import StoredRuleSet
from portal.staff.models import User
from portal.tracking.models import CalculatorUse, DailyDwell, Interest, NotRelevant, PageView, SavedModule
from portal.tracking.queries import history_of_days

_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Who a page is for and what holds at this instant: consent, the site's revision, its rules, the sender's name."""

    card: HcpCard
    consent: ConsentState
    revision: int
    rule_set_id: str | None
    sender: str | None


@dataclass(frozen=True, slots=True)
class History:
    """What a doctor did and said on a site, from visits that may feed rules."""

    interest: dict[str, float] = field(default_factory=dict)  # minutes by topic, decayed
    declared: frozenset[str] = frozenset()
    not_relevant: frozenset[str] = frozenset()
    saved: tuple[str, ...] = ()  # the newest first
    modules: dict[str, ModuleHistory] = field(default_factory=dict)
    calculators: dict[str, CalculatorHistory] = field(default_factory=dict)
    visits: int = 0
    last_visit_at: datetime | None = None


def standing(db: Session, hcp_id: str, site_id: str, *, sender_id: str | None, at: datetime) -> Standing | None:
    """Return how a doctor stands with a site at `at`; None where either is missing."""
    rows = db.execute(_standing(), {"hcp": hcp_id, "site": site_id, "sender": sender_id, "at": at}).all()
    if not rows:
        return None
    first = rows[0]
    width = len(_CARD)
    card = HcpCard(*first[:width])
    revision, sender, rule_set_id = first[width : width + 3]
    decided = [
        ConsentRow(row[-6], Purpose(row[-5]), row[-4], row[-3], row[-2], row[-1]) for row in rows if row[-5] is not None
    ]
    return Standing(card, in_force(decided, site_id), revision, rule_set_id, sender)


def history(
    db: Session, hcp_id: str, site_id: str, *, before: datetime, at: datetime, half_life_days: float
) -> History:
    """Return what may be used of a doctor at `at`; visits are those that began before `before`."""
    interest: dict[str, float] = {}
    sets: dict[str, set[str]] = {"declared": set(), "not-relevant": set()}
    saved: list[tuple[datetime, str]] = []
    days: dict[str, list[Any]] = {}
    uses: dict[str, tuple[int, int, datetime]] = {}
    bands: dict[str, str] = {}
    visits, last = 0, None
    for row in db.execute(_history(), {"hcp": hcp_id, "site": site_id, "before": before}):
        match row.kind:
            case "day":
                days.setdefault(row.key, []).append(row)
            case "interest":
                interest[row.key] = decayed(row.amount, row.last_at, at, half_life_days) / _MS_PER_MINUTE
            case "saved":
                saved.append((row.last_at, row.key))
            case "calculator":
                uses[row.key] = (row.reads, row.skips, row.last_at)
            case "band":
                bands[row.key] = row.answers
            case "visits":
                visits, last = row.reads, row.last_at
            case kind:
                sets[kind].add(row.key)
    return History(
        interest=dict(sorted(interest.items())),
        declared=frozenset(sets["declared"]),
        not_relevant=frozenset(sets["not-relevant"]),
        saved=tuple(key for _, key in sorted(saved, key=lambda each: (each[0], each[1]), reverse=True)),
        modules={key: history_of_days(sorted(rows, key=lambda row: row.day)) for key, rows in sorted(days.items())},
        calculators={
            name: CalculatorHistory(opened, completed, bands.get(name) or None, used)
            for name, (opened, completed, used) in sorted(uses.items())
        },
        visits=visits,
        last_visit_at=last,
    )


# Columns of the tables, not attributes of the models: rows are read without the work of mapping objects.
_H, _TERRITORY = Hcp.__table__.c, Territory.__table__.c
_CARD = (
    *(_H[name] for name in ("id", "ref", "npi", "title", "first_name", "last_name", "email", "audience", "specialty")),
    *(_H[name] for name in ("segment", "decile", "adoption_step", "knowledge_level", "language", "market", "channel")),
    _TERRITORY.key,
    _TERRITORY.name,
    _H.access_revoked_at,
    _H.erased_at,
)


@lru_cache(maxsize=1)
def _standing() -> Select[*tuple[Any, ...]]:
    rules = StoredRuleSet.__table__.c
    site: BindParameter[str] = bindparam("site", type_=String())
    at = bindparam("at", type_=UtcDateTime())
    live = (
        select(rules.id)
        .where(rules.site_id == site, rules.live_from <= at, or_(rules.live_until.is_(None), rules.live_until > at))
        .order_by(rules.live_from.desc(), rules.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    c, sites, users = Consent.__table__.c, Site.__table__, User.__table__
    decided = (c.site_id, c.purpose, c.decision, c.source, c.wording, c.at)
    here = and_(c.hcp_id == _H.id, or_(c.site_id == site, c.site_id.is_(None)))
    return (
        select(*_CARD, sites.c.revision, users.c.name, live, *decided)
        .select_from(Hcp.__table__)
        .join(sites, sites.c.id == site)
        .outerjoin(Territory.__table__, _TERRITORY.id == _H.territory_id)
        .outerjoin(users, users.c.id == bindparam("sender", type_=String()))
        .outerjoin(Consent.__table__, here)
        .where(_H.id == bindparam("hcp"))
    )


_COLUMNS: dict[str, Any] = {
    "kind": String(),
    "key": String(),
    "day": String(),
    "amount": Float(),
    "eng_ms": Integer(),
    "reads": Integer(),
    "skips": Integer(),
    "downloads": Integer(),
    "completed": Boolean(),
    "useful": Boolean(),
    "answers": Text(),
    "last_at": UtcDateTime(),
}


@lru_cache(maxsize=1)
def _history() -> CompoundSelect[Any]:
    """Return the one question: rows of several kinds with the same columns."""
    d, i, u, v = DailyDwell.__table__.c, Interest.__table__.c, CalculatorUse.__table__.c, PageView.__table__.c
    n, s, t = NotRelevant.__table__.c, SavedModule.__table__.c, DeclaredInterest.__table__.c
    used = and_(_mine(u), u.profiled.is_(True))
    newest = func.row_number().over(partition_by=u.calculator, order_by=(u.completed_at.desc(), u.view_id))
    completed = select(u.calculator, u.band, newest.label("rank")).where(used, u.completed_at.is_not(None)).subquery()
    visited = (v.opened_at < bindparam("before", type_=UtcDateTime()), v.feeds_profile.is_(True), v.confirmed.is_(True))
    day = {name: d[name] for name in ("day", "eng_ms", "reads", "skips", "downloads", "completed", "useful", "answers")}
    return union_all(
        _rows("day", d.module_key, **day, last_at=d.last_at).where(_mine(d), d.profiled.is_(True)),
        _rows("interest", i.topic, amount=i.value_ms, last_at=i.at).where(_mine(i)),
        _rows("declared", t.topic).where(_mine(t)),
        _rows("not-relevant", n.module_key).where(_mine(n)),
        _rows("saved", s.module_key, last_at=s.at).where(_mine(s)),
        _rows(
            "calculator",
            u.calculator,
            reads=func.count(),
            skips=func.count(u.completed_at),
            last_at=func.max(u.opened_at),
        )
        .where(used)
        .group_by(u.calculator),
        _rows("band", completed.c.calculator, answers=completed.c.band).where(completed.c.rank == 1),
        _rows(
            "visits", literal("", String()), reads=func.count(v.visit_id.distinct()), last_at=func.max(v.opened_at)
        ).where(_mine(v), *visited),
    )


def _mine(columns: Any) -> Any:
    return and_(columns.hcp_id == bindparam("hcp"), columns.site_id == bindparam("site"))


def _rows(kind: str, key: Any, **given: Any) -> Select[Any]:
    values = {"kind": literal(kind, String()), "key": key, **given}
    return select(*(values.get(name, cast(null(), type_)).label(name) for name, type_ in _COLUMNS.items()))
