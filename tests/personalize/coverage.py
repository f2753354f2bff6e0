"""How often the interval of an effect holds the truth, on simulated worlds with and without an effect.

Run with `python -m tests.personalize.coverage [--worlds 2000] [--json]`. For every measure, with and without an effect,
and for groups of several sizes, worlds are drawn from a seed of their own: in each the effect is computed as on the
page and compared with the truth that made the world. Printed are the share of worlds whose interval holds the truth
(nominal: 95 %) and the share in which an effect is claimed.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Callable
from typing import NamedTuple

from portal.personalize.effect import LEAST, MEASURES, State, effect_of

Draw = Callable[[random.Random, bool], float]
SIZES = ((320, LEAST), (200, 200), (LEAST, LEAST), (500, LEAST), (2000, 100))
_READERS, _MU, _SIGMA = 2 / 3, 1.0, 0.8


def _minutes(chance: random.Random, better: bool) -> float:
    """Most doctors read a little, a few a lot, a third nothing; a personal order adds a fifth."""
    if chance.random() >= _READERS:
        return 0.0
    return chance.lognormvariate(_MU, _SIGMA) * (1.2 if better else 1.0)


def _returned(chance: random.Random, better: bool) -> float:
    return float(chance.random() < (0.32 if better else 0.25))


def _calculators(chance: random.Random, better: bool) -> float:
    return float(sum(chance.random() < (0.10 if better else 0.08) for _ in range(8)))


DRAWS: dict[str, tuple[Draw, float]] = {
    "engaged_minutes": (_minutes, _READERS * math.exp(_MU + _SIGMA**2 / 2) * 0.2),
    "returned": (_returned, 0.07),
    "calculators": (_calculators, 0.16),
}


class Covered(NamedTuple):
    """What came of many worlds of one kind: shares of those in which something could be said, and of all."""

    held: float
    claimed: float
    silent: float


def covered(name: str, personal: int, holdout: int, *, effect: bool, worlds: int) -> Covered:
    """Draw worlds and say in what share the interval holds the truth, an effect is claimed, and nothing is said."""
    draw, size = DRAWS[name]
    truth = size if effect else 0.0
    held = claimed = silent = 0
    for world in range(worlds):
        chance = random.Random(f"{name}-{personal}-{holdout}-{effect}-{world}")
        mine = [draw(chance, effect) for _ in range(personal)]
        theirs = [draw(chance, False) for _ in range(holdout)]
        found = effect_of(MEASURES[name], mine, theirs)
        if found.difference is None:
            silent += 1
            continue
        held += found.difference.low <= truth <= found.difference.high
        claimed += found.state is not State.UNCLEAR
    told = max(worlds - silent, 1)
    return Covered(held / told, claimed / told, silent / worlds)


def main() -> int:
    """Print the figures; exit 0 where every share lies within 2.5 points of what it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = [
        {"measure": name, "effect": effect, "personal": personal, "holdout": holdout, "worlds": asked.worlds}
        | covered(name, personal, holdout, effect=effect, worlds=asked.worlds)._asdict()
        for name in DRAWS
        for effect in (False, True)
        for personal, holdout in SIZES
    ]
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n" if asked.json else _line(row))
    return 0 if all(abs(float(str(row["held"])) - 0.95) <= 0.025 for row in rows) else 1


def _line(row: dict[str, object]) -> str:
    kind = "effect" if row["effect"] else "none"
    return (
        f"{row['measure']:16} {kind:7} {row['personal']:>5} with {row['holdout']:>4} without  "
        f"holds the truth {row['held']:.3f}  claims an effect {row['claimed']:.3f}  says nothing {row['silent']:.3f}\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
