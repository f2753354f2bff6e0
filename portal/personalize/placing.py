"""The order of a page from scores, pins and "after", settled in one stated way.

Scores come first, ties in the standard order. Pins are settled in acting order of their rules: the first
to claim a place has it, a later one takes the next free place below, or above where none is left; a
module keeps its first pin. "After" puts a module directly behind its anchor; a pinned module stays where
it is pinned; a module keeps its first anchor, and an anchor that would close a circle, or is not on the
page, is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Placing:
    """The claims on one page; `overruled` counts, per rule, the modules it could not place."""

    pins: dict[int, tuple[int, int]] = field(default_factory=dict)  # candidate -> (place from 0, rule)
    anchors: dict[int, tuple[int, int]] = field(default_factory=dict)  # candidate -> (anchor, rule)
    overruled: dict[int, list[int]] = field(default_factory=dict)

    def pin(self, candidates: list[int], place: int, rule: int, size: int) -> None:
        """Claim the places from `place` (counted from 0) on for these candidates, in their order."""
        taken = {claimed for claimed, _ in self.pins.values()}
        for candidate in candidates:
            if candidate in self.pins:
                self.overruled.setdefault(rule, []).append(candidate)
                continue
            here = _free(min(place, size - 1), taken, size)
            taken.add(here)
            self.pins[candidate] = (here, rule)
            place = here + 1

    def after(self, candidates: list[int], anchor: int, rule: int) -> None:
        """Put these candidates directly behind `anchor`, unless pinned, anchored, or closing a circle."""
        for candidate in candidates:
            if candidate in self.pins or candidate in self.anchors or self._leads_to(anchor, candidate):
                self.overruled.setdefault(rule, []).append(candidate)
            else:
                self.anchors[candidate] = (anchor, rule)

    def _leads_to(self, start: int, end: int) -> bool:
        here = start
        while here != end:
            if here not in self.anchors:
                return False
            here = self.anchors[here][0]
        return True

    def placed(self, by_score: list[int]) -> list[int]:
        """Give the candidates in their final order."""
        if not self.pins and not self.anchors:
            return by_score
        behind: dict[int, list[int]] = {}
        for candidate in by_score:
            if candidate in self.anchors:
                behind.setdefault(self.anchors[candidate][0], []).append(candidate)
        pinned = sorted(self.pins, key=lambda candidate: -self.pins[candidate][0])
        waiting = [c for c in reversed(by_score) if c not in self.pins and c not in self.anchors]
        order: list[int] = []
        while pinned or waiting:
            # Where all that is left stands behind a pinned module, that module moves up.
            pin_is_due = pinned and (not waiting or self.pins[pinned[-1]][0] <= len(order))
            here = pinned.pop() if pin_is_due else waiting.pop()
            order.append(here)
            waiting.extend(reversed(behind.get(here, ())))
        return order


def _free(place: int, taken: set[int], size: int) -> int:
    for here in range(place, size):
        if here not in taken:
            return here
    return next(here for here in range(place, -1, -1) if here not in taken)
