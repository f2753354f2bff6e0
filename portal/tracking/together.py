"""Group commit: requests that arrive while another one commits share the next transaction.

The first of a moment leads: it takes everything that waits, does it in one transaction and gives every follower its
result. There is no thread in the background, nothing is acknowledged before the commit, and a lone request waits for
nobody.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Place(Generic[_Item, _Result]):
    item: _Item
    result: _Result | None = None
    fault: BaseException | None = None
    done: bool = False


class Together(Generic[_Item, _Result]):
    """Does work for many callers at once; `work` takes the items of a batch and returns a result for each, durably."""

    def __init__(self, work: Callable[[list[_Item]], list[_Result]], *, most: int = 64) -> None:
        """Take the work and the most items of one batch."""
        self._work = work
        self._most = most
        self._gate = threading.Lock()
        self._turn = threading.Lock()
        self._queue: list[_Place[_Item, _Result]] = []

    def do(self, item: _Item) -> _Result:
        """Return the result for `item` once it is durable; raises what the work raised for it alone."""
        place: _Place[_Item, _Result] = _Place(item)
        with self._gate:
            self._queue.append(place)
        while not place.done:
            with self._turn:
                if not place.done:
                    self._lead()
        if place.fault is not None:
            raise place.fault
        assert place.result is not None
        return place.result

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

    def _settle(self, batch: list[_Place[_Item, _Result]]) -> None:
        for place, result in zip(batch, self._work([place.item for place in batch]), strict=True):
            place.result = result
