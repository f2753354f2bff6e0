"""The search language says what it understood and refuses the rest."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit.search import LONGEST, MOST_TERMS, Qualifier, Search, SearchRefused, Span, Term, parse

ACTIONS = frozenset({"link.issued", "link.revoked", "link.opened", "email.sent", "audit.exported", "page.replayed"})
BERLIN = ZoneInfo("Europe/Berlin")


def read(text: str, zone: ZoneInfo | None = None) -> Search:
    return parse(text, zone=zone or ZoneInfo("UTC"), actions=ACTIONS)


def span_of(text: str, zone: ZoneInfo | None = None) -> Span:
    (term,) = read(text, zone).terms
    assert term.span is not None
    return term.span


def test_the_example_of_the_help_is_understood_part_by_part() -> None:
    search = read("actor:anna action:email.sent hcp:H-1021 created:2026-01-01..2026-03-31 -actor:system")
    assert [(term.qualifier, term.value, term.negated) for term in search.terms] == [
        (Qualifier.ACTOR, "anna", False),
        (Qualifier.ACTION, "email.sent", False),
        (Qualifier.HCP, "H-1021", False),
        (Qualifier.CREATED, "2026-01-01..2026-03-31", False),
        (Qualifier.ACTOR, "system", True),
    ]
    assert search.terms[3].span == Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def test_an_empty_search_finds_everything() -> None:
    assert read("") == read("  \t\n ") == Search()


def test_words_and_quoted_phrases_are_kept_apart() -> None:
    assert [term.value for term in read('second "opened   a link" -"not this"').terms] == [
        "second",
        "opened a link",
        "not this",
    ]
    assert read("“opened a link”").terms == (Term(Qualifier.WORD, "opened a link"),)
    assert read('actor:"Anna Keller"').terms == (Term(Qualifier.ACTOR, "Anna Keller"),)


def test_a_noun_alone_means_all_that_happened_to_it() -> None:
    assert read("action:link").terms[0].value == "link.*"
    assert read("ACTION:LINK.*").terms[0].value == "link.*"
    assert read("action:Link.Issued").terms[0].value == "link.issued"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("created:2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        ("created:2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("created:>=2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC), None),
        ("created:>2026-07-01", datetime(2026, 7, 1, 22, tzinfo=UTC), None),
        ("created:<2026-07-01", None, datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("created:<=2026-07-01", None, datetime(2026, 7, 1, 22, tzinfo=UTC)),
        ("created:*..2026-07-01", None, datetime(2026, 7, 1, 22, tzinfo=UTC)),
        ("created:2026-07-01..", datetime(2026, 6, 30, 22, tzinfo=UTC), None),
        ("created:2026-07-01T09:30", datetime(2026, 7, 1, 7, 30, tzinfo=UTC), datetime(2026, 7, 1, 7, 31, tzinfo=UTC)),
        ("created:2028-02-29", datetime(2028, 2, 28, 23, tzinfo=UTC), datetime(2028, 2, 29, 23, tzinfo=UTC)),
    ],
)
def test_days_are_days_of_the_zone_that_pages_show(text: str, start: datetime | None, end: datetime | None) -> None:
    assert span_of(text, BERLIN) == Span(start, end)


@pytest.mark.parametrize(
    ("text", "says", "helps"),
    [
        ("doctor:H-1", "no qualifier “doctor:”", "Known are actor:, action:, hcp:, created:"),
        ("acter:anna", "no qualifier “acter:”", "Did you mean actor:anna?"),
        ("https://x.example", "no qualifier “https:”", "quotes"),
        ("action:link.isued", "No event is called “link.isued”", "link.issued"),
        ("action:%", "No event is called “%”", "action:link"),
        ("created:yesterday", "“yesterday” is not a day", "created:2026-01-31"),
        ("created:2026-02-30", "“2026-02-30” is not a day", "created:2026-01-31"),
        ("created:2026-1-1", "is not a day", ""),
        ("created:٢٠٢٦-01-01", "is not a day", ""),
        ("created:0001-01-01", "is not a day", ""),
        ("created:9999-12-31", "is not a day", ""),
        ("created:2026-02-01T25:00", "is not a day", ""),
        ("created:2026-03-01..2026-02-01", "ends before it begins", ""),
        ("created:..", "has no day in it", ""),
        ("actor:", "Nothing stands after “actor:”", ""),
        ("-", "Nothing stands after “-”", ""),
        ('""', "Nothing stands after", ""),
        ('actor:"  "', "Nothing stands after “actor:”", ""),
        ('"open', "not closed", ""),
        ('"a"b', "not closed, or something follows", ""),
        ('an"na', "stands inside “an”", ""),
        ("a\x00b", "control character", ""),
        ("a\ud800b", "control character", ""),
        ("x" * (LONGEST + 1), f"at most {LONGEST} characters", ""),
        ("a " * (MOST_TERMS + 1), f"at most {MOST_TERMS} parts", ""),
    ],
)
def test_what_is_not_understood_is_refused_with_help(text: str, says: str, helps: str) -> None:
    with pytest.raises(SearchRefused) as refused:
        read(text)
    assert says in refused.value.sentence
    assert helps in refused.value.help_text


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_in_words(text: str) -> None:
    try:
        said = read(text).text()
    except SearchRefused as refused:
        said = refused.sentence
    assert bool(said.strip()) == bool(text.strip())


@given(st.text(alphabet='ab:-. "\t*><T0123456789', max_size=30))
def test_text_of_the_language_s_own_signs_is_understood_or_refused(text: str) -> None:
    try:
        search = read(text)
    except SearchRefused:
        return
    assert parse(search.text(), zone=ZoneInfo("UTC"), actions=ACTIONS) == search


_VALUES = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters='"“”„', exclude_categories=("Cc", "Cs")), min_size=1
).map(lambda value: " ".join(value.split()))
_NAMED = st.tuples(
    st.sampled_from([Qualifier.ACTOR, Qualifier.HCP, Qualifier.WORD]), _VALUES.filter(bool), st.booleans()
)


@given(st.lists(_NAMED, max_size=4))
def test_a_search_written_down_is_the_same_search_when_read_again(parts: list[tuple[Qualifier, str, bool]]) -> None:
    search = Search(tuple(Term(qualifier, value, negated) for qualifier, value, negated in parts))
    if len(search.text()) <= LONGEST:
        assert read(search.text()) == search
