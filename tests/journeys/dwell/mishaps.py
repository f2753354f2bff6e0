"""What happens more rarely to machines, browsers and networks; entered like the common scenarios."""

import asyncio
import os
import signal

from tests.journeys.dwell.cdp import PAINTED, Tab
from tests.journeys.dwell.entries import Entries
from tests.journeys.dwell.proxy import Fault, always, every_third
from tests.journeys.dwell.stage import Sitting, Stage

MISHAPS = Entries()
scenario = MISHAPS.scenario


@scenario("asleep while another tab is in front", limit=0.5)
async def asleep_behind(stage: Stage) -> None:
    page = await stage.open()
    await page.read(3)
    other = await stage.browser.tab(stage.elsewhere())
    page.stop()
    await asyncio.sleep(1)
    stage.browser.signal(signal.SIGSTOP)
    await asyncio.sleep(8)
    stage.browser.signal(signal.SIGCONT)
    await asyncio.sleep(1)
    await page.come_back()
    await page.read(3)
    await page.close()
    await other.close()


@scenario("asleep for longer than the idle limit", limit=0.5)
async def long_asleep(stage: Stage) -> None:
    page = await stage.open(query="words=40")
    await page.read(4)
    page.stop()
    stage.browser.signal(signal.SIGSTOP)
    await asyncio.sleep(36)
    stage.browser.signal(signal.SIGCONT)
    page.resume()
    await page.read(4)
    await page.close()


@scenario("clock jumps back an hour")
async def clock_back(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    await page.tab.run("(() => { const now = Date.now; Date.now = () => now() - 3600000; return 1; })()")
    await page.read(4)
    await page.close()


@scenario("offline for a while, the page stays open")
async def offline_and_on(stage: Stage) -> None:
    page = await stage.open()
    await page.read(3)
    stage.proxy.choice = always(Fault.OFFLINE)
    await page.read(5)
    stage.proxy.choice = always(Fault.NONE)
    await page.read(3)
    await page.close()


@scenario("every beat answered 500, then a renderer crash, back later", limit=0.5)
async def errors_and_crash(stage: Stage) -> None:
    page = await stage.open(query="journal")
    await page.read(3)
    stage.proxy.choice = always(Fault.ERROR)
    await page.read(4.7)
    page.stop()
    for process in stage.browser.renderers():
        os.kill(process, signal.SIGKILL)
    await asyncio.sleep(2)
    stage.proxy.choice = always(Fault.NONE)
    later = await stage.open("b", "journal")
    await later.read(2)
    await later.close()


@scenario("every third beat answered 429")
async def slowed(stage: Stage) -> None:
    stage.proxy.choice = every_third(Fault.SLOW_DOWN)
    page = await stage.open()
    await page.read(8)
    await page.close()
    await asyncio.sleep(1)


@scenario("told to stop in the middle", limit=1.3)
async def stopped(stage: Stage) -> None:
    page = await stage.open(query="journal")
    await page.read(4)
    page.stop()
    stage.proxy.choice = always(Fault.GONE)
    await page.read(2)
    told = stage.proxy.beats
    await page.read(3)
    assert stage.proxy.beats == told, "it spoke after it was told to stop"
    assert await page.tab.run("Object.keys(localStorage).length") == 0, "it kept what it was told to clear"
    await page.tab.close()
    assert stage.proxy.beats <= told + 1, "it spoke when it was closed"


@scenario("thrown away behind another tab, restored when shown")
async def discarded(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    await page.tab.leave_alone()  # a tab that is debugged is not thrown away
    page.stop()
    list_of_tabs = await stage.browser.tab("chrome://discards/")
    await list_of_tabs.until(f"{_ROWS}.some((row) => row.innerText.includes('{page.label}'))")
    await list_of_tabs.run(
        f"[...{_ROWS}.find((row) => row.innerText.includes('{page.label}')).querySelectorAll('[is=action-link]')]"
        ".find((link) => link.innerText.includes('Urgent')).click()"
    )
    await asyncio.sleep(1.5)
    [target] = [one["targetId"] for one in await stage.browser.targets() if page.label in one["url"]]
    tab = Tab(stage.browser, target)
    await tab.front()
    await tab.until(PAINTED)
    assert await tab.run("document.wasDiscarded"), "it was not thrown away"
    again = Sitting(stage, tab, "a", await tab.painted())
    await again.read(4)
    await again.close()


_ROWS = (
    "[...document.querySelector('discards-main').shadowRoot.querySelector('discards-tab').shadowRoot"
    ".querySelectorAll('tr')]"
)


@scenario("renderer crash, then reload")
async def crash_and_reload(stage: Stage) -> None:
    page = await stage.open()
    await page.read(5)
    other = await stage.browser.tab(stage.elsewhere())
    page.stop()
    await asyncio.sleep(1)
    for process in stage.browser.renderers():
        os.kill(process, signal.SIGKILL)
    await asyncio.sleep(1)
    await other.close()
    again = await stage.open()
    await again.read(3)
    await again.close()


_FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
_BLOCKED = (
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });"
)


async def _with(stage: Stage, script: str, query: str = "") -> Sitting:
    tab = await stage.browser.tab()
    await tab.call("Page.enable")
    await tab.call("Page.addScriptToEvaluateOnNewDocument", source=script)
    await tab.go(stage.url("a", query))
    return await Sitting.begin(stage, tab, "a")


@scenario("local storage full")
async def storage_full(stage: Stage) -> None:
    page = await _with(stage, _FULL, "journal")
    await page.read(4)
    await page.close()


@scenario("local storage refused")
async def storage_blocked(stage: Stage) -> None:
    page = await _with(stage, _BLOCKED, "journal")
    await page.read(4)
    await page.close()


@scenario("no sendBeacon")
async def no_beacon(stage: Stage) -> None:
    page = await _with(stage, "Navigator.prototype.sendBeacon = undefined; window.fetchLater = undefined;")
    await page.read(4.4)
    await page.close()


@scenario("sendBeacon refuses")
async def beacon_refuses(stage: Stage) -> None:
    page = await _with(stage, "Navigator.prototype.sendBeacon = () => false; window.fetchLater = undefined;")
    await page.read(4.4)
    await page.close()


@scenario("a slow processor")
async def slow(stage: Stage) -> None:
    page = await stage.open()
    await page.tab.call("Emulation.setCPUThrottlingRate", rate=10)
    await page.read(6)
    await page.turn_to("two", 1)
    await page.read(3)
    await page.close()
