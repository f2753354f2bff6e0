"""A weak module is named with its evidence; a sound one, or one too little is known of, is not."""

from __future__ import annotations

import random
from dataclasses import replace

from portal.personalize.underperform import Record, Weakness, beside, underperforming


def site(chance: random.Random, size: int = 12, pages: int = 300) -> list[Record]:
    """Modules that are all alike: passed by more the further down they stand, read at one pace."""
    records = []
    for number in range(size):
        by_place = {}
        for place in range(max(1, number - 1), number + 3):
            shown = pages // 4
            by_place[place] = (shown, sum(chance.random() < 0.1 + 0.05 * place for _ in range(shown)))
        words = 100 + 50 * number
        dwell = tuple(round(words / 200 * 60_000 * chance.lognormvariate(-0.5, 0.6)) for _ in range(60))
        useful = sum(chance.random() < 0.7 for _ in range(25))
        records.append(Record(f"m{number}", "v1", words, by_place, dwell, useful, 25 - useful))
    return records


def found_in(records: list[Record]) -> list[tuple[str, Weakness]]:
    return [(weak.module, weak.kind) for weak in underperforming(records)]


def test_among_modules_all_alike_hardly_ever_one_is_named() -> None:
    named = sum(bool(found_in(site(random.Random(world)))) for world in range(60))
    assert named <= 6  # of 60 sites, 3 expected at this level


def test_each_weakness_is_named_with_its_evidence() -> None:
    records = site(random.Random(7))
    passed = {place: (shown, round(shown * 0.9)) for place, (shown, _) in records[2].by_place.items()}
    records[2] = replace(records[2], by_place=passed)
    records[5] = replace(records[5], dwell_ms=tuple(ms // 3 for ms in records[5].dwell_ms))
    records[8] = replace(records[8], useful=4, not_useful=26)
    weak = {one.module: one for one in underperforming(records)}
    assert {module: one.kind for module, one in weak.items()} == {
        "m2": Weakness.SKIPPED,
        "m5": Weakness.SHORT_DWELL,
        "m8": Weakness.NOT_USEFUL,
    }
    assert weak["m2"].text.startswith("Passed by on 272 of 300 pages; at its places ")
    assert "for 350 words" in weak["m5"].text
    assert weak["m8"].text.startswith("Found useful by 4 of 30 who answered; ")


def test_standing_far_down_is_no_weakness() -> None:
    records = site(random.Random(3), size=4)
    low = {place: (200, round(200 * (0.1 + 0.05 * place))) for place in (14, 15)}
    records.append(Record("low", "v1", by_place=low))
    records.append(Record("lower", "v1", by_place=low))
    assert [module for module, _ in found_in(records)] == []


def test_a_few_doctors_prove_nothing() -> None:
    records = site(random.Random(1))
    records.append(Record("new", "v1", 300, {1: (29, 29)}, (100,) * 19, 0, 7))
    assert "new" not in [module for module, _ in found_in(records)]
    assert underperforming([]) == ()
    assert underperforming([Record("alone", "v1", 300, {1: (500, 500)}, (5,) * 90, 0, 90)]) == ()


def test_a_newer_version_stands_beside_the_older() -> None:
    old = Record("m", "v1", 300, {1: (100, 60)}, (20_000,) * 30, 5, 15)
    new = Record("m", "v2", 300, {1: (100, 30)}, (45_000,) * 30, 15, 5)
    compared = beside(old, new)
    assert compared.skipped is not None
    assert compared.skipped.high < 0
    assert compared.useful is not None
    assert compared.useful.low > 0
    assert compared.typical_ms == (20_000, 45_000)
    assert beside(old, Record("m", "v3")) == (None, None, (20_000, None))
