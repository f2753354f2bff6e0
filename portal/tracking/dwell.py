"""What is known of one view's dwell: merging snapshots and bounding them by the server's clock. Pure.

`Totals` is a join-semilattice: `merge` takes the greatest of every counter and the union of every set, so snapshots
that come twice, late, in another order or not at all leave the same totals as the newest one alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.tracking.beats import AGREEMENT_MS, MAX_SPANS, Beat, Section
from portal.tracking.drops import Drop
from portal.tracking.spans import Spans, count, runs, union

SLACK_MS = 3000
_MOST_RUNS = 200
_NO_SECTION = Section(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Tail:
    """The newest snapshot's age (ms), number, undecided time (ms) and wall clock (ms)."""

    age: int = 0
    n: int = 0
    pend: int = 0
    wall: int = 0

    def key(self) -> tuple[int, int, int, int]:
        """Return what orders snapshots from old to new."""
        return (self.age, self.n, self.pend, self.wall)


@dataclass(frozen=True, slots=True)
class Totals:
    """The merged counters of a view in ms; `sil` counts silences, `debt` is the most time known not to be visible."""

    vis: int = 0
    eng: int = 0
    ret: int = 0
    sil: int = 0
    blur: int = 0
    idle: int = 0
    gap: int = 0
    vid: int = 0
    depth: int = 0
    touched: bool = False
    debt: int = 0
    tail: Tail = field(default_factory=Tail)
    numbers: Spans = ()
    events: Spans = ()
    spans: Spans = ()
    sections: Mapping[str, Section] = field(default_factory=dict)

    @property
    def pend(self) -> int:
        """Return the undecided ms of the newest snapshot."""
        return self.tail.pend

    @property
    def received(self) -> int:
        """Return how many different messages arrived."""
        return count(self.numbers)

    @property
    def sent(self) -> int:
        """Return how many messages were sent as far as their numbers tell."""
        return self.numbers[-1][1] if self.numbers else 0


@dataclass(frozen=True, slots=True)
class Bracket:
    """Between what input proves and all that was visible, in ms."""

    proven: int
    visible: int


def totals_of(beat: Beat, *, elapsed: int) -> Totals:
    """Return the totals that one snapshot tells when it arrives `elapsed` ms after the page was made."""
    return Totals(
        vis=beat.vis,
        eng=beat.eng,
        ret=beat.ret,
        sil=beat.sil,
        blur=beat.blur,
        idle=beat.idle,
        gap=beat.gap,
        vid=beat.vid,
        depth=beat.depth,
        touched=beat.touched,
        debt=max(0, min(beat.age, elapsed) - beat.vis),
        tail=Tail(beat.age, beat.n, beat.pend, beat.wall),
        numbers=((beat.n, beat.n),),
        events=runs((event.no, event.no) for event in beat.events),
        spans=union(beat.spans),
        sections=dict(beat.sections),
    )


def merge(one: Totals, other: Totals) -> Totals:
    """Return the greatest of every counter and the union of every set."""
    return Totals(
        vis=max(one.vis, other.vis),
        eng=max(one.eng, other.eng),
        ret=max(one.ret, other.ret),
        sil=max(one.sil, other.sil),
        blur=max(one.blur, other.blur),
        idle=max(one.idle, other.idle),
        gap=max(one.gap, other.gap),
        vid=max(one.vid, other.vid),
        depth=max(one.depth, other.depth),
        touched=one.touched or other.touched,
        debt=max(one.debt, other.debt),
        tail=max(one.tail, other.tail, key=Tail.key),
        numbers=runs(one.numbers + other.numbers),
        events=runs(one.events + other.events),
        spans=union(one.spans, other.spans),
        sections=_merge_sections(one.sections, other.sections),
    )


def refusal(beat: Beat, known: Totals, *, elapsed: int) -> Drop | None:
    """Return why the server's clock or the stored totals speak against a snapshot, None where nothing does.

    A reader's visible time cannot exceed the time since the page was made, nor grow by more than the time since the
    snapshot it grew from. The second bound is kept as a debt (time known not to have been visible, which never
    shrinks), so it binds a liar and never a late or reordered message.
    """
    if beat.vis > elapsed + SLACK_MS:
        return Drop.AHEAD_OF_CLOCK
    if beat.vis > known.vis and elapsed - beat.vis < known.debt - SLACK_MS:
        return Drop.GREW_TOO_FAST
    return None


def is_sound(totals: Totals) -> bool:
    """Tell whether merged counters still fit one another within 250 ms."""
    return (
        totals.eng + totals.blur + totals.idle <= totals.vis + AGREEMENT_MS
        and totals.ret <= totals.eng + AGREEMENT_MS
        and totals.vid <= totals.vis + AGREEMENT_MS
        and sum(section.attention for section in totals.sections.values()) <= totals.eng + AGREEMENT_MS
    )


def bracket(totals: Totals, *, grace_ms: int) -> Bracket:
    """Return the bracket of a view's dwell: `eng - ret - grace * sil` to `vis`."""
    return Bracket(max(0, totals.eng - totals.ret - grace_ms * totals.sil), totals.vis)


def dump(totals: Totals) -> dict[str, Any]:
    """Return totals as the JSON stored with a view; at most 200 runs of numbers and 32 spans are kept."""
    tail = totals.tail
    return {
        "c": [totals.vis, totals.eng, totals.ret, totals.sil, totals.blur, totals.idle, totals.gap, totals.vid],
        "depth": totals.depth,
        "in": int(totals.touched),
        "debt": totals.debt,
        "tail": [tail.age, tail.n, tail.pend, tail.wall],
        "n": [list(run) for run in fewer(totals.numbers, _MOST_RUNS)],
        "ev": [list(run) for run in fewer(totals.events, _MOST_RUNS)],
        "at": [list(span) for span in fewer(totals.spans, MAX_SPANS)],
        "sec": {key: [s.attention, s.seen, s.first, s.times, s.passed] for key, s in sorted(totals.sections.items())},
    }


def load(stored: Mapping[str, Any] | None) -> Totals:
    """Return the totals that `dump` wrote; nothing stored is nothing known."""
    if stored is None:
        return Totals()
    vis, eng, ret, sil, blur, idle, gap, vid = stored["c"]
    return Totals(
        vis=vis,
        eng=eng,
        ret=ret,
        sil=sil,
        blur=blur,
        idle=idle,
        gap=gap,
        vid=vid,
        depth=stored["depth"],
        touched=stored["in"] == 1,
        debt=stored["debt"],
        tail=Tail(*stored["tail"]),
        numbers=tuple((first, last) for first, last in stored["n"]),
        events=tuple((first, last) for first, last in stored["ev"]),
        spans=tuple((start, end) for start, end in stored["at"]),
        sections={key: Section(*counters) for key, counters in stored["sec"].items()},
    )


def fewer(spans: Spans, most: int) -> Spans:
    """Return at most `most` spans, the narrowest gaps closed first."""
    kept = list(spans)
    while len(kept) > most:
        narrow = min(range(1, len(kept)), key=lambda place: kept[place][0] - kept[place - 1][1])
        kept[narrow - 1 : narrow + 1] = [(kept[narrow - 1][0], kept[narrow][1])]
    return tuple(kept)


def _merge_sections(one: Mapping[str, Section], other: Mapping[str, Section]) -> dict[str, Section]:
    merged = dict(one)
    for key, theirs in other.items():
        mine = merged.get(key, _NO_SECTION)
        merged[key] = Section(
            max(mine.attention, theirs.attention),
            max(mine.seen, theirs.seen),
            max(mine.first, theirs.first),
            max(mine.times, theirs.times),
            max(mine.passed, theirs.passed),
        )
    return merged
