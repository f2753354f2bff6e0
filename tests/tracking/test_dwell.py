"""Merging and bounds: whatever happens to messages on their way, nothing is added and nothing kept is lost."""

from functools import reduce
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.tracking.beats import AGREEMENT_MS
from portal.tracking.drops import Drop
from portal.tracking.dwell import SLACK_MS, Totals, bracket, dump, is_sound, load, merge, refusal, totals_of
from portal.tracking.spans import length
from tests.tracking.timelines import Timeline, beat, timelines

NOTHING = Totals()
LATE = 10_000_000


def all_of(messages: list[dict[str, Any]]) -> list[Totals]:
    return [totals_of(beat(message), elapsed=message["t"] + 500) for message in messages]


two = st.tuples(timelines(), timelines())


@given(two)
def test_merging_is_commutative(lines: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    for one, other in zip(all_of(lines[0]), all_of(lines[1]), strict=False):
        assert merge(one, other) == merge(other, one)


@given(st.tuples(timelines(4), timelines(4), timelines(4)))
def test_merging_is_associative(lines: tuple[list[dict[str, Any]], ...]) -> None:
    a, b, c = (all_of(line)[-1] for line in lines)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(timelines())
def test_merging_is_idempotent_and_nothing_is_neutral(messages: list[dict[str, Any]]) -> None:
    for one in all_of(messages):
        assert merge(one, one) == one
        assert merge(one, NOTHING) == one


@given(timelines(), st.data())
def test_doubled_and_shuffled_messages_leave_the_same_totals(
    messages: list[dict[str, Any]], data: st.DataObject
) -> None:
    totals = all_of(messages)
    extra = data.draw(st.lists(st.sampled_from(totals), max_size=6))
    shuffled = data.draw(st.permutations(totals + extra))
    assert reduce(merge, shuffled, NOTHING) == reduce(merge, totals, NOTHING)


@given(timelines(), st.data())
def test_lost_messages_never_add_and_the_newest_tells_all(messages: list[dict[str, Any]], data: st.DataObject) -> None:
    totals = all_of(messages)
    kept = data.draw(st.lists(st.sampled_from(totals), min_size=1))
    some, whole = reduce(merge, kept, NOTHING), reduce(merge, totals, NOTHING)
    for name in ("vis", "eng", "ret", "sil", "blur", "idle", "gap", "vid"):
        assert getattr(some, name) <= getattr(whole, name)
        assert getattr(whole, name) == getattr(totals[-1], name)
    assert is_sound(some)


@given(timelines())
def test_an_honest_reader_is_never_refused_however_late_or_shuffled(messages: list[dict[str, Any]]) -> None:
    beats = [beat(message) for message in messages]
    for order in (beats, beats[::-1], beats[1::2] + beats[::2]):
        known = NOTHING
        latest = 0
        for each in order:
            latest = max(latest, each.age)  # nothing arrives before it was made
            assert refusal(each, known, elapsed=latest) is None
            known = merge(known, totals_of(each, elapsed=latest))
            assert is_sound(known)


@given(timelines())
def test_counters_add_up_at_every_message(messages: list[dict[str, Any]]) -> None:
    for totals in all_of(messages):
        parts = totals.eng + totals.pend + totals.blur + totals.idle
        assert abs(totals.vis - parts) <= AGREEMENT_MS
        assert sum(section.attention for section in totals.sections.values()) == totals.eng


@given(timelines())
def test_the_bracket_holds_the_dwell(messages: list[dict[str, Any]]) -> None:
    for totals in all_of(messages):
        edges = bracket(totals, grace_ms=5000)
        assert 0 <= edges.proven <= totals.eng <= edges.visible


@given(timelines())
def test_what_is_stored_is_what_was_merged(messages: list[dict[str, Any]]) -> None:
    merged = reduce(merge, all_of(messages), NOTHING)
    assert load(dump(merged)) == merged
    assert load(None) == NOTHING


@given(timelines(40))
def test_spans_stay_in_order_and_apart(messages: list[dict[str, Any]]) -> None:
    merged = reduce(merge, all_of(messages), NOTHING)
    assert all(one[1] < other[0] for one, other in pairwise(merged.spans))
    assert length(merged.spans) >= merged.eng - merged.ret - AGREEMENT_MS


def claim(vis: int, *, age: int, n: int = 1) -> dict[str, Any]:
    line = Timeline(n=n - 1)
    line.live("hidden", age - vis, "efficacy")
    line.live("read", vis, "efficacy")
    return line.message()


def test_visible_time_cannot_run_ahead_of_the_clock() -> None:
    liar = beat(claim(60_000, age=60_000))
    assert refusal(liar, NOTHING, elapsed=60_000 - SLACK_MS) is None
    assert refusal(liar, NOTHING, elapsed=60_000 - SLACK_MS - 1) is Drop.AHEAD_OF_CLOCK


def test_visible_time_cannot_grow_faster_than_the_clock() -> None:
    hidden_for_an_hour = totals_of(beat(claim(1000, age=3_600_000)), elapsed=3_600_000)
    second = beat(claim(12_000, age=3_610_000, n=2))
    assert refusal(second, hidden_for_an_hour, elapsed=3_610_000) is None
    liar = beat(claim(900_000, age=3_610_000, n=2))
    assert refusal(liar, hidden_for_an_hour, elapsed=3_610_000) is Drop.GREW_TOO_FAST


def test_a_message_that_was_held_up_is_no_lie() -> None:
    early = totals_of(beat(claim(1000, age=1000)), elapsed=60_000)  # taken after a second, arrived after a minute
    assert refusal(beat(claim(60_000, age=60_000, n=9)), early, elapsed=60_010) is None


def test_lies_in_parts_are_seen_together() -> None:
    one = Timeline()
    one.live("read", 9000, "efficacy")
    other = Timeline()
    other.live("read", 9000, "safety")
    merged = merge(*(totals_of(beat(line.message()), elapsed=LATE) for line in (one, other)))
    assert not is_sound(merged)
