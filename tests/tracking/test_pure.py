"""Credential, registry, credits, funnel, spans: the small pure parts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.tracking import events, method
from portal.tracking.beats import Occurrence
from portal.tracking.credential import Mint, ms_of
from portal.tracking.credits import Layout, ServedSection, credit
from portal.tracking.drops import MALFORMED, TRIMMED, Drop
from portal.tracking.dwell import Totals, totals_of
from portal.tracking.funnel import Admitted, Kept, admit, keep, status_of
from portal.tracking.spans import length, overlap, runs, shifted, union
from tests.tracking.timelines import Timeline, beat, raw

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
VIEW = "ab" * 16
MINT = Mint(["old" * 12, "new" * 12])
SERVED = (
    ServedSection("efficacy", "efficacy", "v1", ("data", "outcomes"), 100),
    ServedSection("safety", "safety", "v2", ("safety",), 60),
    ServedSection("safety#renal", "safety", "v2", ("safety", "renal"), 20),
)
LAYOUT = Layout.of(SERVED)


def credential(mint: Mint = MINT, at: datetime = AT) -> str:
    return mint.credential(VIEW, nonce="0" * 12, at=at)


def test_a_credential_names_view_and_moment() -> None:
    ticket = MINT.read(credential())
    assert ticket is not None
    assert (ticket.view_id, ticket.issued_ms) == (VIEW, ms_of(AT))


def test_an_older_key_of_the_ring_still_opens_and_a_removed_one_does_not() -> None:
    old = credential(Mint(["old" * 12]))
    assert MINT.read(old) is not None
    assert Mint(["new" * 12]).read(old) is None


@given(st.integers(0, 98), st.sampled_from("0123456789abcdefXYZ_-."))
def test_a_changed_character_opens_nothing(place: int, other: str) -> None:
    good = credential()
    changed = good[:place] + other + good[place + 1 :]
    # The last character of a 32-byte signature carries four bits: the other spellings of them are read alike.
    assert changed == good or place == 98 or MINT.read(changed) is None


def message(line: Timeline, **changes: object) -> bytes:
    return raw(line.message() | {"c": credential()} | changes)


def line_of(ms: int = 4000, section: str = "efficacy") -> Timeline:
    line = Timeline()
    line.live("read", ms, section)
    return line


@pytest.mark.parametrize(
    ("after_ms", "reason"),
    [(-4000, Drop.NOT_YET), (48 * 3_600_000 + 1, Drop.CLOSED)],
)
def test_the_funnel_looks_at_the_age_of_a_view(after_ms: int, reason: Drop) -> None:
    assert admit(message(line_of()), MINT, now_ms=ms_of(AT) + after_ms) is reason


def test_the_funnel_knows_how_often_the_script_can_speak() -> None:
    assert isinstance(admit(message(line_of(), n=76), MINT, now_ms=ms_of(AT) + 4000), Admitted)
    assert admit(message(line_of(), n=77), MINT, now_ms=ms_of(AT) + 4000) is Drop.TOO_FAST


def test_a_forged_credential_stops_the_script() -> None:
    forged = Mint(["x" * 36]).credential(VIEW, nonce="0" * 12, at=AT)
    assert admit(message(line_of(), c=forged), MINT, now_ms=ms_of(AT) + 4000) is Drop.BAD_CREDENTIAL
    assert status_of(Drop.BAD_CREDENTIAL) == 410


def kept(line: Timeline, known: Totals | None = None, **changes: object) -> Kept | Drop:
    admitted = admit(message(line, **changes), MINT, now_ms=ms_of(AT) + line.age + 100)
    assert isinstance(admitted, Admitted)
    return keep(admitted, known or Totals(), allowed={section.key for section in SERVED}, refused=(13,))


def test_sections_of_another_page_are_trimmed_and_counted() -> None:
    outcome = kept(line_of(), sec={"efficacy": [1000, 1000, 1, 1, 0], "elsewhere": [3000, 3000, 2, 1, 0]})
    assert isinstance(outcome, Kept)
    assert set(outcome.totals.sections) == {"efficacy"}
    assert outcome.trimmed == (Drop.UNKNOWN_SECTION,)


def test_a_refused_number_stays_refused() -> None:
    assert kept(line_of(), n=13) is Drop.SPENT_NUMBER


def test_an_event_comes_once() -> None:
    line = line_of()
    line.live("calculate", 10, "efficacy")
    first = kept(line)
    assert isinstance(first, Kept)
    assert [event.value for event in first.events] == ["g1"]
    again = kept(line, first.totals)
    assert isinstance(again, Kept)
    assert again.events == ()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Occurrence(1, "calculator.completed", "ckd_epi_2021_cr", "g3a", "2"), None),
        (Occurrence(1, "calculator.completed", "ckd_epi_2021_cr"), None),
        (Occurrence(1, "module.useful", "safety", "yes"), None),
        (Occurrence(1, "search.done", "modules", "12"), None),
        (Occurrence(1, "module.useful", "safety", "very"), Drop.UNDECLARED_VALUE),
        (Occurrence(1, "module.saved", "safety", "why"), Drop.UNDECLARED_VALUE),
        (Occurrence(1, "calculator.completed", "ckd_epi_2021_cr", "72.4"), Drop.UNDECLARED_VALUE),
        (Occurrence(1, "calculator.opened", "Dr Who"), Drop.UNDECLARED_VALUE),
        (Occurrence(1, "search.done", "atorvastatin 80mg"), Drop.UNDECLARED_VALUE),
        (Occurrence(1, "page.scrolled", "home"), Drop.UNDECLARED_EVENT),
        (Occurrence(1, "module.opened", "safety"), Drop.UNDECLARED_EVENT),
        (Occurrence(1, "?", "?"), Drop.UNDECLARED_EVENT),
    ],
)
def test_the_registry_refuses_what_is_not_declared(event: Occurrence, reason: Drop | None) -> None:
    assert events.refusal(event) is reason


def test_every_event_says_why_how_long_and_for_whom() -> None:
    for kind in events.REGISTRY.values():
        assert kind.purpose.endswith(".")
        assert 0 < kind.days <= 730
        assert kind.viewers


def test_every_drop_is_answered_and_named_once() -> None:
    assert len({str(drop) for drop in Drop}) == len(Drop)
    for drop in Drop:
        assert status_of(drop) in (204, 400, 403, 410, 413, 429)
    assert not MALFORMED & TRIMMED


def totals(line: Timeline) -> Totals:
    return totals_of(beat(line.message()), elapsed=line.age)


def test_nothing_is_credited_before_trusted_input_and_then_everything() -> None:
    line = line_of(6000)
    line.touched = False
    before = totals(line)
    assert credit(Totals(), before, LAYOUT) is None
    line.live("read", 2000, "safety#renal")
    won = credit(before, totals(line), LAYOUT)
    assert won is not None
    assert won.modules["efficacy"].eng_ms == 6000
    assert won.modules["efficacy"].reads == 1
    assert won.topics == {"data": 6000, "outcomes": 6000, "safety": 2000, "renal": 2000}


def test_credits_over_any_steps_add_up_to_the_whole() -> None:
    line = line_of(700)
    known = Totals()
    sums: dict[str, int] = {}
    reads = 0
    opened: list[str] = []
    for section, ms in (("efficacy", 900), ("safety", 5200), ("efficacy", 4000), ("safety#renal", 100)):
        line.live("read", ms, section)
        after = totals(line)
        won = credit(known, after, LAYOUT)
        assert won is not None
        for topic, gained in won.topics.items():
            sums[topic] = sums.get(topic, 0) + gained
        reads += sum(part.reads for part in won.modules.values())
        opened += [event.subject for event in won.derived]
        known = after
    whole = credit(Totals(), known, LAYOUT)
    assert whole is not None
    assert whole.topics == sums
    assert reads == 2
    assert opened == ["efficacy", "safety"]


def test_a_module_passed_by_is_a_skip_once() -> None:
    line = line_of(2000)
    line.sections["safety"] = [0, 300, 0, 0, 1]
    first = totals(line)
    won = credit(Totals(), first, LAYOUT)
    assert won is not None
    assert won.modules["safety"].skips == 1
    assert ("module.skipped", "safety") in [(event.type, event.subject) for event in won.derived]
    line.live("read", 1000, "efficacy")
    later = credit(first, totals(line), LAYOUT)
    assert later is not None
    assert "safety" not in later.modules


def test_seconds_of_two_devices_count_once() -> None:
    phone, desk = ((0, 6000), (9000, 10_000)), ((2000, 4000), (9500, 12_000))
    assert overlap([phone, desk]) == 2500
    assert union(phone, desk) == ((0, 6000), (9000, 12_000))
    assert shifted(phone, 5)[0] == (5, 6005)
    assert length(phone) == 7000


def test_numbers_in_a_row_are_one_run() -> None:
    assert runs([(3, 3), (1, 1), (2, 2), (7, 7)]) == ((1, 3), (7, 7))


def test_the_method_is_told_with_the_settings_in_force() -> None:
    told = method.rules(grace_s=7, idle_s=44)
    assert any("7 s" in rule.setting for rule in told)
    assert any("44 s" in rule.setting for rule in told)
    assert any("half-life" in rule.setting for rule in told)
    assert ("data-grace", "7000") in method.attributes(grace_s=7, idle_s=44)
    assert [kind.name for kind in method.registry()] == sorted(events.REGISTRY)
