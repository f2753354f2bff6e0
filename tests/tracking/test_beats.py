"""The wire: what is one beat is taken, everything else has a named reason and never raises."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.tracking.beats import MAX_BYTES, Beat, parse
from portal.tracking.drops import MALFORMED, Drop
from tests.tracking.malformed import malformed_beats
from tests.tracking.timelines import Timeline, raw, timelines


def message(**changes: Any) -> dict[str, Any]:
    line = Timeline()
    line.live("read", 4000, "efficacy")
    return line.message() | changes


def test_an_honest_beat_is_taken_as_it_is() -> None:
    parsed = parse(raw(message()))
    assert isinstance(parsed, Beat)
    assert (parsed.n, parsed.vis, parsed.eng, parsed.touched) == (1, 4000, 4000, True)
    assert parsed.sections["efficacy"].attention == 4000
    assert parsed.spans == ((0, 4000),)


@given(timelines())
def test_every_beat_of_every_honest_reader_is_taken(messages: list[dict[str, Any]]) -> None:
    for each in messages:
        assert isinstance(parse(raw(each)), Beat)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", Drop.NOT_JSON),
        (b"\xff\xfe", Drop.NOT_TEXT),
        (b"{" * 4000, Drop.NOT_JSON),
        (b"[" * 4000, Drop.NOT_JSON),
        (b"9" * 4090, Drop.WRONG_SHAPE),
        (b"NaN", Drop.NOT_JSON),
        (b'{"v":1,"v":1}', Drop.NOT_JSON),
        (b"null", Drop.WRONG_SHAPE),
        (b"[]", Drop.WRONG_SHAPE),
        (b" " * (MAX_BYTES + 1), Drop.TOO_LARGE),
        (raw(message()).replace(b'"vis"', b'"via"'), Drop.WRONG_SHAPE),
        (raw(message(v=2)), Drop.WRONG_SHAPE),
        (raw(message(v=True)), Drop.WRONG_SHAPE),
        (raw(message(more=1)), Drop.WRONG_SHAPE),
        (raw(message(c="")), Drop.WRONG_SHAPE),
        (raw(message(c="é")), Drop.WRONG_SHAPE),
        (raw(message(n=0)), Drop.OUT_OF_RANGE),
        (raw(message(n=-1)), Drop.OUT_OF_RANGE),
        (raw(message(n=True)), Drop.WRONG_SHAPE),
        (raw(message(n=1.0)), Drop.WRONG_SHAPE),
        (raw(message(vis=10**30)), Drop.OUT_OF_RANGE),
        (raw(message(vis="4000")), Drop.WRONG_SHAPE),
        (raw(message(vis=None)), Drop.WRONG_SHAPE),
        (raw(message(eng=5000)), Drop.DISAGREES),
        (raw(message(ret=5000)), Drop.DISAGREES),
        (raw(message(vid=5000)), Drop.DISAGREES),
        (raw(message(t=1000)), Drop.DISAGREES),
        (raw(message(spans=[0, 9000])), Drop.DISAGREES),
        (raw(message(spans=[0])), Drop.WRONG_SHAPE),
        (raw(message(spans=[5, 1])), Drop.OUT_OF_RANGE),
        (raw(message(spans=[0, 1] * 33)), Drop.WRONG_SHAPE),
        (raw(message(depth=101)), Drop.OUT_OF_RANGE),
        (raw(message(**{"in": 2})), Drop.OUT_OF_RANGE),
        (raw(message(sec=[])), Drop.WRONG_SHAPE),
        (raw(message(sec={"a": [1]})), Drop.WRONG_SHAPE),
        (raw(message(sec={"a": [9000, 0, 0, 0, 0]})), Drop.DISAGREES),
        (raw(message(sec={"a": [0, 9000, 0, 0, 0]})), Drop.DISAGREES),
        (raw(message(sec={"a": [0, 0, 0, 0, 2]})), Drop.OUT_OF_RANGE),
        (raw(message(sec={f"s{i}": [0, 0, 0, 0, 0] for i in range(65)})), Drop.TOO_MANY_SECTIONS),
        (raw(message(ev={})), Drop.WRONG_SHAPE),
        (raw(message(ev=[[1, "a"]])), Drop.WRONG_SHAPE),
        (raw(message(ev=[[2, "a", "b", None, None], [1, "a", "b", None, None]])), Drop.OUT_OF_RANGE),
        (raw(message(ev=[[i, "a", "b", None, None] for i in range(1, 66)])), Drop.TOO_MANY_EVENTS),
    ],
    ids=range(43),
)
def test_what_is_no_beat_has_a_named_reason(sent: bytes, reason: Drop) -> None:
    assert parse(sent) is reason
    assert reason in MALFORMED


def test_an_event_that_no_registry_can_know_costs_no_dwell() -> None:
    parsed = parse(raw(message(ev=[[1, "Typed by hand", 7, {"a": 1}, "\ud800"]])))
    assert isinstance(parsed, Beat)
    assert parsed.events[0].type == "?"


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(sent: bytes) -> None:
    assert isinstance(parse(sent), Drop)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@given(field=st.sampled_from(sorted(message())), value=_JSON)
def test_no_value_in_any_field_makes_it_raise(field: str, value: Any) -> None:
    parsed = parse(json.dumps(message(**{field: value})).encode())
    assert isinstance(parsed, Beat | Drop)


def test_five_thousand_mangled_beats_are_refused_by_name_or_whole() -> None:
    for sent in malformed_beats(random.Random(11), message(), 5000):
        assert isinstance(parse(sent), Beat | Drop)
