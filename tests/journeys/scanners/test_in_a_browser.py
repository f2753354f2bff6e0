"""The scanners that are browsers: none is ever a confirmed visit, and the link works for the person after them."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from portal.access.tokens import TokenBox
from portal.db import Database
from tests.journeys.conftest import Running, running
from tests.journeys.scanners import in_a_browser
from tests.journeys.scanners.in_a_browser import Fleet
from tests.journeys.scanners.world import Found

pytestmark = pytest.mark.browser

LINKS = int(os.environ.get("PORTAL_TEST_SCANNED_LINKS", "6"))
GESTURES = {"s10", "s11"}


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A portal behind a proxy, so that every scanner has a network address of its own."""
    yield from running(tmp_path_factory.mktemp("scanned"), {"PORTAL_TRUSTED_PROXIES": "1"})


@pytest.fixture
def fleet(proxied: Running, browser: Browser) -> Iterator[Fleet]:
    """Browsers over the links of that portal."""
    database = Database(proxied.environment["PORTAL_DATABASE_URL"])
    tokens = TokenBox((proxied.environment["PORTAL_SECRET_KEY"],))
    yield Fleet(browser, proxied.url, database, tokens, LINKS)
    database.close()


@pytest.mark.parametrize("kind", in_a_browser.KINDS, ids=lambda kind: kind.__name__.upper())
def test_a_scanner_is_never_a_confirmed_visit(fleet: Fleet, kind: Callable[[Fleet], Found]) -> None:
    found = kind(fleet)
    assert (found.confirmed, found.consents, found.unsubscribes, found.errors) == (0, 0, 0, 0), found
    assert found.people == 2
    if kind.__name__ not in GESTURES:
        assert (found.visits, found.cookies, found.devices) == (0, 0, 0), found
    if kind.__name__ == "s10":
        assert found.highest_grade <= 2, found
        assert found.marks["headless"] == found.visits == LINKS, found
    if kind.__name__ == "s11":
        assert found.marks["too-soon"] == found.visits == LINKS, found
