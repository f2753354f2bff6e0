"""Tables turned round with pandas, which is imported where it is used: it costs seconds and tens of megabytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.reports.queries import WeekRow

_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class TopicTable:
    """Engaged minutes of one territory: `rows` holds (topic, minutes by week); None is too few doctors."""

    territory: str
    doctors: int
    weeks: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    total_minutes: float | None


def territory_topic_weeks(
    rows: Sequence[WeekRow],
    topics_of: Mapping[tuple[str, str], Sequence[str]],
    *,
    weeks: Sequence[date],
    fewest_doctors: int,
) -> list[TopicTable]:
    """Return one table per territory, most read first: topics down, weeks (their Mondays) across, minutes within.

    A module on two topics counts for both. A cell with fewer than `fewest_doctors` doctors is None, and
    so is the total beside one; a territory with fewer has no table.
    """
    if not rows:
        return []
    import pandas as pd

    frame = pd.DataFrame(
        [
            (row.territory, row.day, row.hcp_id, topics_of.get((row.site_id, row.module_key)), row.eng_ms)
            for row in rows
        ],
        columns=["territory", "day", "hcp", "topics", "ms"],
    )
    frame["topics"] = frame["topics"].map(lambda topics: list(topics) if topics else ["other"])
    read = frame.groupby("territory")["ms"].sum()
    frame = frame.explode("topics").rename(columns={"topics": "topic"})
    days = pd.to_datetime(frame["day"])
    frame["week"] = (days - pd.to_timedelta(days.dt.day_of_week, unit="D")).dt.date
    columns = list(weeks)
    tables = []
    for territory, part in frame.groupby("territory", sort=False):
        minutes = part.pivot_table(index="topic", columns="week", values="ms", aggfunc="sum").reindex(columns=columns)
        people = part.pivot_table(index="topic", columns="week", values="hcp", aggfunc="nunique").reindex(
            columns=columns
        )
        order = minutes.sum(axis=1).sort_values(ascending=False).index
        sums: list[list[float]] = minutes.loc[order].to_numpy().tolist()
        counts: list[list[float]] = people.loc[order].to_numpy().tolist()
        lines = [
            (str(topic), tuple(_cell(ms, doctors, fewest_doctors) for ms, doctors in zip(line, heads, strict=True)))
            for topic, line, heads in zip(order, sums, counts, strict=True)
        ]
        doctors = int(part["hcp"].nunique())
        if doctors < fewest_doctors:
            continue
        hidden = any(cell is None for _topic, cells in lines for cell in cells)
        total = float(read[territory]) / _MS_PER_MINUTE
        names = tuple(f"{week:%-d %b}" for week in columns)
        tables.append(TopicTable(str(territory), doctors, names, tuple(lines), None if hidden else round(total, 1)))
    return sorted(tables, key=lambda table: (-(table.total_minutes or 0), table.territory))


def mondays(today: date, count: int) -> list[date]:
    """Return the Mondays of the last `count` weeks, oldest first, this week's included."""
    this = today - timedelta(days=today.weekday())
    return [this - timedelta(weeks=back) for back in range(count - 1, -1, -1)]


def _cell(ms: float, doctors: float, fewest: int) -> float | None:
    # pandas marks a cell that nothing fell into as NaN, which differs from itself.
    if ms != ms or doctors != doctors:
        return 0.0
    return round(float(ms) / _MS_PER_MINUTE, 1) if doctors >= fewest else None
