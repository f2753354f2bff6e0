"""Every fact of the catalogue as SQL about one doctor of `hcps`, the same value that serving gives the engine.

A test goes through random trees and doctors and holds this and the evaluator side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Float, Integer, String, and_, case, cast, exists, func, literal, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from portal.db.base import UtcDateTime
from portal.hcp.models import DeclaredInterest, Hcp, Territory
from portal.personalize.conditions import Comparison
from portal.personalize.facts import Facts, decayed
from portal.tracking.models import CalculatorUse, DailyDwell, Interest, NotRelevant, PageView

_MS_PER_MINUTE = 60_000.0
_DECAYED = "portal_decayed"


@dataclass(frozen=True, slots=True)
class Known:
    """One fact as SQL, one of: a text, empty where not known; a number or moment, NULL where not known; a truth; a
    set, as who has a member and who has any; or a value that is the same for every doctor.
    """

    text: ColumnElement[str] | None = None
    number: ColumnElement[Any] | None = None
    flag: ColumnElement[bool] | None = None
    since: ColumnElement[Any] | None = None
    has: Callable[[str], ColumnElement[bool]] | None = None
    has_any: ColumnElement[bool] | None = None
    same_for_all: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What every question shares: the site, the instant, the half-life of interest in days, the dialect's name."""

    site_id: str
    at: datetime
    half_life_days: float
    dialect: str


def frame_for(db: Session, site_id: str, *, at: datetime, half_life_days: float) -> Frame:
    """Return the frame of a site's questions; SQLite, which cannot decay, is taught to."""
    connection = db.connection()
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.dbapi_connection
        raw.create_function(_DECAYED, 4, _decayed_texts, deterministic=True)
    return Frame(site_id, at, half_life_days, connection.dialect.name)


def known(asked: Comparison, frame: Frame) -> Known:
    """Return the fact that a comparison asks for."""
    of = asked.of or ""
    match asked.fact:
        case "specialty" | "segment" | "adoption_step" | "knowledge_level" | "language" | "audience" | "channel":
            return Known(text=func.coalesce(getattr(Hcp, asked.fact), ""))
        case "territory":
            key = select(Territory.key).where(Territory.id == Hcp.territory_id).scalar_subquery()
            return Known(text=func.coalesce(key, ""))
        case "decile":
            return Known(number=Hcp.decile.expression)
        case "declared_interests":
            return _set(DeclaredInterest, "topic", frame)
        case "not_relevant":
            return _set(NotRelevant, "module_key", frame)
        case "interest":
            return Known(number=_interest(of, frame))
        case "module_dwell_s" | "module_reads" | "module_skips" | "module_downloads":
            return Known(number=_total(asked, of, frame))
        case "module_completed":
            return Known(flag=_days(of, frame, DailyDwell.completed.is_(True)).exists())
        case "module_read_days_ago":
            return Known(since=_newest(func.max(DailyDwell.last_at), _days(of, frame, DailyDwell.reads > 0)))
        case "module_useful":
            return Known(text=_useful(of, frame))
        case "module_answers":
            return _answers(of, frame)
        case "calculator_opened":
            return Known(number=_newest(func.count(), _uses(of, frame)))
        case "calculator_completed":
            return Known(number=_newest(func.count(CalculatorUse.completed_at), _uses(of, frame)))
        case "calculator_band":
            newest = (CalculatorUse.completed_at.desc(), CalculatorUse.view_id)
            band = _uses(of, frame, CalculatorUse.completed_at.is_not(None)).with_only_columns(CalculatorUse.band)
            return Known(text=func.coalesce(band.order_by(*newest).limit(1).scalar_subquery(), ""))
        case "calculator_days_ago":
            return Known(since=_newest(func.max(CalculatorUse.opened_at), _uses(of, frame)))
        case "visits" if asked.within_days is None:
            return Known(number=_newest(func.count(PageView.visit_id.distinct()), _views(frame)))
        case "visit_days_ago":
            return Known(since=_newest(func.max(PageView.opened_at), _views(frame)))
        case _:
            return Known(same_for_all=True)


def blank(at: datetime) -> Facts:
    """Return facts of nobody at an instant: what is the same for all doctors is read from them."""
    return Facts(at=at)


def _days(of: str, frame: Frame, *more: ColumnElement[bool]) -> Any:
    d = DailyDwell
    mine = (d.hcp_id == Hcp.id, d.site_id == frame.site_id, d.module_key == of, d.profiled.is_(True))
    return select(literal(1)).select_from(d).where(*mine, *more).correlate(Hcp)


def _uses(of: str, frame: Frame, *more: ColumnElement[bool]) -> Any:
    u = CalculatorUse
    mine = (u.hcp_id == Hcp.id, u.site_id == frame.site_id, u.calculator == of, u.profiled.is_(True))
    return select(literal(1)).select_from(u).where(*mine, *more).correlate(Hcp)


def _views(frame: Frame) -> Any:
    v = PageView
    mine = (v.hcp_id == Hcp.id, v.site_id == frame.site_id, v.opened_at < frame.at)
    return (
        select(literal(1)).select_from(v).where(*mine, v.feeds_profile.is_(True), v.confirmed.is_(True)).correlate(Hcp)
    )


def _newest(aggregate: ColumnElement[Any], rows: Any) -> Any:
    return rows.with_only_columns(aggregate).scalar_subquery()


def _total(asked: Comparison, of: str, frame: Frame) -> ColumnElement[Any]:
    column = {
        "module_dwell_s": DailyDwell.eng_ms,
        "module_reads": DailyDwell.reads,
        "module_skips": DailyDwell.skips,
        "module_downloads": DailyDwell.downloads,
    }[asked.fact]
    rows = _days(of, frame)
    if asked.within_days is not None:
        rows = rows.where(DailyDwell.day >= blank(frame.at).since(asked.within_days).isoformat())
    total = func.coalesce(_newest(func.sum(column), rows), 0)
    # Divided as floating point, as the evaluator does, so that both round alike.
    return cast(total, Float(53)) / literal(1000.0, Float(53)) if column is DailyDwell.eng_ms else cast(total, Integer)


def _interest(of: str, frame: Frame) -> ColumnElement[Any]:
    at = literal(frame.at, UtcDateTime())
    half_life = literal(frame.half_life_days, Float(53))
    if frame.dialect == "sqlite":
        value: ColumnElement[Any] = getattr(func, _DECAYED)(Interest.value_ms, Interest.at, at, half_life)
    else:
        seconds = cast(func.extract("epoch", at - Interest.at), Float(53))
        days = func.greatest(literal(0.0, Float(53)), seconds / literal(86_400.0, Float(53)))
        value = Interest.value_ms * func.power(literal(0.5, Float(53)), days / half_life)
    mine = (Interest.hcp_id == Hcp.id, Interest.site_id == frame.site_id, Interest.topic == of)
    minutes = select(value / literal(_MS_PER_MINUTE, Float(53))).where(*mine).correlate(Hcp).scalar_subquery()
    return func.coalesce(minutes, literal(0.0, Float(53)))


def _decayed_texts(value: float, then: str, at: str, half_life_days: float) -> float:
    return decayed(value, datetime.fromisoformat(then), datetime.fromisoformat(at), half_life_days)


def _useful(of: str, frame: Frame) -> ColumnElement[str]:
    rows = _days(of, frame, DailyDwell.useful.is_not(None)).with_only_columns(DailyDwell.useful)
    newest = rows.order_by(DailyDwell.day.desc()).limit(1).scalar_subquery()
    return case((newest.is_(None), ""), (newest.is_(True), "yes"), else_="no")


def _answers(of: str, frame: Frame) -> Known:
    def has(value: str) -> ColumnElement[bool]:
        text = literal("\n", String()) + DailyDwell.answers
        find = func.instr if frame.dialect == "sqlite" else func.strpos
        given: ColumnElement[bool] = _days(of, frame, find(text, f"\n{value}\n") > 0).exists()
        return given

    return Known(has=has, has_any=_days(of, frame, DailyDwell.answers != "").exists())


def _set(table: Any, member: str, frame: Frame) -> Known:
    column = getattr(table, member)
    mine = and_(table.hcp_id == Hcp.id, table.site_id == frame.site_id)

    def has(value: str) -> ColumnElement[bool]:
        return exists().where(mine, column == value).correlate(Hcp)

    return Known(has=has, has_any=exists().where(mine).correlate(Hcp))
