"""Everything that pages use of one doctor and site: two statements, however long the history is."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
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
    case,
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

from portal.access.models import Link, Visit
from portal.access.queries import by_mail
from portal.content.models import Site
from portal.db.base import UtcDateTime
from portal.hcp.consents import ConsentRow, ConsentState, Purpose, in_force
from portal.hcp.models import Consent, DeclaredInterest, Discussion, Hcp, Territory
from portal.hcp.profiles import HcpCard
from portal.mailing.models import Sending
from portal.mailing.states import SendingKind
from portal.personalize import CalculatorHistory, DayCount, ModuleHistory, decayed
from portal.rulebook.models import StoredRuleSet
from portal.staff.models import User
from portal.tracking.models import (
    CalculatorUse,
    DailyDwell,
    ForgottenHistory,
    Interest,
    NotRelevant,
    PageView,
    SavedModule,
)
from portal.tracking.queries import history_of_days

_MS_PER_MINUTE = 60_000
_NEVER = literal(datetime(1, 1, 1, tzinfo=UTC), UtcDateTime())


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
    visit_days: tuple[DayCount, ...] = ()
    last_visit_at: datetime | None = None
    mail_clicks: int = 0
    mail_click_days: tuple[DayCount, ...] = ()
    sent: frozenset[str] = frozenset()
    discussed: frozenset[str] = frozenset()


def standing(db: Session, hcp_id: str, site_id: str, *, sender_id: str | None, at: datetime) -> Standing | None:
    """Return how a doctor stands with a site at `at`; None where either is missing."""
    rows = db.execute(_standing(), {"hcp": hcp_id, "site": site_id, "sender": sender_id, "at": at}).all()
    if not rows:
        return None
    first = rows[0]
    width = len(_CARD)
    card = HcpCard(*first[:width])
    revision, sender, rule_set_id = first[width : width + 3]
    decided = [ConsentRow(row[-7], Purpose(row[-6]), *row[-5:]) for row in rows if row[-6] is not None]
    return Standing(card, in_force(decided, site_id, at), revision, rule_set_id, sender)


def history(
    db: Session, hcp_id: str, site_id: str, *, before: datetime, at: datetime, half_life_days: float
) -> History:
    """Return what may be used of a doctor at `at`; visits are those that began before `before`."""
    interest: dict[str, float] = {}
    sets: dict[str, set[str]] = {"declared": set(), "not-relevant": set(), "discussed": set(), "sent": set()}
    saved: list[tuple[datetime, str]] = []
    days: dict[str, list[Any]] = {}
    uses: dict[str, tuple[int, int, datetime]] = {}
    bands: dict[str, str] = {}
    visits: Counter[date] = Counter()
    clicks: Counter[date] = Counter()
    last: datetime | None = None
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
            case "visit":
                last = row.last_at if last is None else max(last, row.last_at)
                if row.key:  # a page view that no visit is known of is no visit, and still the last time
                    visits[row.first_at.date()] += 1
                    clicks[row.first_at.date()] += row.reads
            case "sent":
                sets["sent"].update(module["key"] for module in json.loads(row.answers))
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
        visits=visits.total(),
        visit_days=_by_day(visits),
        last_visit_at=last,
        mail_clicks=clicks.total(),
        mail_click_days=_by_day(clicks),
        sent=frozenset(sets["sent"]),
        discussed=frozenset(sets["discussed"]),
    )


def _by_day(counts: Counter[date]) -> tuple[DayCount, ...]:
    return tuple(DayCount(day, times) for day, times in sorted(counts.items()) if times)


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
    decided = (c.site_id, c.purpose, c.decision, c.source, c.wording, c.at, c.ends_at)
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
    "first_at": UtcDateTime(),
}


@lru_cache(maxsize=1)
def _history() -> CompoundSelect[Any]:
    """Return the one question: rows of several kinds with the same columns."""
    d, i, u, w = DailyDwell.__table__.c, Interest.__table__.c, CalculatorUse.__table__.c, Sending.__table__.c
    n, s, t, b = NotRelevant.__table__.c, SavedModule.__table__.c, DeclaredInterest.__table__.c, Discussion.__table__.c
    gone = ForgottenHistory.__table__.c
    forgotten = select(gone.at).where(_mine(gone)).scalar_subquery()
    used = and_(_mine(u), u.profiled.is_(True))
    newest = func.row_number().over(partition_by=u.calculator, order_by=(u.completed_at.desc(), u.view_id))
    completed = select(u.calculator, u.band, newest.label("rank")).where(used, u.completed_at.is_not(None)).subquery()
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
        _visits(),
        _rows("sent", w.id, answers=cast(w.modules, Text()), last_at=w.handed_over_at).where(
            _mine(w), w.kind == SendingKind.APPROVED, w.handed_over_at > func.coalesce(forgotten, _NEVER)
        ),
        _rows("discussed", b.module_key).where(_mine(b)),
    )


def _visits() -> Select[Any]:
    """Return the question for the visits, one row for each, with when they began and whether a mail led to them."""
    v, opened = PageView.__table__.c, Visit.__table__
    confirmed = (v.opened_at < bindparam("before", type_=UtcDateTime()), v.feeds_profile.is_(True))
    return (
        _rows(
            "visit",
            func.coalesce(v.visit_id, literal("", String())),
            reads=func.max(case((by_mail(), 1), else_=0)),
            first_at=func.min(v.opened_at),
            last_at=func.max(v.opened_at),
        )
        .select_from(PageView.__table__)
        .outerjoin(opened, opened.c.id == v.visit_id)
        .outerjoin(Link.__table__, Link.__table__.c.id == opened.c.link_id)
        .where(_mine(v), *confirmed, v.confirmed.is_(True))
        .group_by(v.visit_id)
    )


def _mine(columns: Any) -> Any:
    return and_(columns.hcp_id == bindparam("hcp"), columns.site_id == bindparam("site"))


def _rows(kind: str, key: Any, **given: Any) -> Select[Any]:
    values = {"kind": literal(kind, String()), "key": key, **given}
    return select(*(values.get(name, cast(null(), type_)).label(name) for name, type_ in _COLUMNS.items()))
