"""What may be served as HTML, and how it is cut into measured sections."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.content.compare import Change, Kind, changes
from portal.content.text import clean, count_words, from_markdown, plain, sectioned, slug, without_links

NASTY = st.sampled_from(
    [
        "<",
        ">",
        '"',
        "'",
        "&lt;",
        "<p>",
        "</p>",
        "<h2>",
        "</h2>",
        "<div>",
        "<table>",
        "<td colspan='2'>",
        "<a href=",
        '"javascript:x"',
        "//e.example",
        "https://e.example/",
        "<script>",
        "</script>",
        "<svg onload=x>",
        "<img src=x onerror=y>",
        "<style>",
        "<math>",
        "<!--",
        "-->",
        " id='label-S1'",
        " style='x'",
        "\x01",
        "é",
        "word ",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(NASTY, max_size=25).map("".join))
def test_nothing_a_browser_would_run_or_fetch_survives(html: str) -> None:
    for served in (clean(html), without_links(html), sectioned("k", clean(html))[0]):
        tags = [re.sub(r'"[^"]*"', "", tag) for tag in re.findall(r"<[^>]+>", served)]
        assert not [tag for tag in tags if re.search(r"<(script|svg|img|style|math)|\s(on\w+|style)=", tag)]
        for target in re.findall(r'<a [^>]*href="([^"]*)"', served):
            assert target.startswith(("https://", "#label-", "/"))
            assert not target.startswith("//")


@settings(max_examples=300, deadline=None)
@example("<h2><table><h2>")
@example("<h2><table>" * 5 + "<h2>")
@given(st.lists(NASTY, max_size=25).map("".join))
def test_cleaning_twice_is_cleaning_once(html: str) -> None:
    assert clean(clean(html)) == clean(html)


@settings(max_examples=200, deadline=None)
@given(st.lists(NASTY, max_size=25).map("".join))
def test_sections_hold_every_word_and_have_keys_of_their_own(html: str) -> None:
    body, marks = sectioned("k", clean(html))
    assert plain(body).split() == plain(clean(html)).split()
    assert sum(mark.words for mark in marks) == count_words(clean(html))
    assert len({mark.key for mark in marks}) == len(marks)


@pytest.mark.parametrize(
    ("html", "served"),
    [
        ('<a href="https://e.example/x">a</a>', '<a href="https://e.example/x" rel="noopener noreferrer">a</a>'),
        ('<a href="http://e.example/x">a</a>', "<a>a</a>"),
        ('<a href="/m/dosing">a</a>', '<a href="/m/dosing">a</a>'),
        ('<a href="//e.example">a</a>', "<a>a</a>"),
        ('<a href="/\\e.example">a</a>', "<a>a</a>"),
        ('<a href="#label-S1">a</a>', '<a href="#label-S1">a</a>'),
        ('<p id="main">a</p>', "<p>a</p>"),
        ('<p>href="https://e.example"</p>', '<p>href="https://e.example"</p>'),
        ("<h1>a</h1>", "a"),
        ("<form><input name='dose'></form>", ""),
    ],
)
def test_links_lead_within_the_portal_or_out_without_a_referrer(html: str, served: str) -> None:
    assert clean(html) == served


def test_markdown_is_a_way_to_write() -> None:
    html = from_markdown("Intro\n\n## Doses & units\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>x</script>")
    assert html.startswith("<p>Intro</p>\n<h2>Doses &amp; units</h2>\n<div ")
    assert '<div class="table-scroll" role="region" tabindex="0" aria-label="Table"><table>' in html
    assert "script" not in html


def test_sections_begin_at_headings_of_their_own() -> None:
    html = (
        "<p>Before</p><h2>2.5 Renal <em>impairment</em></h2><p>one two</p><div><h2>inside</h2></div>"
        "<h2>Renal impairment</h2>"
    )
    body, marks = sectioned("dosing", html)
    assert [(mark.key, mark.title, mark.words) for mark in marks] == [
        ("overview", "Overview", 1),
        ("renal-impairment", "2.5 Renal impairment", 6),
        ("renal-impairment-2", "Renal impairment", 2),
    ]
    assert body.count("<section ") == 3
    assert 'id="renal-impairment" data-section="dosing#renal-impairment" data-words="6"' in body


def test_a_section_never_takes_the_name_of_a_mandatory_block() -> None:
    assert sectioned("k", "<h2>Indication</h2><p>x</p>")[1][0].key == "indication-2"


def test_slugs_are_cut_between_words() -> None:
    assert slug("Pediatric Patients (ages 10–17 years)") == "pediatric-patients-ages-10-17-years"
    assert slug("Übersicht: Ärzte") == "ubersicht-arzte"
    assert slug("x" * 60) == "x" * 40
    assert slug("薬") == ""


def test_words_are_counted_as_a_reader_finds_them() -> None:
    assert count_words("<p>one<br>two</p><ul><li>three</li><li>four&nbsp;five</li></ul>H<sub>2</sub>O") == 6


def test_changes_are_named_word_by_word() -> None:
    assert changes("10 mg once daily", "10 mg once a day") == [
        Change(Kind.KEPT, "10 mg once"),
        Change(Kind.REMOVED, "daily"),
        Change(Kind.ADDED, "a day"),
    ]
    assert changes("", "") == []
