"""Group commit: deeds that arrive while another one commits share the next transaction.

The first of a moment leads: it takes everything that waits, does it in one transaction and gives every follower its
result. There is no thread in the background, nothing is acknowledged before the commit, and a lone deed waits for
nobody.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy.orm import Session

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

Work = Callable[[Session, list[_Item]], list[_Result]]


@dataclass(slots=True)
class _Place:
    work: Work[Any, Any]
    item: Any
    result: Any = None
    fault: BaseException | None = None
    done: bool = False


class Together:
    """Does work for many callers at once, in one transaction, whatever kinds of work meet in it."""

    def __init__(self, writing: Callable[[], AbstractContextManager[Session]], *, most: int = 64) -> None:
        """Take what gives a session that commits at its end, and the most items of one batch."""
        self._writing = writing
        self._most = most
        self._gate = threading.Lock()
        self._turn = threading.Lock()
        self._queue: list[_Place] = []

    def do(self, work: Work[_Item, _Result], item: _Item) -> _Result:
        """Return the result for `item` once it is durable; raises what the work raised for it alone.

        `work` takes the items of a batch that were given with it and returns a result for each, in their order.
        """
        place = _Place(work, item)
        with self._gate:
            self._queue.append(place)
        while not place.done:
            with self._turn:
                if not place.done:
                    self._lead()
        if place.fault is not None:
            raise place.fault
        return cast(_Result, place.result)

    def _lead(self) -> None:
        with self._gate:
            batch, self._queue = self._queue[: self._most], self._queue[self._most :]
        try:
            self._settle(batch)
        except Exception:
            # One item must not take the others down: each gets a transaction of its own.
            for place in batch:
                try:
                    self._settle([place])
                except Exception as fault:
                    place.fault = fault
        finally:
            for place in batch:
                place.done = True

    def _settle(self, batch: list[_Place]) -> None:
        kinds: dict[Work[Any, Any], list[_Place]] = {}
        for place in batch:
            kinds.setdefault(place.work, []).append(place)
        with self._writing() as db:
            found = [(places, work(db, [place.item for place in places])) for work, places in kinds.items()]
        for places, results in found:
            for place, result in zip(places, results, strict=True):
                place.result = result
