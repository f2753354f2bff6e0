"""Two decisions side by side, and the running result of a back-test as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NamedTuple

from portal.personalize.arrangement import Arrangement
from portal.personalize.backtest import Backtest, Fidelity, Movement, Tally


class Beside(NamedTuple):
    """One module under two rule sets; a place is None where it is not shown, counted from 1."""

    module: str
    before: int | None
    after: int | None
    reason: str

    @property
    def moved(self) -> str:
        """Say in one word what the second rule set does to it: `up`, `down`, `new`, `gone` or `same`."""
        if self.before == self.after:
            return "same"
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        return "up" if self.after < self.before else "down"


def beside(before: Arrangement, after: Arrangement) -> tuple[Beside, ...]:
    """Give every module shown by either, in the order of the second, those it leaves out last."""
    old = {item.module: item.place for item in before.items}
    rows = [Beside(item.module, old.pop(item.module, None), item.place, item.reason) for item in after.items]
    why = {left.module: left.sentence for left in after.not_shown}
    return (*rows, *(Beside(module, place, None, why.get(module, "")) for module, place in old.items()))


def joined(one: Tally, other: Tally) -> Tally:
    """Give two parts of a back-test as one; the first is changed."""
    one.changes.add(other.changes)
    one.history.add(other.history)
    return one


def dump_tally(tally: Tally) -> str:
    """Give the JSON text that `load_tally` reads back."""
    found, history = tally
    losing = [[doctor, module, pages] for (doctor, module), pages in sorted(found.losing.items())]
    return json.dumps(
        {
            "pages": found.pages,
            "changed": found.changed,
            "modules": {key: [m.rises, m.falls, m.appears, m.vanishes] for key, m in found.modules.items()},
            "doctors": dict(found.doctors),
            "seen": sorted(found.seen_doctors),
            "losing": losing,
            "changed_ids": found.changed_ids,
            "refused": found.refused,
            "history": [history.pages, history.same, history.different, history.refused],
        },
        sort_keys=True,
        separators=(",", ":"),
    )


def load_tally(text: str) -> Tally:
    """Give the tally that `dump_tally` wrote; an empty text is an empty tally."""
    if not text:
        return Tally(Backtest(), Fidelity())
    raw: dict[str, Any] = json.loads(text)
    pages, same, different, refused = raw["history"]
    changes = Backtest(
        pages=raw["pages"],
        changed=raw["changed"],
        modules={key: Movement(*counts) for key, counts in raw["modules"].items()},
        doctors=Counter(raw["doctors"]),
        seen_doctors=set(raw["seen"]),
        losing=Counter({(doctor, module): count for doctor, module, count in raw["losing"]}),
        changed_ids=raw["changed_ids"],
        refused=raw["refused"],
    )
    return Tally(changes, Fidelity(pages, same, different, refused))
