"""Only what is approved and in force at this moment is served (to the second)."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from portal.content import actions
from portal.content.actions import BlockContent
from portal.content.queries import (
    blocks_in_force,
    earliest_expiry,
    fragment,
    fragments,
    missing_blocks,
    modules_in_force,
    site_by_key,
    store_fragment,
    topics,
    version_in_force,
)
from portal.content.sites import REQUIRED_BLOCKS
from portal.content.states import BlockKind
from tests.content.conftest import AT, AUTHOR, REVIEWER, SECOND, Desk

UNTIL = AT + timedelta(days=30)


def keys(desk: Desk, at: datetime = AT) -> list[tuple[str, int]]:
    return [(module.key, module.number) for module in modules_in_force(desk.db, desk.site, at)]


def test_a_draft_and_a_version_in_review_are_not_served(desk: Desk) -> None:
    desk.draft(desk.module("one"))
    desk.in_review(desk.module("two"))
    assert keys(desk) == []
    assert version_in_force(desk.db, desk.site, "one", AT) is None


def test_a_version_is_served_from_its_first_moment_to_the_last_before_its_end(desk: Desk) -> None:
    since = AT + timedelta(days=1)
    desk.approve(desk.in_review(desk.module()), since=since, until=UNTIL)
    moment = timedelta(microseconds=1)
    expected = {
        AT: [],
        since - SECOND: [],
        since - moment: [],
        since: [("dosing", 1)],
        since + SECOND: [("dosing", 1)],
        UNTIL - SECOND: [("dosing", 1)],
        UNTIL - moment: [("dosing", 1)],
        UNTIL: [],
        UNTIL + SECOND: [],
    }
    assert {at: keys(desk, at) for at in expected} == expected
    # A clock set back does not bring forward what has not begun.
    assert keys(desk, AT - timedelta(days=400)) == []


def test_a_moment_is_the_same_in_every_zone(desk: Desk) -> None:
    # The night in which clocks in New York go forward, at 07:00 UTC.
    until = datetime(2026, 3, 8, 3, 0, tzinfo=ZoneInfo("America/New_York"))
    desk.approved(desk.module(), until=until)
    assert keys(desk, datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC)) == [("dosing", 1)]
    assert keys(desk, datetime(2026, 3, 8, 7, 0, tzinfo=UTC)) == []


def test_a_leap_day_is_a_day(desk: Desk) -> None:
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    desk.approve(desk.in_review(desk.module()), since=leap, until=leap + timedelta(days=1))
    assert keys(desk, leap + timedelta(hours=23, minutes=59, seconds=59)) == [("dosing", 1)]
    assert keys(desk, datetime(2028, 3, 1, tzinfo=UTC)) == []


def test_a_withdrawn_version_is_served_no_more_and_nothing_older_comes_back(desk: Desk) -> None:
    module = desk.module()
    desk.approved(module)
    second = desk.approved(module, at=AT + SECOND)
    actions.withdraw(desk.db, second, reason="wrong dose", by=REVIEWER, at=AT + 2 * SECOND)
    assert keys(desk, AT + 2 * SECOND) == []
    assert keys(desk, AT + timedelta(days=1)) == []


def test_the_next_version_takes_over_in_the_moment_it_begins(desk: Desk) -> None:
    module = desk.module()
    desk.approved(module)
    change = AT + timedelta(days=10)
    desk.approve(desk.in_review(module), at=AT + SECOND, since=change)
    assert keys(desk, change - SECOND) == [("dosing", 1)]
    assert keys(desk, change) == [("dosing", 2)]


def test_a_version_overtaken_before_it_began_never_begins(desk: Desk) -> None:
    module = desk.module()
    desk.approve(desk.in_review(module), since=AT + timedelta(days=10))
    desk.approve(desk.in_review(module), since=AT + timedelta(days=5))
    days = [keys(desk, AT + timedelta(days=day)) for day in (4, 5, 10, 11)]
    assert days == [[], [("dosing", 2)], [("dosing", 2)], [("dosing", 2)]]


def test_modules_of_another_site_are_not_served(desk: Desk) -> None:
    desk.approved(desk.module())
    other = actions.create_site(
        desk.db, "other-uk-en", brand="O", generic="o", market="GB", language="en", by=AUTHOR, at=AT
    )
    assert modules_in_force(desk.db, other, AT) == []
    assert version_in_force(desk.db, other, "dosing", AT) is None


def test_the_first_of_several_ends_bounds_a_link(desk: Desk) -> None:
    desk.approved(desk.module("one"), until=UNTIL)
    desk.approved(desk.module("two"), until=UNTIL - timedelta(days=1))
    assert earliest_expiry(desk.db, desk.site, ["one"], AT) == UNTIL
    assert earliest_expiry(desk.db, desk.site, ["one", "two"], AT) == UNTIL - timedelta(days=1)
    assert earliest_expiry(desk.db, desk.site, ["one", "two"], UNTIL) is None
    assert earliest_expiry(desk.db, desk.site, [], AT) is None


def test_a_site_knows_which_mandatory_blocks_it_lacks(desk: Desk) -> None:
    site = site_by_key(desk.db, "atorvastatin-us-en")
    assert site is not None
    assert missing_blocks(desk.db, site, AT) == REQUIRED_BLOCKS
    for place, key in enumerate(REQUIRED_BLOCKS):
        block = desk.block(key, BlockKind.NOTICE)
        content = BlockContent(key, "<p>words</p>", position=place)
        version = actions.draft(desk.db, block, content, by=AUTHOR, at=AT)
        actions.submit(desk.db, version, by=AUTHOR, at=AT)
        assert key in missing_blocks(desk.db, site, AT)
        desk.approve(version, until=UNTIL)
        assert key not in missing_blocks(desk.db, site, AT)
    assert [block.key for block in blocks_in_force(desk.db, site.id, AT)] == list(REQUIRED_BLOCKS)
    assert missing_blocks(desk.db, site, UNTIL - SECOND) == ()
    assert missing_blocks(desk.db, site, UNTIL) == REQUIRED_BLOCKS
    actions.withdraw(desk.db, version, reason="wrong", by=REVIEWER, at=AT)
    assert missing_blocks(desk.db, site, AT) == (REQUIRED_BLOCKS[-1],)


def test_the_approval_block_prints_code_and_day(desk: Desk) -> None:
    content = BlockContent("Approval", "<p>{approval_code}, {approved_on}</p>")
    version = actions.draft(desk.db, desk.block("approval", BlockKind.APPROVAL), content, by=AUTHOR, at=AT)
    actions.submit(desk.db, version, by=AUTHOR, at=AT)
    desk.approve(version, code="MAT-US-1")
    block = blocks_in_force(desk.db, desk.site, AT)[0]
    assert "<p>MAT-US-1, 1 March 2026</p>" in (fragment(desk.db, block.page_hash) or "")


def test_the_same_fragment_is_kept_once(desk: Desk) -> None:
    first, second = store_fragment(desk.db, "<p>é</p>", AT), store_fragment(desk.db, "<p>é</p>", AT + SECOND)
    other = store_fragment(desk.db, "<p>other</p>", AT)
    assert first == second == sha256("<p>é</p>".encode()).hexdigest()
    assert fragments(desk.db, {first, other, "0" * 64}) == {first: "<p>é</p>", other: "<p>other</p>"}
    assert fragments(desk.db, []) == {}
    assert fragment(desk.db, "0" * 64) is None


def test_topics_stand_in_the_order_they_were_made(desk: Desk) -> None:
    for key in ("safety", "dosing"):
        actions.create_topic(desk.db, desk.site, key=key, name=key.title(), by=AUTHOR, at=AT)
    assert [topic.key for topic in topics(desk.db, desk.site)] == ["safety", "dosing"]
    with pytest.raises(actions.DraftRefused):
        actions.create_topic(desk.db, desk.site, key="safety", name="Again", by=AUTHOR, at=AT)


@pytest.mark.parametrize(
    "changed",
    [{"key": "Bad Key"}, {"key": "atorvastatin-us-en"}, {"market": "usa"}, {"language": "english"}, {"brand": " "}],
)
def test_a_site_that_cannot_stand_is_refused(desk: Desk, changed: dict[str, str]) -> None:
    given = {"key": "new", "brand": "B", "generic": "g", "market": "US", "language": "en", **changed}
    with pytest.raises(actions.DraftRefused):
        actions.create_site(desk.db, given.pop("key"), **given, by=AUTHOR, at=AT)
