"""Everything that pages use of one doctor and site: one statement, however long the history is."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Dialect,
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

from portal.access.models import Link, Visit
from portal.access.queries import by_mail
from portal.content.models import Site
from portal.db.base import UtcDateTime
from portal.db.prepared import PreparedRead
from portal.hcp.consents import ConsentRow, ConsentState, Purpose, in_force
from portal.hcp.models import Consent, DeclaredInterest, Discussion
from portal.mailing.models import Sending
from portal.mailing.states import SendingKind
from portal.personalize import CalculatorHistory, DayCount, ModuleHistory, decayed
from portal.rulebook.models import StoredRuleSet
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


@dataclass(frozen=True, slots=True)
class Known:
    """What holds of a doctor on a site at this instant: consent, the site's revision, its rules, and the history."""

    consent: ConsentState  # decisions only, without their wording
    revision: int
    rule_set_id: str | None
    forgotten_at: datetime | None  # when the history was last forgotten
    rows: Mapping[str, Sequence["_Row"]]  # what was done and said, by kind
    at: datetime

    def history(self, half_life_days: float) -> History:
        """Return what may be used of the doctor, with interest that fades with a half-life."""
        return _history(self.rows, self.at, half_life_days)


def of(db: Session, hcp_id: str, site_id: str, *, before: datetime, at: datetime) -> Known | None:
    """Return what is known of a doctor at `at`; visits are those that began before `before`. None without the site."""
    connection = db.connection()
    given = {"hcp": hcp_id, "site": site_id, "before": before, "at": at}
    rows: dict[str, list[_Row]] = {}
    for values in _known(connection.dialect).ask(connection, given):
        row = _Row(*values)
        rows.setdefault(row.kind, []).append(row)
    site = rows.get("site")
    if site is None:
        return None
    decided = [
        ConsentRow(row.day, Purpose(row.key), row.answers, "", "", row.last_at, row.first_at)
        for row in rows.get("consent", ())
    ]
    rules = [row.key for row in rows.get("rules", ())]
    forgotten = [row.last_at for row in rows.get("forgotten", ())]
    return Known(
        consent=in_force(decided, site_id, at),
        revision=site[0].reads,
        rule_set_id=rules[0] if rules else None,
        forgotten_at=forgotten[0] if forgotten else None,
        rows=rows,
        at=at,
    )


class _Row(NamedTuple):
    """One row of the question; what its columns hold depends on its kind."""

    kind: str
    key: str
    day: Any
    amount: float
    eng_ms: int
    reads: int
    skips: int
    downloads: int
    completed: bool
    useful: bool | None
    answers: str
    last_at: datetime
    first_at: Any


def _history(rows: Mapping[str, Sequence[_Row]], at: datetime, half_life_days: float) -> History:
    def of_kind(kind: str) -> Sequence[_Row]:
        return rows.get(kind, ())

    days: dict[str, list[_Row]] = {}
    for row in of_kind("day"):
        days.setdefault(row.key, []).append(row)
    bands = {row.key: row.answers for row in of_kind("band")}
    # A page view that no visit is known of is no visit, and still the last time.
    views = of_kind("visit")
    visits = Counter([row.first_at.date() for row in views if row.key])
    clicks = Counter([row.first_at.date() for row in views if row.key and row.reads])
    saved = sorted(((row.last_at, row.key) for row in of_kind("saved")), reverse=True)
    interest = sorted(of_kind("interest"), key=lambda row: row.key)
    return History(
        interest={row.key: decayed(row.amount, row.last_at, at, half_life_days) / _MS_PER_MINUTE for row in interest},
        declared=frozenset([row.key for row in of_kind("declared")]),
        not_relevant=frozenset([row.key for row in of_kind("not-relevant")]),
        saved=tuple([key for _, key in saved]),
        modules={key: history_of_days(sorted(theirs, key=lambda row: row.day)) for key, theirs in sorted(days.items())},
        calculators={
            row.key: CalculatorHistory(row.reads, row.skips, bands.get(row.key) or None, row.last_at)
            for row in sorted(of_kind("calculator"), key=lambda row: row.key)
        },
        visits=visits.total(),
        visit_days=_by_day(visits),
        last_visit_at=max((row.last_at for row in views), default=None),
        mail_clicks=clicks.total(),
        mail_click_days=_by_day(clicks),
        sent=frozenset([module["key"] for row in of_kind("sent") for module in json.loads(row.answers)]),
        discussed=frozenset([row.key for row in of_kind("discussed")]),
    )


def _by_day(counts: Counter[date]) -> tuple[DayCount, ...]:
    return tuple([DayCount(day, times) for day, times in sorted(counts.items())])


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


@lru_cache(maxsize=8)
def _known(dialect: Dialect) -> PreparedRead:
    """Return the one question: rows of several kinds with the same columns."""
    d, i, u, w = DailyDwell.__table__.c, Interest.__table__.c, CalculatorUse.__table__.c, Sending.__table__.c
    n, s, t, b = NotRelevant.__table__.c, SavedModule.__table__.c, DeclaredInterest.__table__.c, Discussion.__table__.c
    f, c, sites, rules = ForgottenHistory.__table__.c, Consent.__table__.c, Site.__table__.c, StoredRuleSet.__table__.c
    site, at = bindparam("site", type_=String()), bindparam("at", type_=UtcDateTime())
    live = (
        select(rules.id)
        .where(rules.site_id == site, rules.live_from <= at, or_(rules.live_until.is_(None), rules.live_until > at))
        .order_by(rules.live_from.desc(), rules.version.desc())
        .limit(1)
        .subquery()
    )
    used = and_(_mine(u), u.profiled.is_(True))
    newest = func.row_number().over(partition_by=u.calculator, order_by=(u.completed_at.desc(), u.view_id))
    completed = select(u.calculator, u.band, newest.label("rank")).where(used, u.completed_at.is_not(None)).subquery()
    forgotten = select(f.at).where(_mine(f)).scalar_subquery()
    day = {name: d[name] for name in ("day", "eng_ms", "reads", "skips", "downloads", "completed", "useful", "answers")}
    here = (c.hcp_id == bindparam("hcp"), or_(c.site_id == site, c.site_id.is_(None)))
    question = union_all(
        _rows("site", sites.key, reads=sites.revision).where(sites.id == site),
        _rows("rules", live.c.id),
        _rows("consent", c.purpose, day=c.site_id, answers=c.decision, last_at=c.at, first_at=c.ends_at).where(*here),
        _rows("forgotten", literal("", String()), last_at=f.at).where(_mine(f)),
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
            _mine(w), w.kind == SendingKind.APPROVED.value, w.handed_over_at > func.coalesce(forgotten, _NEVER)
        ),
        _rows("discussed", b.module_key).where(_mine(b)),
    )
    return PreparedRead(question, dialect)


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
