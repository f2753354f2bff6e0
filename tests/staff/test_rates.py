"""Rate limits: counted together by all workers, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from portal.db import Database, rates

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=10)


def tries(database: Database, count: int, at: datetime, key: str = "k") -> list[bool]:
    with database.writing() as db:
        return [rates.allow(db, key, limit=5, window=WINDOW, at=at) for _ in range(count)]


def test_the_limit_holds_within_a_window_and_per_key(database: Database) -> None:
    assert tries(database, 7, AT) == [True] * 5 + [False] * 2
    assert tries(database, 1, AT, "other") == [True]


def test_the_window_slides_so_that_its_edge_gives_no_double_allowance(database: Database) -> None:
    tries(database, 5, AT + timedelta(minutes=9, seconds=59))
    assert tries(database, 1, AT + timedelta(minutes=10, seconds=1)) == [False]
    assert tries(database, 1, AT + timedelta(minutes=19)) == [True]


def test_twenty_workers_share_one_limit(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: tries(database, 1, AT)[0], range(20)))
    assert answers.count(True) == 5


def test_a_pardon_and_the_passing_of_time_empty_the_table(database: Database) -> None:
    tries(database, 5, AT)
    with database.writing() as db:
        rates.pardon(db, "k", window=WINDOW)
    assert tries(database, 1, AT) == [True]
    with database.writing() as db:
        rates.forget(db, before=AT + timedelta(days=1))
        assert db.scalars(select(rates.RateCount)).all() == []


def test_the_key_is_not_stored_in_plain(database: Database) -> None:
    tries(database, 1, AT, "203.0.113.7")
    with database.reading() as db:
        assert len(db.scalars(select(rates.RateCount.key_hash)).one()) == 64
