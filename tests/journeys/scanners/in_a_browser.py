"""Scanners that are browsers: what a real Chromium does with a link, kind by kind, many profiles at once."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request, Route

from portal import clock
from portal.access.tokens import TokenBox
from portal.db import Database
from tests.journeys.conftest import LINUX
from tests.journeys.scanners.over_http import old_browsers
from tests.journeys.scanners.world import (
    Found,
    Mail,
    confidences,
    count_left,
    hand_over,
    hand_over_now,
    let_minutes_pass,
    touches,
)

STAY_S = 10.0
_WEBMAIL = "/webmail"
_REWRITERS = ("https://eur02.safelinks.protection.outlook.com/", "https://urldefense.com/")
# Three times at most for each profile: the door that comes back asks for a person, and is submitted again.
_AT_MOST = "const n = +(sessionStorage.n || 0); if (n > 2) return; sessionStorage.n = n + 1;"
_SUBMIT = f"addEventListener('load', () => setTimeout(() => {{ {_AT_MOST} document.forms[0]?.submit() }}, 30))"
_CLICK = (
    f"addEventListener('load', () => setTimeout(() => {{ {_AT_MOST} "
    "document.querySelector('form button')?.click() }, 30))"
)


class Fleet:
    """A portal, a browser with a limited number of profiles at once, and as many links of each kind as are wanted."""

    def __init__(
        self, browser: Browser, url: str, database: Database, tokens: TokenBox, *, links: int, people: int, at_once: int
    ) -> None:
        self.browser, self.url, self.database, self.tokens = browser, url, database, tokens
        self.links, self.people, self.stay_s = links, people, STAY_S
        self._room, self._desk, self._place = asyncio.Semaphore(at_once), asyncio.Lock(), 0

    def address(self) -> str:
        """A network address that nobody had before."""
        self._place += 1
        return f"40.94.{self._place >> 8 & 255}.{self._place & 255}"

    @asynccontextmanager
    async def robot(self, found: Found, *, address: str = "", **more: Any) -> AsyncIterator[Page]:
        """A fresh browser profile whose answers, cookies and faults are counted."""
        async with self._room:
            headers = {"X-Forwarded-For": address or self.address()}
            context = await self.browser.new_context(extra_http_headers=headers, **more)
            context.set_default_timeout(60_000)
            context.on("response", lambda answer: found.answered(answer.status, sets_cookie=False))
            context.on("request", partial(self._stays_here, found))
            context.on("console", partial(_keeps_the_policy, found))
            context.on("weberror", lambda error: found.faults.append(str(error.error)))
            try:
                yield await context.new_page()
                cookies = len(await context.cookies())
                found.cookies += cookies  # counted after the wait: others count meanwhile
            finally:
                await context.close()

    async def run(self, kind: "Kind", *, links_of_a_mail: int = 1) -> Found:
        """Run a storm over fresh mails, count what is left of it, then let people open the links a while later."""
        count = -(-self.links // links_of_a_mail)
        async with self._desk:  # all kinds begin together, and SQLite takes one writer at a time
            mails = await asyncio.to_thread(
                hand_over, self.database, self.tokens, count, links=links_of_a_mail, at=clock.now()
            )
        name, _, said = (kind.__doc__ or "").partition(": ")
        found = Found(f"{name} {said.rstrip('.')}", "Chromium", links=count * links_of_a_mail)
        await kind(self, found, mails)
        await asyncio.to_thread(count_left, self.database, found, mails)
        await asyncio.to_thread(let_minutes_pass, self.database, mails, minutes=15)
        await asyncio.sleep(11)  # a burst is over after ten seconds
        await self.each(found, mails[: self.people], partial(self._person, found))
        return found

    async def each(self, found: Found, mails: Sequence[Mail], deed: Callable[[Mail], Awaitable[None]]) -> None:
        """Do a deed with every mail, as many at once as there is room; what does not come to its end is a fault."""

        async def one(mail: Mail) -> None:
            try:
                await deed(mail)
            except Error as error:
                found.faults.append(error.message.splitlines()[0])

        await asyncio.gather(*(one(mail) for mail in mails))

    async def hand_over(self, mail: Mail) -> None:
        """Let the mail server take a mail at this moment."""
        await asyncio.to_thread(hand_over_now, self.database, mail, at=clock.now())

    async def _person(self, found: Found, mail: Mail) -> None:
        found.people += 1
        seen = Found("person", "Chromium")
        async with self.robot(seen, user_agent=LINUX) as page:
            await page.goto(self.url + mail.paths[0])
            await page.get_by_role("button", name="Open my page").click()
            await page.wait_for_url("**/m/**")
            is_in = await page.locator("h1").count() == 1
            found.let_in += is_in
            known = confidences(self.database, mail.paths[0], self.tokens)[-1] == "device"
            found.known += known
            if not known:
                is_proved = await self._steps_up(page, mail)
                found.proved += is_proved
        found.faults += seen.faults

    async def _steps_up(self, page: Page, mail: Mail) -> bool:
        await page.goto(self.url + "/me/step-up")
        await page.fill("input[name=address]", f"{mail.hcp_id[:8]}@x.example")
        await page.locator("main form button").click()
        await page.wait_for_url("**/code")
        for _ in range(50):
            code = await asyncio.to_thread(self._code_for, mail)
            if code:
                break
            await asyncio.sleep(0.2)
        await page.fill("input[name=code]", code)
        await page.locator("main form button").click()
        await page.wait_for_url("**/m/**")
        return confidences(self.database, mail.paths[0], self.tokens)[-1] == "verified"

    def _code_for(self, mail: Mail) -> str:
        from sqlalchemy import select

        from portal.mailing.models import Sending

        with self.database.reading() as db:
            text = db.scalar(select(Sending.text).where(Sending.hcp_id == mail.hcp_id, Sending.kind == "notice"))
        digits = re.search(r"^(\d{6})$", text or "", re.MULTILINE)
        return digits[1] if digits else ""

    def _stays_here(self, found: Found, asked: Request) -> None:
        if not asked.url.startswith((self.url, "data:")):
            found.faults.append(f"asked for {asked.url}")


def _keeps_the_policy(found: Found, said: ConsoleMessage) -> None:
    if "Content Security Policy" in said.text:
        found.faults.append(said.text)


Kind = Callable[[Fleet, Found, Sequence[Mail]], Awaitable[None]]


async def s3(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S3: three addresses, old Chrome, scripts on."""
    agents = old_browsers()

    async def scan(mail: Mail) -> None:
        for place in range(3):
            agent = agents[(ord(mail.hcp_id[0]) + place) % len(agents)]
            async with fleet.robot(found, user_agent=agent) as page:
                await page.goto(fleet.url + mail.paths[0])

    await fleet.each(found, mails, scan)


async def s4(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S4: altered token, then the whole one."""

    async def scan(mail: Mail) -> None:
        async with fleet.robot(found, user_agent=old_browsers()[0]) as page:
            for tail in ("%27", "'", ">", ")", ".", "%27/", ""):
                await page.goto(fleet.url + mail.paths[0] + tail)

    await fleet.each(found, mails, scan)


async def s5(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S5: scrambled query."""

    async def scan(mail: Mail) -> None:
        async with fleet.robot(found) as page:
            for query in ("?rid=%00%ff", "?utm_source=x&utm_source=y", "?" + "a" * 1500, "?;;&&==", "?%c3%28"):
                await page.goto(fleet.url + mail.paths[0] + query)

    await fleet.each(found, mails, scan)


async def s6(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S6: every sub-resource, no script."""
    await _stay(fleet, found, mails, stay_s=0.2, java_script_enabled=False)


async def s7(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S7: headless, script on, 10 s."""
    await _stay(fleet, found, mails)


async def s8(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S8: the same, `form.submit()`."""
    await _stay(fleet, found, mails, script=_SUBMIT)


async def s9(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S9: the same, `button.click()`."""
    await _stay(fleet, found, mails, script=_CLICK)


async def s10(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S10: remote-controlled, every choice and every button of four pages, 10 s."""

    async def scan(mail: Mail) -> None:
        async with fleet.robot(found) as page:
            await page.goto(fleet.url + mail.paths[0])
            await _choose_all(page)
            await page.locator("main form button").first.click()
            await page.wait_for_url("**/m/**")
            began = asyncio.get_running_loop().time()
            for path in ("", "/m/warnings", "/m/privacy"):
                await _press_all(page, fleet.url + path if path else "")
            await asyncio.sleep(max(0.0, began + fleet.stay_s - asyncio.get_running_loop().time()))

    await fleet.each(found, mails, scan)


async def s11(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S11: the same with a spoofed agent, mouse and wheel, 10 s."""

    async def scan(mail: Mail) -> None:
        async with fleet.robot(found, user_agent=LINUX) as page:
            await page.goto(fleet.url + mail.paths[0])
            await page.mouse.move(100, 200, steps=3)
            await _choose_all(page)
            await fleet.hand_over(mail)  # gateways come within the quarantine, however slow this machine is
            await page.locator("main form button").first.click()
            await page.wait_for_url("**/m/**")
            for turn in range(5):
                await page.mouse.move(300 + 10 * turn, 300, steps=3)
                await page.mouse.wheel(0, 200)
                await asyncio.sleep(fleet.stay_s / 5)
            await page.goto(fleet.url + "/m/warnings")

    await fleet.each(found, mails, scan)


async def s12(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S12: every link of a mail within 3 s, hidden and unsubscribe links too."""

    async def scan(mail: Mail) -> None:
        async with fleet.robot(found, user_agent=old_browsers()[0]) as page:
            paths = [*mail.paths, *(f"{path}/all" for path in mail.paths), mail.unsubscribe, mail.preferences]
            tabs = [page, *[await page.context.new_page() for _ in paths[1:]]]
            await asyncio.gather(
                *(tab.goto(fleet.url + path, wait_until="commit") for tab, path in zip(tabs, paths, strict=True))
            )

    await fleet.each(found, mails, scan)


async def s13(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S13: one address over many doctors, `button.click()`."""
    await _stay(fleet, found, mails, script=_CLICK, stay_s=1, address=fleet.address(), user_agent=LINUX)


async def s14(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S14: webmail that prefetches and prerenders every link."""

    async def scan(some: Sequence[Mail]) -> None:
        paths = [mail.paths[0] for mail in some]
        links = "".join(f'<link rel="prefetch" href="{path}">' for path in paths)
        urls = ",".join(f'"{path}"' for path in paths)
        rules = f'<script type="speculationrules">{{"prerender":[{{"source":"list","urls":[{urls}]}}]}}</script>'
        body = f"<!doctype html><title>Mail</title>{links}{rules}"

        async def mailbox(route: Route) -> None:
            await route.fulfill(body=body, content_type="text/html")

        async with fleet.robot(found, user_agent=LINUX) as page:
            await page.context.route("**" + _WEBMAIL, mailbox)
            await page.goto(fleet.url + _WEBMAIL)
            await asyncio.sleep(3)

    # A browser prerenders ten pages of one page at most.
    await asyncio.gather(*(scan(mails[place : place + 10]) for place in range(0, len(mails), 10)))
    # These are no requests of the page itself: the access record tells how many there were.
    touched = await asyncio.to_thread(touches, fleet.database, mails)
    found.requests += touched


async def s17(fleet: Fleet, found: Found, mails: Sequence[Mail]) -> None:
    """S17: the address as rewriting gateways hand it on."""

    async def scan(mail: Mail) -> None:
        path = mail.paths[0]
        async with fleet.robot(found, user_agent=old_browsers()[0]) as page:
            for referer in _REWRITERS:
                await page.goto(fleet.url + path, referer=referer)
            for other in (f"{path}__;!!Nx!a1B2$", f"{path}&data=05%7C02", path.replace("/v/", "/v%2F"), path.upper()):
                await page.goto(fleet.url + other)

    await fleet.each(found, mails, scan)


# Those that only a browser can be; the others were observed as plain clients, too.
IN_THE_SUITE: tuple[Kind, ...] = (s6, s7, s8, s9, s10, s11, s12, s14)
KINDS: tuple[Kind, ...] = (s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s17)
LINKS_OF_A_MAIL: dict[Kind, int] = {s12: 4}


async def storm(fleet: Fleet, kinds: Sequence[Kind], say: Callable[[Found], object] = bool) -> dict[str, Found]:
    """Let scanners of all kinds loose at once; return what each found by its name, and say it once it is known."""

    async def one(kind: Kind) -> Found:
        found = await fleet.run(kind, links_of_a_mail=LINKS_OF_A_MAIL.get(kind, 1))
        say(found)
        return found

    founds = await asyncio.gather(*(one(kind) for kind in kinds))
    return {found.kind.split()[0]: found for found in founds}


async def _stay(
    fleet: Fleet, found: Found, mails: Sequence[Mail], *, script: str = "", stay_s: float = 0, **more: Any
) -> None:
    async def scan(mail: Mail) -> None:
        async with fleet.robot(found, **more) as page:
            if script:
                await page.context.add_init_script(script)
            await page.goto(fleet.url + mail.paths[0])
            await asyncio.sleep(stay_s or fleet.stay_s)

    await fleet.each(found, mails, scan)


async def _choose_all(page: Page) -> None:
    """Tick the first of every group of choices, as a robot does that clicks on everything."""
    for name in dict.fromkeys(await page.locator("main input[type=radio]").evaluate_all("all => all.map(e => e.name)")):
        await page.locator(f"main input[type=radio][name='{name}']").first.check()


async def _press_all(page: Page, url: str) -> None:
    if url:
        await page.goto(url)
    with suppress(Error):  # a page that changes under the robot ends its round
        await _choose_all(page)
    for place in range(await page.locator("main button:visible").count()):
        with suppress(Error):
            await page.locator("main button:visible").nth(place).click(timeout=400, no_wait_after=True)
            await asyncio.sleep(0.1)
