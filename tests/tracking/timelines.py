"""Simulated readers: the snapshots an honest script takes, and the beats that carry them."""

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from portal.tracking.beats import Beat, parse

SECTIONS = ("efficacy", "safety", "dosing", "safety#renal")
CREDENTIAL = "a" * 55 + "." + "b" * 43


@dataclass(slots=True)
class Timeline:
    """One reader's view as counters that only grow; `n` messages so far."""

    age: int = 0
    n: int = 0
    counters: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("vis", "eng", "ret", "sil", "blur", "idle", "gap", "pend", "vid"), 0)
    )
    sections: dict[str, list[int]] = field(default_factory=dict)
    spans: list[int] = field(default_factory=list)
    events: list[list[Any]] = field(default_factory=list)
    touched: bool = False

    def live(self, what: str, ms: int, section: str) -> None:
        """Let `ms` pass: reading, away from the window, hidden, idle, asleep, thinking (undecided) or deciding."""
        count = self.counters
        start, self.age = self.age, self.age + ms
        if what == "read":
            self._decide()
            self.touched = True
            count["vis"] += ms
            count["eng"] += ms
            self._attend(section, ms)
            self._span(start, self.age)
        elif what == "think":
            count["vis"] += ms
            count["pend"] += ms
            count["sil"] += 1
        elif what == "blur":
            self._decide()
            count["vis"] += ms
            count["blur"] += ms
        elif what == "idle":
            count["vis"] += ms
            count["idle"] += ms + count["pend"]
            count["pend"] = 0
        elif what == "asleep":
            count["gap"] += ms
        if what == "calculate":
            no = len(self.events) + 1
            self.events.append([no, "calculator.completed", "ckd_epi_2021_cr", f"g{no}", "1"])

    def message(self) -> dict[str, Any]:
        """Return the next beat as the wire has it."""
        self.n += 1
        return {
            "v": 1,
            "c": CREDENTIAL,
            "n": self.n,
            "o": 0,
            "t": self.age,
            "w": 1_790_000_000_000 + self.age,
            **self.counters,
            "depth": min(100, self.age // 1000),
            "in": int(self.touched),
            "spans": self.spans[-64:],
            "sec": {key: list(value) for key, value in self.sections.items()},
            "ev": [list(event) for event in self.events[-48:]],
        }

    def _decide(self) -> None:
        pend = self.counters["pend"]
        if pend:
            self.counters["eng"] += pend
            self.counters["ret"] += pend
            self.counters["pend"] = 0
            self._attend(SECTIONS[0], pend)

    def _attend(self, section: str, ms: int) -> None:
        got = self.sections.setdefault(section, [0, 0, len(self.sections) + 1, 1, 0])
        got[0] += ms
        got[1] += ms

    def _span(self, start: int, end: int) -> None:
        if self.spans and self.spans[-1] == start:
            self.spans[-1] = end
        else:
            self.spans += [start, end]


def raw(message: dict[str, Any]) -> bytes:
    """Return a message as the bytes of a beat."""
    return json.dumps(message, separators=(",", ":")).encode()


def beat(message: dict[str, Any]) -> Beat:
    """Return a message as the parser understands it."""
    parsed = parse(raw(message))
    assert isinstance(parsed, Beat), parsed
    return parsed


_STEP = st.tuples(
    st.sampled_from(["read", "read", "think", "blur", "hidden", "idle", "asleep", "calculate"]),
    st.integers(1, 90_000),
    st.sampled_from(SECTIONS),
)


@st.composite
def timelines(draw: st.DrawFn, most: int = 12) -> list[dict[str, Any]]:
    """Give the messages of one reader, one after each step."""
    line = Timeline()
    messages = []
    for what, ms, section in draw(st.lists(_STEP, min_size=1, max_size=most)):
        line.live(what, ms, section)
        messages.append(line.message())
    return messages
