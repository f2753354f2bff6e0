"""Group commit: deeds that arrive while another one commits share the next transaction.

The first of a moment leads: it begins a transaction, takes everything that waits by then, does it and gives every
follower its result; those who came meanwhile are led by the first of them. There is no thread in the background,
nothing is acknowledged before the commit, and a lone deed waits for nobody.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from sqlalchemy.orm import Session

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

Work = Callable[[Session, list[_Item]], list[_Result]]


class _Place:
    """A deed in the queue; its caller sleeps until it is woken, done or to lead."""

    __slots__ = ("done", "fault", "item", "result", "sleep", "work")

    def __init__(self, work: Work[Any, Any], item: Any) -> None:
        self.work, self.item = work, item
        self.result: Any = None
        self.fault: BaseException | None = None
        self.done = False
        self.sleep = threading.Lock()
        self.sleep.acquire()


class Together:
    """Does work for many callers at once, in one transaction, whatever kinds of work meet in it."""

    def __init__(self, writing: Callable[[], AbstractContextManager[Session]], *, most: int = 64) -> None:
        """Take what gives a session that has begun and commits at its end, and the most items of one batch."""
        self._writing = writing
        self._most = most
        self._gate = threading.Lock()
        self._queue: list[_Place] = []
        self._is_led = False

    def do(self, work: Work[_Item, _Result], item: _Item) -> _Result:
        """Return the result for `item` once it is durable; raises what the work raised for it alone.

        `work` takes the items of a batch that were given with it and returns a result for each, in their order.
        """
        place = _Place(work, item)
        with self._gate:
            self._queue.append(place)
            follows, self._is_led = self._is_led, True
        if follows:
            place.sleep.acquire()
        if not place.done:
            self._lead()
        if place.fault is not None:
            raise place.fault
        return cast(_Result, place.result)

    def _lead(self) -> None:
        batch: list[_Place] = []
        try:
            try:
                with self._writing() as db:
                    batch = self._waiting()
                    results = _done(db, batch)
                _give(results)
            except Exception:
                batch = batch or self._waiting()
                self._each_alone(batch)
        except BaseException as fault:  # this process is told to stop
            for place in batch:
                place.fault = fault
            raise
        finally:
            self._hand_over()
            for place in batch:
                place.done = True
                place.sleep.release()

    def _waiting(self) -> list[_Place]:
        with self._gate:
            batch, self._queue = self._queue[: self._most], self._queue[self._most :]
        return batch

    def _hand_over(self) -> None:
        with self._gate:
            self._is_led = bool(self._queue)
            if self._queue:
                self._queue[0].sleep.release()

    def _each_alone(self, batch: Sequence[_Place]) -> None:
        # One item must not take the others down: each gets a transaction of its own.
        for place in batch:
            try:
                with self._writing() as db:
                    results = _done(db, [place])
                _give(results)
            except Exception as fault:
                place.fault = fault


def _done(db: Session, batch: Sequence[_Place]) -> list[tuple[list[_Place], list[Any]]]:
    kinds: dict[Work[Any, Any], list[_Place]] = {}
    for place in batch:
        kinds.setdefault(place.work, []).append(place)
    return [(places, work(db, [place.item for place in places])) for work, places in kinds.items()]


def _give(found: Sequence[tuple[Sequence[_Place], Sequence[Any]]]) -> None:
    for places, results in found:
        for place, result in zip(places, results, strict=True):
            place.result = result
