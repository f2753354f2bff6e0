"""A stage for one scenario: a browser, a proxy in front of the site, and the truth as the scenario writes it down."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.journeys.dwell.cdp import PAINTED, Browser, Tab
from tests.journeys.dwell.proxy import Proxy
from tests.journeys.dwell.site import Site

EVERY = 0.6  # s between two movements of a reader's hand


@dataclass(slots=True)
class Truth:
    """What the reader really did, in seconds: in all, by page label, by section of a page."""

    total: float = 0.0
    pages: dict[str, float] = field(default_factory=dict)
    sections: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, label: str, seconds: float, section: str = "") -> None:
        """Write down seconds of attention."""
        self.total += seconds
        self.pages[label] = self.pages.get(label, 0.0) + seconds
        if section:
            self.sections[label, section] = self.sections.get((label, section), 0.0) + seconds


class Stage:
    """One scenario's browser, proxy and truth; labels of its pages begin with the scenario's name."""

    def __init__(self, name: str, site: Site, proxy: Proxy, browser: Browser) -> None:
        self.name = name
        self.site = site
        self.proxy = proxy
        self.browser = browser
        self.truth = Truth()
        self._others: list[Browser] = []

    def url(self, page: str = "a", query: str = "") -> str:
        """Return the address of one of the scenario's pages."""
        return f"http://127.0.0.1:{self.proxy.port}/p/{self.name}-{page}" + (f"?{query}" if query else "")

    def elsewhere(self, query: str = "") -> str:
        """Return the address of a page that measures nothing."""
        return f"http://127.0.0.1:{self.proxy.port}/elsewhere" + (f"?{query}" if query else "")

    async def open(self, page: str = "a", query: str = "") -> "Sitting":
        """Open a page in a new tab in front."""
        tab = await self.browser.tab()
        await tab.go(self.url(page, query))
        return await Sitting.begin(self, tab, page)

    async def another_browser(self, *flags: str) -> Browser:
        """Start a second browser, as another device."""
        browser = await Browser.start(*flags)
        self._others.append(browser)
        return browser

    async def leave(self) -> None:
        """Close what is still open."""
        await self.browser.quit()
        for browser in self._others:
            await browser.quit()


class Sitting:
    """A reader before one page; `since` is the wall time (s) from which attention is being given."""

    def __init__(self, stage: Stage, tab: Tab, page: str, since: float) -> None:
        self.stage = stage
        self.tab = tab
        self.label = f"{stage.name}-{page}"
        self.since: float | None = since
        self.section = "one"

    @classmethod
    async def begin(cls, stage: Stage, tab: Tab, page: str) -> "Sitting":
        """Sit down at a page that has been painted."""
        return cls(stage, tab, page, await tab.painted())

    async def read(self, seconds: float, *, act: Callable[[], Awaitable[None]] | None = None) -> None:
        """Read until `seconds` after attention began or was last resumed, with a hand on the mouse."""
        end = time.time() + seconds
        while (left := end - time.time()) > 0:
            await (act or self.tab.move)()
            await asyncio.sleep(max(0.0, min(EVERY, end - time.time(), left)))

    async def sit(self, seconds: float) -> None:
        """Do nothing at all for `seconds`."""
        await asyncio.sleep(seconds)

    def stop(self, at: float | None = None) -> None:
        """Write down that attention ends, now or at a wall time."""
        if self.since is not None:
            self.stage.truth.add(self.label, (at or time.time()) - self.since, self.section)
        self.since = None

    async def leave_for(self, url: str = "") -> None:
        """Go to another page (or reload this one); attention ends when that one takes this one's place."""
        await self.tab.run("window.left = true")
        await (self.tab.call("Page.navigate", url=url) if url else self.tab.call("Page.reload"))
        await self.tab.until("!window.left && " + PAINTED)
        answered: float = await self.tab.run(
            "performance.timeOrigin + performance.getEntriesByType('navigation')[0].responseStart"
        )
        self.stop(answered / 1000)

    async def come_back(self) -> None:
        """Bring the tab to the front; attention begins in the middle of what that takes."""
        before = time.time()
        await self.tab.front()
        self.resume((before + time.time()) / 2)

    def resume(self, at: float | None = None) -> None:
        """Write down that attention begins, now or at a wall time."""
        self.since = at or time.time()

    async def turn_to(self, section: str, pages: int) -> None:
        """Scroll by whole sections; each fills the window."""
        height = await self.tab.run("innerHeight")
        before = time.time()
        await self.tab.wheel(pages * height)
        middle = (before + time.time()) / 2
        self.stop(middle)
        self.section = section
        self.resume(middle)

    async def close(self) -> None:
        """Close the tab."""
        self.stop()
        await self.tab.close()


@asynccontextmanager
async def stage_for(name: str, site: Site, *flags: str) -> AsyncIterator[Stage]:
    """Give a stage with a fresh browser and a proxy without faults."""
    proxy = Proxy(site.port)
    await proxy.start()
    browser = await Browser.start(*flags)
    stage = Stage(name, site, proxy, browser)
    try:
        yield stage
    finally:
        await stage.leave()
        await proxy.stop()
