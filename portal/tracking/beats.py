"""The wire: one beat is one text/plain POST of at most 4 KB, a full snapshot of a view's counters as JSON. Pure.

::

    {"v": 1, "c": credential, "n": number, "o": copy, "t": age, "w": wall clock,
     "vis": ms, "eng": ms, "ret": ms, "sil": count, "blur": ms, "idle": ms, "gap": ms, "pend": ms,
     "vid": ms, "depth": percent, "in": 0 or 1, "spans": [from, to, from, to, ...],
     "sec": {section: [attention ms, seen ms, rank of first reading, readings, passed 0 or 1]},
     "ev": [[number, type, subject, value or null, version or null]]}

`t` is the monotonic age of the view in ms when the snapshot was taken, `w` the reader's wall clock in ms (shown,
never subtracted), `o` is 0, or when the browser restored an old copy of the page, the moment of that restoring. `spans`
are the ages in ms between which engaged time was credited.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from portal.tracking.drops import Drop

WIRE = 1
MAX_BYTES = 4096
MAX_SECTIONS = 64
MAX_EVENTS = 64
MAX_SPANS = 32
CLOSED_AFTER_MS = 48 * 3_600_000
AGREEMENT_MS = 250

_SLACK_MS = 600_000  # a reader's clock may run a little faster than ours over two days
_COUNTERS = ("vis", "eng", "ret", "sil", "blur", "idle", "gap", "pend", "vid")
_NAMES = frozenset({"v", "c", "n", "o", "t", "w", *_COUNTERS, "depth", "in", "spans", "sec", "ev"})
_LONGEST_MS = CLOSED_AFTER_MS + _SLACK_MS
_MOST_BEATS = 250_000
_MOST_EVENTS_EVER = 99_999  # from here on numbers are the server's own
_LATEST_WALL = 1 << 43  # ms; the year 2248
_WORD_SHAPE = re.compile(r"[a-z0-9][a-z0-9._:#+-]{0,119}", re.ASCII)
_NO_WORD = "?"
_CREDENTIAL_SHAPE = re.compile(r"[A-Za-z0-9_.-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Section:
    """What one section got: attention and seen in ms, rank of first reading (0: none), readings, passed by (0, 1)."""

    attention: int
    seen: int
    first: int
    times: int
    passed: int


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One event of a view: its number, declared type, subject, value and version."""

    no: int
    type: str
    subject: str
    value: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """One well-formed message; times in whole ms."""

    credential: str
    n: int
    copy: int
    age: int
    wall: int
    vis: int
    eng: int
    ret: int
    sil: int
    blur: int
    idle: int
    gap: int
    pend: int
    vid: int
    depth: int
    touched: bool
    spans: tuple[tuple[int, int], ...]
    sections: Mapping[str, Section]
    events: tuple[Occurrence, ...]


class _Refused(Exception):
    def __init__(self, drop: Drop) -> None:
        super().__init__(drop)
        self.drop = drop


def parse(raw: bytes) -> Beat | Drop:
    """Return the beat in `raw`, or the reason why it is none; never raises."""
    if len(raw) > MAX_BYTES:
        return Drop.TOO_LARGE
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return Drop.NOT_TEXT
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except _Refused as refused:
        return refused.drop
    except (ValueError, RecursionError):  # JSONDecodeError, over-long integers, brackets without end
        return Drop.NOT_JSON
    try:
        return _beat(value)
    except _Refused as refused:
        return refused.drop


def _beat(value: Any) -> Beat:
    if type(value) is not dict or value.keys() != _NAMES or value["v"] != WIRE or type(value["v"]) is not int:
        raise _Refused(Drop.WRONG_SHAPE)
    credential = value["c"]
    if type(credential) is not str or not _CREDENTIAL_SHAPE.fullmatch(credential):
        raise _Refused(Drop.WRONG_SHAPE)
    vis, eng, ret, sil, blur, idle, gap, pend, vid = (_whole(value[name], _LONGEST_MS) for name in _COUNTERS)
    beat = Beat(
        credential=credential,
        n=_whole(value["n"], _MOST_BEATS),
        copy=_whole(value["o"], _LATEST_WALL),
        age=_whole(value["t"], _LONGEST_MS),
        wall=_whole(value["w"], _LATEST_WALL),
        vis=vis,
        eng=eng,
        ret=ret,
        sil=sil,
        blur=blur,
        idle=idle,
        gap=gap,
        pend=pend,
        vid=vid,
        depth=_whole(value["depth"], 100),
        touched=_whole(value["in"], 1) == 1,
        spans=_spans(value["spans"]),
        sections=_sections(value["sec"]),
        events=_events(value["ev"]),
    )
    if beat.n < 1:
        raise _Refused(Drop.OUT_OF_RANGE)
    if not agrees(beat):
        raise _Refused(Drop.DISAGREES)
    return beat


def agrees(beat: Beat) -> bool:
    """Tell whether the counters of one snapshot fit one another within 250 ms."""
    return (
        abs(beat.vis - beat.eng - beat.pend - beat.blur - beat.idle) <= AGREEMENT_MS
        and beat.ret <= beat.eng + AGREEMENT_MS
        and beat.vis + beat.gap <= beat.age + AGREEMENT_MS
        and (not beat.spans or beat.spans[-1][1] <= beat.age + AGREEMENT_MS)
        and beat.vid <= beat.vis + AGREEMENT_MS
        and sum(section.attention for section in beat.sections.values()) <= beat.eng + AGREEMENT_MS
        and all(section.seen <= beat.vis + AGREEMENT_MS for section in beat.sections.values())
    )


def _spans(value: Any) -> tuple[tuple[int, int], ...]:
    if type(value) is not list or len(value) % 2 or len(value) > 2 * MAX_SPANS:
        raise _Refused(Drop.WRONG_SHAPE)
    ages = [_whole(age, _LONGEST_MS) for age in value]
    if ages != sorted(ages):
        raise _Refused(Drop.OUT_OF_RANGE)
    return tuple(zip(ages[::2], ages[1::2], strict=True))


def _sections(value: Any) -> dict[str, Section]:
    if type(value) is not dict:
        raise _Refused(Drop.WRONG_SHAPE)
    if len(value) > MAX_SECTIONS:
        raise _Refused(Drop.TOO_MANY_SECTIONS)
    found: dict[str, Section] = {}
    for key, counters in value.items():
        if type(counters) is not list or len(counters) != 5:
            raise _Refused(Drop.WRONG_SHAPE)
        attention, seen, first, times, passed = counters
        found[key] = Section(
            _whole(attention, _LONGEST_MS),
            _whole(seen, _LONGEST_MS),
            _whole(first, MAX_SECTIONS),
            _whole(times, _MOST_BEATS),
            _whole(passed, 1),
        )
    return found


def _events(value: Any) -> tuple[Occurrence, ...]:
    if type(value) is not list:
        raise _Refused(Drop.WRONG_SHAPE)
    if len(value) > MAX_EVENTS:
        raise _Refused(Drop.TOO_MANY_EVENTS)
    found: list[Occurrence] = []
    last = 0
    for row in value:
        if type(row) is not list or len(row) != 5:
            raise _Refused(Drop.WRONG_SHAPE)
        no, *words = row
        no = _whole(no, _MOST_EVENTS_EVER)
        if no <= last:
            raise _Refused(Drop.OUT_OF_RANGE)
        last = no
        found.append(Occurrence(no, *(_word(word) for word in words)))
    return tuple(found)


def _whole(value: Any, most: int) -> int:
    if type(value) is not int:  # a bool is an int to isinstance
        raise _Refused(Drop.WRONG_SHAPE)
    if not 0 <= value <= most:
        raise _Refused(Drop.OUT_OF_RANGE)
    return value


def _word(value: Any) -> str:
    # What cannot be a declared word becomes one that the registry does not know: the event goes, the dwell stays.
    if value is None:
        return ""
    return value if type(value) is str and _WORD_SHAPE.fullmatch(value) else _NO_WORD


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused(Drop.NOT_JSON)
    return found


def _no_constant(_name: str) -> NoReturn:
    raise _Refused(Drop.NOT_JSON)
