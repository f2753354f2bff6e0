"""Beats of one view that meet: on several connections, under one number, after years, before their time."""

from datetime import timedelta
from typing import Any

import pytest

from portal.db import Database
from portal.tracking import queries
from portal.tracking.drops import Drop
from portal.tracking.models import Interest
from tests.threads import at_once
from tests.tracking.test_actions import AT, DOCTOR, SITE, page, reading, row_of, take
from tests.tracking.timelines import Timeline

LATER = AT + timedelta(seconds=60)


def messages(count: int = 6) -> list[dict[str, Any]]:
    line, found = Timeline(), []
    for _ in range(count):
        line.live("read", 700, "efficacy")
        found.append(line.message())
    return found


def test_one_view_on_six_connections_is_what_it_is_on_one(database: Database) -> None:
    sent = messages()
    with database.writing() as db:
        one, credential = page(db)
        other, crowded = page(db)
        for message in sent:
            take(db, message, credential, at=LATER)

    def send(message: dict[str, Any]) -> None:
        with database.writing() as db:
            assert take(db, message, crowded, at=LATER).status == 204

    at_once(*(lambda message=message: send(message) for message in reversed(sent)))
    with database.reading() as db:
        assert row_of(db, other) == row_of(db, one)
        [module] = queries.dwell_by_module(db, DOCTOR)
        assert (module.eng_ms, module.reads) == (2 * 4200, 0)


def test_a_restored_copy_that_speaks_twice_at_once_is_one_row(database: Database) -> None:
    restored = [message | {"o": 1_790_000_000_000} for message in messages(2)]
    with database.writing() as db:
        _, credential = page(db)

    def send(message: dict[str, Any]) -> None:
        with database.writing() as db:
            assert take(db, message, credential, at=LATER).status == 204

    at_once(*(lambda message=message: send(message) for message in restored))
    with database.reading() as db:
        assert sorted(view.dwell_ms or 0 for view in queries.views_of(db, DOCTOR)) == [0, 1400]


def test_two_messages_of_one_number_leave_the_greater_counters_in_any_order(database: Database) -> None:
    small, great = messages(2)
    rows = []
    with database.writing() as db:
        for order in ((small, great | {"n": small["n"]}), (great | {"n": small["n"]}, small)):
            view_id, credential = page(db)
            for message in order:
                assert take(db, message, credential, at=LATER).status == 204
            rows.append(row_of(db, view_id))
    assert rows[0] == rows[1]
    assert (rows[0]["eng_ms"], rows[0]["received"]) == (1400, 1)


def test_counters_that_shrink_take_nothing_away(database: Database) -> None:
    with database.writing() as db:
        view_id, credential = page(db)
        take(db, reading(("efficacy", 5000)).message(), credential)
        before = row_of(db, view_id)
        smaller = reading(("efficacy", 2000)).message() | {"n": 9}
        assert take(db, smaller, credential, at=LATER).status == 204
        after = row_of(db, view_id)
    changed = {"received", "sent", "state"}
    assert {name: value for name, value in after.items() if name not in changed} == {
        name: value for name, value in before.items() if name not in changed
    }


@pytest.mark.parametrize("years", [4, 400])
def test_interest_that_faded_for_years_is_no_obstacle(database: Database, years: int) -> None:
    with database.writing() as db:
        faded = AT - timedelta(days=365 * years)
        db.add(Interest(hcp_id=DOCTOR, site_id=SITE, topic="efficacy", value_ms=9e6, at=faded))
        _, credential = page(db, half_life_days=1)
        assert take(db, reading(("efficacy", 6000)).message(), credential).status == 204
    with database.reading() as db:
        at = AT + timedelta(milliseconds=6200)
        minutes = queries.profile(db, DOCTOR, SITE, at=at, half_life_days=1)["efficacy"]
        assert minutes == pytest.approx(0.1, rel=1e-6)


def test_a_clock_set_back_costs_no_beat_that_can_come_again(database: Database) -> None:
    """The page is signed by us, so its future moment says that our own clock went back: the script keeps the beat."""
    message = reading(("efficacy", 2000)).message()
    with database.writing() as db:
        view_id, credential = page(db)
        early = take(db, message, credential, at=AT - timedelta(hours=1))
        assert (early.status, early.drop) == (429, Drop.NOT_YET)
        assert row_of(db, view_id)["eng_ms"] is None
        assert take(db, message, credential).status == 204
        assert row_of(db, view_id)["eng_ms"] == 2000
        assert queries.drops(db) == {"not-yet": 1}
