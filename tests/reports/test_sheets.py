"""No cell of a sheet is a formula, and the numbers are what they were."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.reports.frames import mondays, territory_topic_weeks
from portal.reports.queries import WeekRow
from portal.reports.sheets import csv_text, safe_cell

_LIVE = "=+-@|%\t\r\n＝＋－＠"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", '=HYPERLINK("http://x.example")', "|calc", "%0"],
)
def test_a_text_that_would_start_a_formula_is_quoted(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Dr Meyer", "H-1", "8 s", "2026-11-22T09:00:00Z", ""])
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_numbers_stay_numbers_also_below_zero() -> None:
    assert safe_cell(-5) == -5
    assert safe_cell(None) == ""
    assert safe_cell(True) == "yes"


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_every_cell_read_back_is_safe(rows: list[list[str]]) -> None:
    for row in csv.reader(io.StringIO(csv_text(("a", "b"), rows), newline="")):
        for cell in row:
            assert not cell or cell[0] not in _LIVE
            assert not cell.lstrip() or cell.lstrip()[0] not in _LIVE


def _row(territory: str, key: str, day: str, doctor: str, minutes: float) -> WeekRow:
    return WeekRow(territory, "s", key, day, doctor, int(minutes * 60_000))


def test_minutes_fall_into_the_week_of_their_monday() -> None:
    weeks = mondays(date(2026, 11, 22), 2)
    assert weeks == [date(2026, 11, 9), date(2026, 11, 16)]
    rows = [
        _row("NE", "dosing", "2026-11-15", "a", 2),
        _row("NE", "dosing", "2026-11-16", "a", 3),
        _row("NE", "renal", "2026-11-22", "b", 1),
        _row("SW", "other", "2026-11-22", "c", 9),
    ]
    topics = {("s", "dosing"): ("dosing",), ("s", "renal"): ("dosing", "safety")}
    first, second = territory_topic_weeks(rows, topics, weeks=weeks, fewest_doctors=1)
    assert (first.territory, first.rows, first.total_minutes) == ("SW", (("other", (0.0, 9.0)),), 9.0)
    assert second.rows == (("dosing", (2.0, 4.0)), ("safety", (0.0, 1.0)))
    assert (second.doctors, second.total_minutes, second.weeks) == (2, 6.0, ("9 Nov", "16 Nov"))


def test_few_doctors_are_suppressed() -> None:
    weeks = mondays(date(2026, 11, 22), 1)
    rows = [_row("NE", "dosing", "2026-11-17", doctor, 1) for doctor in "ab"]
    topics = {("s", "dosing"): ("dosing",), ("s", "renal"): ("safety",)}
    assert territory_topic_weeks(rows, topics, weeks=weeks, fewest_doctors=3) == []
    rows.append(_row("NE", "renal", "2026-11-17", "c", 1))
    (table,) = territory_topic_weeks(rows, topics, weeks=weeks, fewest_doctors=3)
    assert table.rows == (("dosing", (None,)), ("safety", (None,)))
    assert table.total_minutes is None
    assert territory_topic_weeks([], {}, weeks=weeks, fewest_doctors=3) == []
