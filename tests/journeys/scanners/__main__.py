"""The scanner corpus at full size: `python -m tests.journeys.scanners --links 100` prints a table, one row per kind."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from playwright.async_api import async_playwright

from portal import clock, create_app
from portal.access.tokens import TokenBox
from portal.config import Settings
from portal.db import Database, migrate
from portal.demo.seed import seed
from portal.microsite.fragments import renderer
from portal.microsite.press import Press
from portal.web.assets import static_url
from tests.browser import FLAGS, chromium_path
from tests.journeys.conftest import running
from tests.journeys.scanners import in_a_browser, over_http
from tests.journeys.scanners.in_a_browser import Fleet, storm
from tests.journeys.scanners.over_http import Storm
from tests.journeys.scanners.world import HEAD, Found

MORE = {"PORTAL_TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "2"}  # behind a proxy every scanner has its own address
GESTURES = ("S10", "S11")  # a remote-controlled browser is let in; its visit is marked and never confirmed


def faults_of(found: Found) -> list[str]:
    """What a scanner left behind that it must not, in words; S10 and S11 open visits, and they are marked."""
    name, wrong = found.kind.split()[0], []
    for what in ("confirmed", "consents", "unsubscribes", "errors"):
        if getattr(found, what):
            wrong.append(f"{what}: {getattr(found, what)}")
    if name not in GESTURES and (found.visits or found.cookies):
        wrong.append(f"sessions: {found.visits} visits, {found.cookies} cookies")
    if name == "S10" and (found.grade > 2 or found.marks.get("headless") != found.visits):
        wrong.append(f"grade {found.grade}, marks {found.marks} of {found.visits} visits")
    if name == "S11" and found.marks.get("too-soon") != found.visits:
        wrong.append(f"marks {found.marks} of {found.visits} visits")
    if found.let_in < found.people or found.known + found.proved < found.people or not found.people:
        wrong.append(f"people: {found.let_in} of {found.people} let in, {found.known} known, {found.proved} by code")
    return wrong


async def in_chromium(
    url: str,
    database: Database,
    tokens: TokenBox,
    *,
    links: int,
    people: int,
    at_once: int,
    only: Sequence[str] = (),
    say: Callable[[Found], object] = bool,
) -> dict[str, Found]:
    """Let the scanners that are browsers loose on a running portal, all kinds at once in one Chromium."""
    kinds = [kind for kind in in_a_browser.KINDS if not only or kind.__name__.upper() in only]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        fleet = Fleet(browser, url, database, tokens, links=links, people=people, at_once=at_once)
        try:
            return await storm(fleet, kinds, say)
        finally:
            await browser.close()


@contextmanager
def demo(folder: Path) -> Iterator[Flask]:
    """The application with the demo in it, on SQLite."""
    url = f"sqlite:///{folder / 'portal.sqlite'}"
    settings = Settings(secret_key=("scanned-" + "k" * 32,), instance_path=folder, database_url=url)
    app = create_app(settings)
    database: Database = app.extensions["portal.database"]
    migrate.upgrade(database)
    with database.writing() as db:
        seed(db, render=renderer(Press(static_url)), link_days=30, at=clock.now())
    yield app
    database.close()


def main() -> int:
    """Run the corpus and print the table; exit code 1 where a scanner left something behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help="S1 … S18; all unless named")
    parser.add_argument("--links", type=int, default=100)
    parser.add_argument("--people", type=int, default=0, help="who open links afterwards; one a link unless told")
    parser.add_argument("--at-once", type=int, default=20, help="browser profiles at once")
    parser.add_argument("--by", choices=("http", "chromium", "both"), default="both")
    given = parser.parse_args()
    only, people, founds = [kind.upper() for kind in given.kinds], given.people or given.links, []
    began = time.perf_counter()

    def say(found: Found) -> None:
        founds.append(found)
        sys.stdout.write(found.row() + "\n")
        sys.stdout.flush()

    sys.stdout.write(HEAD + "\n")
    if given.by != "chromium":
        with tempfile.TemporaryDirectory() as folder, demo(Path(folder)) as app:
            for kind in over_http.KINDS:
                if not only or kind.__name__.upper() in only:
                    say(kind(Storm(app, given.links, people)))
    if given.by != "http":
        with tempfile.TemporaryDirectory() as folder:
            for portal in running(Path(folder), MORE):
                database = Database(portal.environment["PORTAL_DATABASE_URL"])
                tokens = TokenBox((portal.environment["PORTAL_SECRET_KEY"],))
                size = {"links": given.links, "people": people, "at_once": given.at_once}
                asyncio.run(in_chromium(portal.url, database, tokens, only=only, say=say, **size))
                database.close()
    wrong = [f"{found.kind}: {said}" for found in founds for said in faults_of(found)]
    total = sum(found.requests for found in founds)
    sys.stdout.write("\n".join(["", *wrong, f"{total:,} fetches, {len(wrong)} faults, "]))
    sys.stdout.write(f"{time.perf_counter() - began:.0f} s\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
