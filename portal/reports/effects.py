"""Does the personal order of a site help? Each doctor's first 30 days, holdout and the others side by side.

A doctor is counted from their first confirmed visit since the present holdout began, for 30 days, whatever they were
shown and whichever version of the rules decided; only visits that may feed a profile count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.content.queries import modules_in_force
from portal.hcp.models import DeclaredInterest
from portal.personalize.effect import MEASURES, Effect, State, effect_of, grouped
from portal.personalize.rules import RuleSet, Settings
from portal.rulebook.queries import history
from portal.tracking.models import CalculatorUse, DailyDwell, PageView

FOLLOWED = timedelta(days=30)
FEWEST = 5  # doctors in a group of which a number may be said
_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Line:
    """One measure: its effect, and each group's mean (minutes, share from 0 to 1, count); None: not enough data."""

    effect: Effect
    personal: float | None
    holdout: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What can be said at one moment; `since` is None where no holdout is standing.

    `personal` and `holdout` count doctors whose 30 days are over, None for fewer than `FEWEST`; `waiting` are those
    whose days still run.
    """

    percent: float
    since: datetime | None
    personal: int | None
    holdout: int | None
    waiting: int
    lines: tuple[Line, ...]


def report(db: Session, site_id: str, *, at: datetime) -> Report:
    """Return the effect on every declared measure at `at`, or how far it still is from being told."""
    rules, since = standing_holdout(db, site_id, at)
    if rules is None or since is None:
        return Report(0.0, None, None, None, 0, ())
    first = _first_visits(db, site_id, since)
    over = {hcp_id: begun for hcp_id, begun in first.items() if begun + FOLLOWED <= at}
    values: dict[str, Mapping[str, float]] = {
        "engaged_minutes": _minutes(db, site_id, over, at),
        "returned": _returned(db, site_id, over),
        "calculators": _calculators(db, site_id, over),
    }
    personal, holdout = (len(group) for group in grouped(dict.fromkeys(over, 0.0), rules))
    lines = tuple(_line(name, values[name], rules) for name in MEASURES)
    waiting = len(first) - len(over)
    return Report(rules.settings.holdout_percent, since, _said(personal), _said(holdout), waiting, lines)


def standing_holdout(db: Session, site_id: str, at: datetime) -> tuple[RuleSet | None, datetime | None]:
    """Return the live rules and since when their holdout stands unchanged; None where there is none."""
    lived = [version for version in history(db, site_id) if version.live_from is not None and version.live_from <= at]
    lived.sort(key=lambda version: (version.live_from or at, version.version), reverse=True)
    if not lived or lived[0].rules.settings.holdout_percent <= 0:
        return None, None
    live = lived[0].rules
    since = lived[0].live_from
    for version in lived:
        if _drawn_by(version.rules.settings) != _drawn_by(live.settings):
            break
        since = version.live_from
    return live, since


def _drawn_by(settings: Settings) -> tuple[float, str]:
    return settings.holdout_percent, settings.holdout_salt


def _line(name: str, values: Mapping[str, float], rules: RuleSet) -> Line:
    personal, holdout = grouped(values, rules)
    effect = effect_of(MEASURES[name], personal, holdout)
    if effect.state is State.NOT_ENOUGH:
        return Line(effect, None, None)
    return Line(effect, fmean(personal), fmean(holdout))


def _said(count: int) -> int | None:
    return count if count >= FEWEST or count == 0 else None


def _first_visits(db: Session, site_id: str, since: datetime) -> dict[str, datetime]:
    real = (PageView.feeds_profile.is_(True), PageView.confirmed.is_(True), PageView.hcp_id.is_not(None))
    rows = db.execute(
        select(PageView.hcp_id, func.min(PageView.opened_at))
        .where(PageView.site_id == site_id, PageView.opened_at >= since, *real)
        .group_by(PageView.hcp_id)
    )
    return {str(hcp_id): begun for hcp_id, begun in rows}


def _minutes(db: Session, site_id: str, over: Mapping[str, datetime], at: datetime) -> dict[str, float]:
    """Return engaged minutes on the topics a doctor declared; on every module where none was declared."""
    declared: dict[str, set[str]] = {}
    wanted = select(DeclaredInterest.hcp_id, DeclaredInterest.topic).where(DeclaredInterest.site_id == site_id)
    for hcp_id, topic in db.execute(wanted):
        declared.setdefault(hcp_id, set()).add(topic)
    topics = {module.key: frozenset(module.topics) for module in modules_in_force(db, site_id, at)}
    found = dict.fromkeys(over, 0.0)
    rows = db.execute(
        select(DailyDwell.hcp_id, DailyDwell.module_key, DailyDwell.day, DailyDwell.eng_ms).where(
            DailyDwell.site_id == site_id, DailyDwell.profiled.is_(True), DailyDwell.day >= _earliest(over.values())
        )
    )
    for hcp_id, module, day, ms in rows:
        if hcp_id not in over or not _is_followed(date.fromisoformat(day), over[hcp_id].date()):
            continue
        cares = declared.get(hcp_id)
        if cares is None or cares & topics.get(module, frozenset()):
            found[hcp_id] += ms / _MS_PER_MINUTE
    return found


def _returned(db: Session, site_id: str, over: Mapping[str, datetime]) -> dict[str, float]:
    """Return 1 for each doctor with a confirmed visit on a later day within the 30 days, else 0."""
    found = dict.fromkeys(over, 0.0)
    real = (PageView.feeds_profile.is_(True), PageView.confirmed.is_(True), PageView.hcp_id.is_not(None))
    rows = db.execute(
        select(PageView.hcp_id, func.min(PageView.opened_at))
        .where(PageView.site_id == site_id, *real)
        .group_by(PageView.hcp_id, PageView.visit_id)
    )
    for hcp_id, begun in rows:
        first = over.get(str(hcp_id))
        if first is not None and begun.date() > first.date() and begun < first + FOLLOWED:
            found[str(hcp_id)] = 1.0
    return found


def _calculators(db: Session, site_id: str, over: Mapping[str, datetime]) -> dict[str, float]:
    """Return how many results from calculators each doctor saw within the 30 days."""
    found = dict.fromkeys(over, 0.0)
    uses = (CalculatorUse.profiled.is_(True), CalculatorUse.completed_at.is_not(None))
    rows = db.execute(
        select(CalculatorUse.hcp_id, CalculatorUse.completed_at).where(CalculatorUse.site_id == site_id, *uses)
    )
    for hcp_id, done in rows:
        first = over.get(hcp_id or "")
        if first is not None and done is not None and first <= done < first + FOLLOWED:
            found[str(hcp_id)] += 1.0
    return found


def _earliest(begun: Iterable[datetime]) -> str:
    first = min(begun, default=None)
    return first.date().isoformat() if first is not None else "9999-12-31"


def _is_followed(day: date, first: date) -> bool:
    return first <= day < first + FOLLOWED
