"""The scanners that are browsers: none is ever a confirmed visit, and the link works for the person after them."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.access.tokens import TokenBox
from portal.db import Database
from tests.journeys.conftest import Running, running
from tests.journeys.scanners.__main__ import GESTURES, MORE, faults_of, in_chromium
from tests.journeys.scanners.in_a_browser import IN_THE_SUITE
from tests.journeys.scanners.world import Found

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("scanners")]

LINKS, PEOPLE = 2, 1  # the long form takes 100 of each: python -m tests.journeys.scanners
NAMES = [kind.__name__.upper() for kind in IN_THE_SUITE]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A portal behind a proxy, so that every scanner has a network address of its own."""
    yield from running(tmp_path_factory.mktemp("scanned"), MORE)


@pytest.fixture(scope="module")
def founds(scanned: Running) -> dict[str, Found]:
    """What the scanners of every kind found, all loose at once."""
    database = Database(scanned.environment["PORTAL_DATABASE_URL"])
    tokens = TokenBox((scanned.environment["PORTAL_SECRET_KEY"],))
    storm = in_chromium(scanned.url, database, tokens, links=LINKS, people=PEOPLE, at_once=16, only=NAMES)
    with ThreadPoolExecutor(1) as own:  # this thread may hold the loop of another browser
        found = own.submit(asyncio.run, storm).result()
    database.close()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_scanner_is_never_a_confirmed_visit(founds: dict[str, Found], name: str) -> None:
    found = founds[name]
    assert found.links >= LINKS
    assert found.requests >= found.links
    assert faults_of(found) == []
    assert found.people == PEOPLE


@pytest.mark.parametrize("name", GESTURES)
def test_a_remote_controlled_browser_is_let_in_and_marked(founds: dict[str, Found], name: str) -> None:
    assert founds[name].visits >= LINKS
    assert sum(founds[name].marks.values()) >= founds[name].visits


def test_prefetching_is_seen_as_such(founds: dict[str, Found]) -> None:
    assert founds["S14"].touches.get("prefetch", 0) >= LINKS
