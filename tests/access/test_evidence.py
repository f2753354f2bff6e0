"""What a request bears of a robot, and when a visit counts as a person's."""

from datetime import UTC, datetime, timedelta

from portal.access.evidence import (
    LOWERING,
    STRONG,
    Grade,
    Mark,
    Signs,
    is_automatic,
    is_confirmed,
    marks_of,
)

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
MINUTE = timedelta(seconds=60)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)


def signs(**changed: str) -> Signs:
    usual = {
        "user_agent": CHROME,
        "client_hints": '"Chromium";v="156", "Google Chrome";v="156"',
        "platform_hint": '"Windows"',
        "purpose": "",
        "fetch_user": "?1",
        "fetch_site": "none",
    }
    return Signs(**{**usual, **changed})


def marks(at: datetime = AT, handed_over_at: datetime | None = None, **changed: str) -> frozenset[Mark]:
    return marks_of(signs(**changed), handed_over_at=handed_over_at, at=at, quarantine=MINUTE)


def test_an_ordinary_browser_bears_no_mark() -> None:
    assert marks() == frozenset()


def test_a_browser_without_hints_bears_no_mark() -> None:
    safari = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1"
    )
    assert marks(user_agent=safari, client_hints="", platform_hint="") == frozenset()


def test_marks_name_what_speaks_for_a_robot() -> None:
    assert marks(user_agent="") >= {Mark.NO_AGENT}
    assert Mark.HEADLESS in marks(user_agent=CHROME.replace("Chrome/", "HeadlessChrome/"))
    assert Mark.HEADLESS in marks(client_hints='"HeadlessChrome";v="156"')
    assert Mark.PREFETCH in marks(purpose="prefetch;prerender")
    assert Mark.HINTS_DISAGREE in marks(platform_hint='"Linux"')
    assert Mark.HINTS_DISAGREE in marks(
        user_agent="Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
    )


def test_the_quarantine_ends_to_the_second() -> None:
    assert Mark.TOO_SOON in marks(at=AT + timedelta(seconds=59), handed_over_at=AT)
    assert Mark.TOO_SOON not in marks(at=AT + timedelta(seconds=60), handed_over_at=AT)


def test_engagement_confirms_and_any_mark_speaks_against_it() -> None:
    assert not is_confirmed(Grade.GESTURE, [])
    assert is_confirmed(Grade.ENGAGED, [])
    for mark in Mark:
        assert not is_confirmed(Grade.ENGAGED, [mark]), mark


def test_a_code_from_the_mailbox_outweighs_what_only_lowers_the_grade() -> None:
    assert is_confirmed(Grade.STEPPED_UP, [Mark.TOO_SOON])
    assert not is_confirmed(Grade.STEPPED_UP, [Mark.PREFETCH])


def test_every_mark_is_weighed() -> None:
    assert set(Mark) == STRONG | LOWERING
    assert not STRONG & LOWERING
    assert is_automatic([Mark.BURST])
    assert not is_automatic([Mark.HEADLESS])
