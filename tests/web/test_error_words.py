"""Every error page says what happened and what to do."""

import pytest

from portal.web.error_words import ERROR_WORDS, words_for


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503])
def test_an_error_has_words_of_its_own(status: int) -> None:
    words = words_for(status)
    assert words is ERROR_WORDS[status]
    assert words.title
    assert words.happened.endswith(".")
    assert words.next.endswith(".")


def test_an_unlisted_error_gets_the_words_of_its_side() -> None:
    assert words_for(418) is ERROR_WORDS[400]
    assert words_for(507) is ERROR_WORDS[500]
