"""The tree of a rule's condition as one SQL clause over the doctors of a site, with the evaluator's answers.

A fact from the history is a set of doctors: those with rows that meet the comparison. Where no history at all meets
the comparison too, it is everybody but the doctors whose rows do not. Either way nothing is ever NULL.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    extract,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from portal.access.models import Link, Visit
from portal.access.queries import by_mail
from portal.db.base import UtcDateTime
from portal.hcp.models import DeclaredInterest, Discussion
from portal.mailing.models import Sending
from portal.mailing.states import SendingKind
from portal.personalize.catalogue import FACTS, Op
from portal.personalize.conditions import AllOf, AnyOf, Comparison, Condition, NoneOf
from portal.personalize.facts import Facts
from portal.reports.matching import comparing
from portal.reports.matching.comparing import Clause, constant, is_met_by
from portal.reports.matching.people import NUMBERS, OPEN, PROFILE, Ground
from portal.tracking.models import CalculatorUse, DailyDwell, ForgottenHistory, Interest, NotRelevant, PageView

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_A_SECOND, _A_DAY, _MS_PER_MINUTE = 1_000_000.0, 86_400.0, 60_000.0

_D, _C, _V = DailyDwell, CalculatorUse, PageView
_DAILY: dict[str, tuple[Any, int]] = {  # the column of the roll-up, and how many thousandths of the fact one of it is
    "module_dwell_s": (_D.eng_ms, 1),
    "module_reads": (_D.reads, 1000),
    "module_skips": (_D.skips, 1000),
    "module_downloads": (_D.downloads, 1000),
}
_USES: dict[str, Any] = {"calculator_opened": _C.view_id, "calculator_completed": _C.completed_at}
_CHOSEN: dict[str, tuple[Any, Any]] = {
    "declared_interests": (DeclaredInterest, DeclaredInterest.topic),
    "not_relevant": (NotRelevant, NotRelevant.module_key),
    "discussed": (Discussion, Discussion.module_key),
}


def clause(condition: Condition, ground: Ground) -> Clause:
    """Return the clause that is true of exactly the doctors whose facts meet the condition."""
    match condition:
        case Comparison():
            return _comparison(condition, ground)
        case AllOf(all=parts):
            return and_(true(), *(clause(part, ground) for part in parts))
        case AnyOf(any=parts):
            return or_(false(), *(clause(part, ground) for part in parts))
        case NoneOf(none=parts):
            return not_(or_(false(), *(clause(part, ground) for part in parts)))


def _comparison(asked: Comparison, ground: Ground) -> Clause:
    spec, people = FACTS[asked.fact], ground.people.c
    if asked.fact in PROFILE or asked.fact in OPEN:
        return comparing.words(people[asked.fact], spec, asked)
    if asked.fact in NUMBERS:
        column = people[asked.fact]
        known = comparing.thousandths(column * literal(1000, BigInteger()), asked)
        return or_(column.is_(None), known) if is_met_by(spec, asked, None) else and_(column.is_not(None), known)
    compiled = _HISTORY.get(asked.fact)
    if compiled is not None:
        return compiled(asked, ground)
    # The clock, and the picks of a link, which no doctor has before there is one: the same for every doctor.
    return constant(is_met_by(spec, asked, spec.read(Facts(at=ground.at), asked.of or "", asked.within_days)))


def _those(ground: Ground, asked: Comparison, rows: Select[Any], test: Clause, *, grouped: bool) -> Clause:
    """Return the doctors whose rows meet the test, with those who have no rows where nothing meets it too."""
    spec, people = FACTS[asked.fact], ground.people.c
    nothing = spec.read(Facts(at=ground.at), asked.of or "", asked.within_days)
    otherwise = is_met_by(spec, asked, nothing)
    wanted = not_(test) if otherwise else test
    found = and_(people.personal, people.id.in_(rows.having(wanted) if grouped else rows.where(wanted)))
    return not_(found) if otherwise else found


def _days(asked: Comparison, ground: Ground) -> Select[Any]:
    rows = select(_D.hcp_id).where(_D.site_id == ground.site_id, _D.module_key == asked.of, _D.profiled.is_(True))
    return rows.where(_D.day >= _first_day(ground.at, asked.within_days)) if asked.within_days else rows


def _first_day(at: datetime, within_days: int) -> str:
    return Facts(at=at).since(within_days).isoformat()


def _daily(asked: Comparison, ground: Ground) -> Clause:
    column, worth = _DAILY[asked.fact]
    total = func.sum(column) * literal(worth, BigInteger())
    rows = _days(asked, ground).group_by(_D.hcp_id)
    return _those(ground, asked, rows, comparing.thousandths(total, asked), grouped=True)


def _completed(asked: Comparison, ground: Ground) -> Clause:
    ever = func.max(case((_D.completed, 1), else_=0)) == 1
    rows = _days(asked, ground).group_by(_D.hcp_id)
    return _those(ground, asked, rows, ever if asked.value is True else not_(ever), grouped=True)


def _read_days_ago(asked: Comparison, ground: Ground) -> Clause:
    rows = _days(asked, ground).where(_D.reads > 0).group_by(_D.hcp_id)
    return _those(ground, asked, rows, comparing.days_since(func.max(_D.last_at), asked, ground.at), grouped=True)


def _useful(asked: Comparison, ground: Ground) -> Clause:
    newest = func.row_number().over(partition_by=_D.hcp_id, order_by=_D.day.desc()).label("newest")
    said = case((_D.useful.is_(True), "yes"), else_="no").label("said")
    answers = _days(asked, ground).add_columns(said, newest).where(_D.useful.is_not(None)).subquery()
    rows = select(answers.c.hcp_id).where(answers.c.newest == 1)
    return _those(ground, asked, rows, comparing.words(answers.c.said, FACTS[asked.fact], asked), grouped=False)


def _answers(asked: Comparison, ground: Ground) -> Clause:
    # Taking a piece out and looking whether the text changed tells upper and lower case apart on both databases.
    if asked.op is Op.CONTAINS:
        text = literal("\n") + _D.answers
        return _chosen_in(asked, ground, func.replace(text, f"\n{asked.value}\n", "") != text)
    return _chosen_in(asked, ground, func.replace(_D.answers, "\n", "") != "")


def _chosen_in(asked: Comparison, ground: Ground, test: Clause) -> Clause:
    return _included(asked, ground, _days(asked, ground).where(test))


def _chosen(asked: Comparison, ground: Ground) -> Clause:
    model, column = _CHOSEN[asked.fact]
    rows = select(model.hcp_id).where(model.site_id == ground.site_id)
    return _included(asked, ground, rows.where(column == asked.value) if asked.op is Op.CONTAINS else rows)


def _included(asked: Comparison, ground: Ground, rows: Select[Any]) -> Clause:
    """Return the doctors who have such rows, or where it is asked for nothing, those who have none."""
    found = and_(ground.people.c.personal, ground.people.c.id.in_(rows))
    return not_(found) if asked.op is Op.EXISTS and asked.value is False else found


def _interest(asked: Comparison, ground: Ground) -> Clause:
    now = (ground.at - _EPOCH) // timedelta(microseconds=1)
    gone = literal(now, BigInteger()) - _microseconds(Interest.at, ground.dialect)
    days = cast(case((gone > 0, gone), else_=0), Double()) / literal(_A_SECOND, Double()) / literal(_A_DAY, Double())
    left: ColumnElement[float] = func.pow(
        literal(0.5, Double()), days / literal(ground.half_life_days, Double()), type_=Double()
    )
    minutes = Interest.value_ms * left / literal(_MS_PER_MINUTE, Double())
    rows = select(Interest.hcp_id).where(Interest.site_id == ground.site_id, Interest.topic == asked.of)
    return _those(ground, asked, rows, comparing.fractions(minutes, asked), grouped=False)


def _microseconds(moment: Any, dialect: str) -> ColumnElement[Any]:
    if dialect == "postgresql":
        return cast(extract("epoch", moment) * 1_000_000, BigInteger())
    seconds = func.unixepoch(moment, type_=Integer())
    return seconds * 1_000_000 + cast(func.substr(moment, 21, 6), Integer())


def _used(asked: Comparison, ground: Ground) -> Select[Any]:
    mine = (_C.site_id == ground.site_id, _C.calculator == asked.of, _C.profiled.is_(True), _C.hcp_id.is_not(None))
    return select(_C.hcp_id).where(*mine)


def _uses(asked: Comparison, ground: Ground) -> Clause:
    total = func.count(_USES[asked.fact]) * literal(1000, BigInteger())
    rows = _used(asked, ground).group_by(_C.hcp_id)
    return _those(ground, asked, rows, comparing.thousandths(total, asked), grouped=True)


def _used_days_ago(asked: Comparison, ground: Ground) -> Clause:
    rows = _used(asked, ground).group_by(_C.hcp_id)
    return _those(ground, asked, rows, comparing.days_since(func.max(_C.opened_at), asked, ground.at), grouped=True)


def _band(asked: Comparison, ground: Ground) -> Clause:
    order = (_C.completed_at.desc(), _C.view_id)
    newest = func.row_number().over(partition_by=_C.hcp_id, order_by=order).label("newest")
    done = _used(asked, ground).add_columns(_C.band, newest).where(_C.completed_at.is_not(None)).subquery()
    rows = select(done.c.hcp_id).where(done.c.newest == 1)
    return _those(ground, asked, rows, comparing.words(done.c.band, FACTS[asked.fact], asked), grouped=False)


def _visited(ground: Ground) -> tuple[Clause, ...]:
    confirmed = (_V.feeds_profile.is_(True), _V.confirmed.is_(True))
    return (_V.site_id == ground.site_id, _V.hcp_id.is_not(None), _V.opened_at < ground.at, *confirmed)


def _visits(asked: Comparison, ground: Ground) -> Clause:
    """Compare how many visits there were, or how many a mail led to; a visit is of the day of its first page."""
    begun = func.min(_V.opened_at)
    rows = select(_V.hcp_id, _V.visit_id).where(*_visited(ground), _V.visit_id.is_not(None))
    if asked.fact == "mail_clicks":
        rows = rows.join(Visit, Visit.id == _V.visit_id).join(Link, Link.id == Visit.link_id).where(by_mail())
    rows = rows.group_by(_V.hcp_id, _V.visit_id)
    if asked.within_days is not None:
        rows = rows.having(begun >= literal(_first_moment(ground.at, asked.within_days), UtcDateTime()))
    each = rows.subquery()
    counted = select(each.c.hcp_id).group_by(each.c.hcp_id)
    total = func.count() * literal(1000, BigInteger())
    return _those(ground, asked, counted, comparing.thousandths(total, asked), grouped=True)


def _first_moment(at: datetime, within_days: int) -> datetime:
    return datetime.combine(Facts(at=at).since(within_days), time(), UTC)


def _visit_days_ago(asked: Comparison, ground: Ground) -> Clause:
    last = comparing.days_since(func.max(_V.opened_at), asked, ground.at)
    rows = select(_V.hcp_id).where(*_visited(ground)).group_by(_V.hcp_id)
    return _those(ground, asked, rows, last, grouped=True)


def _sent(asked: Comparison, ground: Ground) -> Clause:
    gone = ForgottenHistory
    forgotten = select(gone.at).where(gone.hcp_id == Sending.hcp_id, gone.site_id == Sending.site_id).scalar_subquery()
    handed_over = (Sending.handed_over_at.is_not(None), func.coalesce(Sending.handed_over_at > forgotten, true()))
    rows = select(Sending.hcp_id).where(
        Sending.site_id == ground.site_id, Sending.kind == SendingKind.APPROVED, *handed_over
    )
    return _included(asked, ground, rows.where(_names(asked, ground)))


def _names(asked: Comparison, ground: Ground) -> Clause:
    """Return whether a mail names a module (the one asked for) in its list of modules."""
    if asked.op is not Op.CONTAINS:
        return cast(Sending.modules, Text) != "[]"
    if ground.dialect == "postgresql":
        return cast(Sending.modules, JSONB).contains([{"key": asked.value}])
    each = func.json_each(Sending.modules).table_valued("value")
    return exists(select(each.c.value).where(func.json_extract(each.c.value, "$.key") == asked.value))


_HISTORY: dict[str, Callable[[Comparison, Ground], Clause]] = {
    **dict.fromkeys(_DAILY, _daily),
    **dict.fromkeys(_USES, _uses),
    **dict.fromkeys(_CHOSEN, _chosen),
    "interest": _interest,
    "module_completed": _completed,
    "module_read_days_ago": _read_days_ago,
    "module_useful": _useful,
    "module_answers": _answers,
    "calculator_days_ago": _used_days_ago,
    "calculator_band": _band,
    "visits": _visits,
    "mail_clicks": _visits,
    "sent": _sent,
    "visit_days_ago": _visit_days_ago,
}
