"""Who writes when: what waits for its turn shares the commit, and processes take turns at one SQLite file."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.db import Database
from portal.db.together import Together
from portal.db.turns import Turns
from tests.threads import until


def same(_db: Session, items: list[int]) -> list[int]:
    return items


def test_what_arrives_while_the_turn_is_waited_for_shares_the_commit(sqlite_database: Database) -> None:
    opened: list[int] = []
    asked, go = threading.Event(), threading.Event()

    @contextmanager
    def in_turn() -> Iterator[Session]:
        opened.append(1)
        asked.set()
        assert go.wait(10)
        with sqlite_database.writing() as db:
            yield db

    together, found = Together(in_turn), dict[int, int]()
    threads = [threading.Thread(target=lambda n=n: found.update({n: together.do(same, n)})) for n in range(4)]
    threads[0].start()
    assert asked.wait(10)
    for thread in threads[1:]:
        thread.start()
    until(lambda: len(together._queue) == len(threads))
    go.set()
    for thread in threads:
        thread.join()
    assert found == {n: n for n in range(4)}
    assert len(opened) == 1


def test_more_than_one_batch_is_led_to_its_end(sqlite_database: Database) -> None:
    together, found = Together(sqlite_database._in_turn, most=2), dict[int, int]()
    threads = [threading.Thread(target=lambda n=n: found.update({n: together.do(same, n)})) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {n: n for n in range(24)}


def test_a_process_that_is_told_to_stop_leaves_nobody_waiting(sqlite_database: Database) -> None:
    def stopped(_db: Session, items: list[int]) -> list[int]:
        raise SystemExit(0)

    together = Together(sqlite_database._in_turn)
    with pytest.raises(SystemExit):
        together.do(stopped, 1)
    assert together.do(same, 2) == 2


def test_a_second_process_waits_for_the_turn(tmp_path: Path) -> None:
    one, other = Turns(tmp_path / "turn"), Turns(tmp_path / "turn")
    order: list[str] = []

    def wait() -> None:
        with other.turn():
            order.append("second")

    waiting = threading.Thread(target=wait)
    with one.turn():
        waiting.start()
        waiting.join(0.05)
        order.append("first")
    waiting.join(10)
    one.close()
    other.close()
    assert order == ["first", "second"]
