"""L3: one purpose, one salt; one spelling; a ring of keys; mangled tokens open nothing."""

import random
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.access.tokens import LONGEST, Purpose, TokenBox, TokenRefused

OLD, NEW = "old-" + "a" * 32, "new-" + "b" * 32
ROW = "0123456789abcdef" * 2
AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
BOX = TokenBox((OLD, NEW))
GOOD = BOX.for_id(Purpose.LINK, ROW)
ALPHABET = string.ascii_letters + string.digits + "-_=.%'>)/+ é\x00"


def test_a_token_gives_its_id_back() -> None:
    assert BOX.read_id(Purpose.LINK, GOOD) == ROW


def test_a_token_fits_a_mail() -> None:
    assert len(GOOD) <= 100
    assert "." not in GOOD
    assert GOOD[-1].isalnum()
    assert GOOD.islower() or GOOD.isalnum()


def test_no_purpose_passes_for_another() -> None:
    for made in Purpose:
        token = BOX.for_id(made, ROW)
        for asked in Purpose:
            if asked is made:
                assert BOX.read_id(asked, token) == ROW
            else:
                with pytest.raises(TokenRefused):
                    BOX.read_id(asked, token)


def test_an_old_key_still_opens_and_the_newest_signs() -> None:
    before = TokenBox((OLD,)).for_id(Purpose.LINK, ROW)
    assert BOX.read_id(Purpose.LINK, before) == ROW
    with pytest.raises(TokenRefused):
        TokenBox((NEW,)).read_id(Purpose.LINK, before)
    assert TokenBox((NEW,)).read_id(Purpose.LINK, GOOD) == ROW


def test_a_door_nonce_carries_link_and_moment() -> None:
    nonce = BOX.read_door_nonce(BOX.door_nonce(ROW, at=AT))
    assert (nonce.link_id, nonce.shown_at) == (ROW, AT)
    assert BOX.door_nonce(ROW, at=AT) != BOX.door_nonce(ROW, at=AT)


@pytest.mark.parametrize("tail", ["%27", "'", ">", ")", ".", "=", "==", "/", " ", "\n", "a"])
def test_what_mail_filters_append_opens_nothing(tail: str) -> None:
    with pytest.raises(TokenRefused):
        BOX.read_id(Purpose.LINK, GOOD + tail)


def test_every_single_character_change_is_refused() -> None:
    for place in range(len(GOOD)):
        for other in "a2z7":
            if other != GOOD[place]:
                with pytest.raises(TokenRefused):
                    BOX.read_id(Purpose.LINK, GOOD[:place] + other + GOOD[place + 1 :])


def test_another_spelling_of_the_same_token_is_refused() -> None:
    for spelling in (GOOD.upper(), GOOD + "=" * (-len(GOOD) % 8), GOOD.replace("a", "A", 1)):
        if spelling != GOOD:
            with pytest.raises(TokenRefused):
                BOX.read_id(Purpose.LINK, spelling)


@given(st.text(max_size=LONGEST * 2))
def test_any_text_is_refused_and_never_an_error(text: str) -> None:
    with pytest.raises(TokenRefused):
        BOX.read_id(Purpose.LINK, text)
    with pytest.raises(TokenRefused):
        BOX.read_door_nonce(text)


def test_twenty_thousand_mangled_tokens_open_nothing() -> None:
    assert mangled(20_000, seed=7) == 0


def mangled(count: int, *, seed: int) -> int:
    """The number of accepted tokens among `count` mangled ones."""
    chance = random.Random(seed)
    accepted = 0
    for _ in range(count):
        token = list(GOOD)
        for _ in range(chance.randint(1, 4)):
            place, deed = chance.randrange(len(token)), chance.randrange(4)
            if deed == 0:
                token[place] = chance.choice(ALPHABET)
            elif deed == 1:
                token.insert(place, chance.choice(ALPHABET))
            elif deed == 2 and len(token) > 1:
                del token[place]
            else:
                other = chance.randrange(len(token))
                token[place], token[other] = token[other], token[place]
        text = "".join(token)
        if text == GOOD:
            continue
        try:
            BOX.read_id(Purpose.LINK, text)
        except TokenRefused:
            continue
        accepted += 1
    return accepted
