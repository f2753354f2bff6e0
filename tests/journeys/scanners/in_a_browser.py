"""Scanners that are browsers: what a remote-controlled Chromium does with a link, kind by kind."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from playwright.sync_api import Browser, BrowserContext, Error, Page

from portal import clock
from portal.access.tokens import TokenBox
from portal.db import Database
from tests.journeys.conftest import LINUX
from tests.journeys.scanners.world import Found, Mail, confidences, hand_over, watched

_STAY_MS = 10_000
_SUBMIT = "addEventListener('load', () => setTimeout(() => document.forms[0]?.submit(), 30))"
_CLICK = "addEventListener('load', () => setTimeout(() => document.querySelector('form button')?.click(), 30))"
_WEBMAIL = "/webmail"


class Fleet:
    """A portal, a browser and as many links of each kind as are wanted."""

    def __init__(self, browser: Browser, url: str, database: Database, tokens: TokenBox, links: int) -> None:
        self.browser, self.url, self.database, self.tokens, self.links = browser, url, database, tokens, links
        self._place = 0

    def context(self, **more: object) -> BrowserContext:
        """A fresh browser profile at a network address of its own."""
        self._place += 1
        address = f"40.94.{self._place >> 8 & 255}.{self._place & 255}"
        return self.browser.new_context(extra_http_headers={"X-Forwarded-For": address}, **more)  # type: ignore[arg-type]

    def run(self, kind: str, scan: Callable[[Sequence[Mail], Found], None]) -> Found:
        """Run a storm over fresh mails, then let a person open one of the links."""
        mails = hand_over(self.database, self.tokens, self.links, at=clock.now())
        found = Found(kind, links=self.links)
        with watched(self.database, found):
            scan(mails, found)
        for mail in mails[:2]:
            self._person(mail.paths[0], found)
        return found

    def note(self, context: BrowserContext, found: Found) -> None:
        """Count every answer of a profile."""
        context.on("response", lambda answer: found.answered(answer.status, sets_cookie=False))

    def _person(self, path: str, found: Found) -> None:
        context = self.context(user_agent=LINUX)
        page = context.new_page()
        page.goto(self.url + path)
        page.get_by_role("button", name="Open my page").click()
        page.wait_for_url("**/m/**")
        assert page.locator("h1").count() == 1
        found.people += 1
        found.known += confidences(self.database, path, self.tokens)[-1] == "device"
        context.close()


def tabs(fleet: Fleet, kind: str, *, script: str = "", stay_ms: int = _STAY_MS, **more: object) -> Found:
    """Open every link in a tab and a profile of its own and stay, all at once."""

    def scan(mails: Sequence[Mail], found: Found) -> None:
        contexts = []
        for mail in mails:
            context = fleet.context(**more)
            fleet.note(context, found)
            if script:
                context.add_init_script(script)
            context.new_page().goto(fleet.url + mail.paths[0])
            contexts.append(context)
        contexts[-1].pages[0].wait_for_timeout(stay_ms)
        for context in contexts:
            found.cookies += len(context.cookies())
            context.close()

    return fleet.run(kind, scan)


def s6(fleet: Fleet) -> Found:
    """GET and every sub-resource, no script."""
    return tabs(fleet, "S6 sub-resources, no script", stay_ms=200, java_script_enabled=False)


def s7(fleet: Fleet) -> Found:
    """Headless browser, script on, ten seconds."""
    return tabs(fleet, "S7 headless, 10 s")


def s8(fleet: Fleet) -> Found:
    """The same, and a script submits the form."""
    return tabs(fleet, "S8 form.submit()", script=_SUBMIT)


def s9(fleet: Fleet) -> Found:
    """The same, and a script clicks the button."""
    return tabs(fleet, "S9 button.click()", script=_CLICK)


def s10(fleet: Fleet) -> Found:
    """A remote-controlled click on every button, then ten seconds on the page behind it."""

    def scan(mails: Sequence[Mail], found: Found) -> None:
        contexts = []
        for mail in mails:
            context = fleet.context()
            fleet.note(context, found)
            page = context.new_page()
            page.goto(fleet.url + mail.paths[0])
            page.locator("main form button").first.click()
            page.wait_for_url("**/m/**")
            _press_all(page)
            contexts.append(context)
        contexts[-1].pages[0].wait_for_timeout(_STAY_MS)
        for context in contexts:
            context.close()

    return fleet.run("S10 every button", scan)


def s11(fleet: Fleet) -> Found:
    """The same with a spoofed user agent, mouse moves and ten seconds: the stated limit, marked by its moment."""

    def scan(mails: Sequence[Mail], found: Found) -> None:
        pages: list[Page] = []
        for mail in mails:
            context = fleet.context(user_agent=LINUX)
            fleet.note(context, found)
            page = context.new_page()
            page.goto(fleet.url + mail.paths[0])
            page.mouse.move(100, 200, steps=3)
            page.locator("main form button").first.click()
            page.wait_for_url("**/m/**")
            pages.append(page)
        for _ in range(5):
            for page in pages:
                page.bring_to_front()
                page.mouse.move(300, 300, steps=3)
                page.mouse.wheel(0, 200)
            pages[-1].wait_for_timeout(_STAY_MS // 5)
        for page in pages:
            page.context.close()

    return fleet.run("S11 spoofed, mouse, 10 s", scan)


def s14(fleet: Fleet) -> Found:
    """A webmail page that prefetches and prerenders every link."""

    def scan(mails: Sequence[Mail], found: Found) -> None:
        paths = [mail.paths[0] for mail in mails]
        links = "".join(f'<link rel="prefetch" href="{path}">' for path in paths)
        urls = ",".join(f'"{path}"' for path in paths)
        rules = f'<script type="speculationrules">{{"prerender":[{{"source":"list","urls":[{urls}]}}]}}</script>'
        context = fleet.context(user_agent=LINUX)
        fleet.note(context, found)
        body = f"<!doctype html><title>Mail</title>{links}{rules}"
        context.route("**" + _WEBMAIL, lambda route: route.fulfill(body=body, content_type="text/html"))
        page = context.new_page()
        page.goto(fleet.url + _WEBMAIL)
        page.wait_for_timeout(3000)
        found.cookies += len(context.cookies())
        context.close()

    return fleet.run("S14 prefetch, prerender", scan)


KINDS = (s6, s7, s8, s9, s10, s11, s14)


def _press_all(page: Page) -> None:
    for place in range(page.locator("button:visible").count()):
        with suppress(Error):  # a page that changed under the robot ends its round
            page.locator("button:visible").nth(place).click(timeout=400, no_wait_after=True)
