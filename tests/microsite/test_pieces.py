"""A page is a tree of pieces that joins to the same bytes again."""

import json

from hypothesis import given
from hypothesis import strategies as st

from portal.microsite.pieces import fragment_hash, hashes, join, slot, use, without_marks

TEXT = st.text(max_size=40).map(without_marks)


def test_slots_are_filled_in_place() -> None:
    shell = f"<main>{slot('cards')}</main><footer>{slot('block:isi')}</footer>"
    card = f"<p>{slot('reason')}</p>"
    stored = {fragment_hash(shell): shell, fragment_hash(card): card}
    pieces = [use(fragment_hash(shell), {"cards": [use(fragment_hash(card), {"reason": ["because"]}), "!"]})]
    assert join(pieces, stored) == "<main><p>because</p>!</main><footer></footer>"
    assert hashes(pieces) == set(stored)


def test_a_literal_cannot_open_a_slot() -> None:
    assert slot("cards") not in without_marks(f"typed {slot('cards')}")


@given(TEXT, TEXT, TEXT)
def test_stored_as_json_and_joined_again_it_is_the_same(before: str, filling: str, after: str) -> None:
    fragment = before + slot("x") + after
    stored = {fragment_hash(fragment): fragment}
    pieces = [use(fragment_hash(fragment), {"x": [filling]})]
    again = json.loads(json.dumps(pieces))
    assert join(again, stored) == before + filling + after
