"""What readers and machines do: each scenario acts, writes down the truth, and leaves the rest to be measured."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

from tests.journeys.dwell.cdp import PAINTED
from tests.journeys.dwell.entries import Entries
from tests.journeys.dwell.proxy import Fault, always, every_third
from tests.journeys.dwell.stage import Sitting, Stage

COMMON = Entries()
scenario = COMMON.scenario


@scenario("plain read", others=0.0, short=True)
async def plain(stage: Stage) -> None:
    page = await stage.open()
    await page.read(10)
    await page.close()


@scenario("one second", others=0.1, short=True)
async def one_second(stage: Stage) -> None:
    page = await stage.open()
    await page.read(1)
    await page.close()


@scenario("still reader, no input for 25 s", others=0.0)
async def still(stage: Stage) -> None:
    page = await stage.open()
    await page.sit(25)
    await page.close()


@scenario("left the desk after 6 s", limit=0.5, others=-0.1, more=5.0)
async def left(stage: Stage) -> None:
    page = await stage.open(query="words=40")
    await page.read(6)
    page.stop()
    await page.sit(45)
    await page.tab.close()


@scenario("away for longer than the idle limit, and back", limit=0.5, more=5.0)
async def away_and_back(stage: Stage) -> None:
    page = await stage.open(query="words=40")
    await page.read(6)
    page.stop()
    await page.sit(38)
    page.resume()
    await page.read(5)
    await page.close()


@scenario("away for less than the idle limit, and back", bracketed=True)
async def short_break(stage: Stage) -> None:
    page = await stage.open()
    await page.read(5)
    page.stop()
    await page.sit(14)
    page.resume()
    await page.read(4)
    await page.close()


@scenario("hidden in the middle", others=0.1, short=True)
async def hidden(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    other = await stage.browser.tab(stage.elsewhere())
    page.stop()
    await asyncio.sleep(5)
    await page.come_back()
    await page.read(4)
    await page.close()
    await other.close()


@scenario("background tab never shown", others=0.0)
async def background(stage: Stage) -> None:
    await stage.browser.tab(stage.elsewhere())
    tab = await stage.browser.tab(stage.url(), background=True)
    await asyncio.sleep(8)
    await tab.close()


@scenario("two tabs", others=0.1)
async def two_tabs(stage: Stage) -> None:
    first = await stage.open("a")
    await first.read(4)
    first.stop()
    second = await stage.open("b")
    await second.read(4)
    before = time.time()
    await first.tab.front()
    second.stop((before + time.time()) / 2)
    first.resume()
    await first.read(4)
    await first.close()
    await second.tab.close()


@scenario("many quick changes of tab")
async def tab_storm(stage: Stage) -> None:
    first = await stage.open("a")
    first.stop()
    second = await stage.open("b")
    for _ in range(8):
        for going, coming in ((second, first), (first, second)):
            await asyncio.sleep(0.4)
            before = time.time()
            await coming.tab.front()
            middle = (before + time.time()) / 2
            going.stop(middle)
            coming.resume(middle)
    await second.close()
    await first.tab.close()


@scenario("focus elsewhere, page visible", others=0.1)
async def blurred(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    await leave_by_keyboard(page)
    page.stop()
    await page.sit(6)
    await page.tab.click(300, 300)
    page.resume()
    await page.read(3.4)
    await page.close()


async def leave_by_keyboard(page: Sitting) -> None:
    """Press Tab until the focus is in the browser's own bar."""
    for _ in range(4):
        for kind in ("rawKeyDown", "keyUp"):
            await page.tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        await asyncio.sleep(0.05)
        if not await page.tab.run("document.hasFocus()"):
            return
    raise AssertionError("the page kept the focus")


@scenario("two windows")
async def two_windows(stage: Stage) -> None:
    first = await stage.open("a")
    await first.read(3)
    tab = await stage.browser.tab("about:blank", newWindow=True)
    # A headless window does not take the focus from another one: the reader's hand leaves the first by keyboard.
    await leave_by_keyboard(first)
    first.stop()
    await tab.go(stage.url("b"))
    second = await Sitting.begin(stage, tab, "b")
    await second.read(4)
    await second.close()
    await first.tab.click(300, 300)
    first.resume()
    await first.read(3)
    await first.close()


@scenario("focus in an embedded frame", others=0.0)
async def frame(stage: Stage) -> None:
    page = await stage.open(query="frame")
    await page.read(2)
    await page.tab.click(60, 100)
    assert await page.tab.run("document.activeElement.tagName") == "IFRAME"
    await page.sit(8)
    await page.close()


@scenario("prerendered, then used", others=0.0)
async def prerendered(stage: Stage) -> None:
    tab = await stage.browser.tab(stage.elsewhere(f"prerender=/p/{stage.name}-a&after=3000"))
    await asyncio.sleep(5)
    page = await Sitting.begin(stage, tab, "a")
    assert await tab.run("performance.getEntriesByType('navigation')[0].activationStart > 0"), "it was not prerendered"
    await page.read(3.2)
    await page.close()


@scenario("prerendered and never used")
async def prerendered_for_nothing(stage: Stage) -> None:
    tab = await stage.browser.tab(stage.elsewhere(f"prerender=/p/{stage.name}-a"))
    await asyncio.sleep(6)
    await tab.close()


@scenario("back/forward cache", others=0.0, short=True)
async def bfcache(stage: Stage) -> None:
    page = await stage.open()
    await page.tab.run("addEventListener('pageshow', (event) => { window.cached = event.persisted; })")
    await page.read(4)
    await page.leave_for(stage.elsewhere())
    await asyncio.sleep(4)
    history = await page.tab.call("Page.getNavigationHistory")
    entry = history["entries"][history["currentIndex"] - 1]["id"]
    await page.tab.call("Page.navigateToHistoryEntry", entryId=entry)
    await page.tab.until("window.cached === true")
    page.resume()
    await page.read(4)
    await page.close()


@scenario("old copy of a page restored without that cache", flags=("--disable-features=BackForwardCache",))
async def old_copy(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    await page.leave_for(stage.elsewhere())  # the browser will show its stored copy, credential and all
    await asyncio.sleep(2)
    history = await page.tab.call("Page.getNavigationHistory")
    entry = history["entries"][history["currentIndex"] - 1]["id"]
    await page.tab.call("Page.navigateToHistoryEntry", entryId=entry)
    await page.tab.until("!!document.querySelector('main') && " + PAINTED)
    page.resume(await page.tab.painted())
    await page.read(4)
    await page.close()


@scenario("reload")
async def reload(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    await page.leave_for()
    page.resume(await page.tab.painted())
    await page.read(4)
    await page.close()


@scenario("another page in the same tab")
async def next_page(stage: Stage) -> None:
    page = await stage.open("a")
    await page.read(3)
    await page.leave_for(stage.url("b"))
    second = await Sitting.begin(stage, page.tab, "b")
    await second.read(3)
    await second.close()


@scenario("content root swapped by htmx")
async def swap(stage: Stage) -> None:
    page = await stage.open("a")
    await page.read(4)
    await page.tab.run(
        f"fetch('/part/{stage.name}-b').then((answer) => answer.text())"
        ".then((html) => { document.getElementById('stage').innerHTML = html; })"
    )
    page.stop()
    second = Sitting(stage, page.tab, "b", time.time())
    await second.read(4)
    await second.close()


@scenario("frozen and thawed")
async def freeze(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    await page.tab.call("Page.setWebLifecycleState", state="frozen")
    page.stop()
    await asyncio.sleep(5)
    await page.tab.call("Page.setWebLifecycleState", state="active")
    other = await stage.browser.tab(stage.elsewhere())
    await page.tab.front()
    await page.tab.until("document.visibilityState === 'visible'")
    page.resume()
    await page.read(4)
    await page.close()
    await other.close()


_BUSY = "setTimeout(() => { const end = performance.now() + 4000; while (performance.now() < end); }, 20), 1"


@scenario("main thread blocked for 4 s")
async def blocked(stage: Stage) -> None:
    page = await stage.open()
    await page.read(3)
    await page.tab.run(_BUSY)
    await page.sit(4.4)
    await page.read(3)
    await page.close()


@scenario("renderer crash", limit=0.5, others=-0.1, short=True)
async def crash(stage: Stage) -> None:
    page = await stage.open()
    await page.read(8)
    page.stop()
    for process in stage.browser.renderers():
        os.kill(process, signal.SIGKILL)
    await asyncio.sleep(2)


@scenario("browser killed", limit=1.1, others=-0.1, short=True)
async def killed(stage: Stage) -> None:
    page = await stage.open()
    await page.read(8)
    page.stop()
    stage.browser.signal(signal.SIGKILL)
    await asyncio.sleep(0.5)


@scenario("machine asleep for 12 s", limit=0.5, others=-0.1)
async def asleep(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    page.stop()
    stage.browser.signal(signal.SIGSTOP)
    await asyncio.sleep(12)
    stage.browser.signal(signal.SIGCONT)
    page.resume()
    await page.read(4)
    await page.close()


@scenario("clock jumps forward an hour", others=0.0)
async def clock_jump(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    await page.tab.run("(() => { const now = Date.now; Date.now = () => now() + 3600000; return 1; })()")
    await page.read(4)
    await page.close()


@scenario("every third beat lost, answered 200", others=0.0)
async def lost(stage: Stage) -> None:
    await _read_through(stage, every_third(Fault.LOST))


@scenario("every third beat answered 500", others=0.1)
async def errors(stage: Stage) -> None:
    await _read_through(stage, every_third(Fault.ERROR))


@scenario("taken, then the connection reset", others=0.0)
async def resets(stage: Stage) -> None:
    await _read_through(stage, always(Fault.RESET))


@scenario("every beat twice", others=0.0)
async def doubled(stage: Stage) -> None:
    await _read_through(stage, always(Fault.TWICE))


@scenario("answers two seconds late")
async def late_answers(stage: Stage) -> None:
    await _read_through(stage, always(Fault.LATE))


@scenario("beats out of order, up to 3 s late")
async def shuffled(stage: Stage) -> None:
    await _read_through(stage, always(Fault.SHUFFLED))
    await asyncio.sleep(3)


async def _read_through(stage: Stage, choice: Callable[[int], Fault]) -> None:
    stage.proxy.choice = choice
    page = await stage.open()
    await page.read(8)
    other = await stage.browser.tab(stage.elsewhere())
    page.stop()
    await asyncio.sleep(3)
    await page.come_back()
    await page.read(4)
    await page.close()
    await other.close()


@scenario("offline, closed, back later", others=-0.1)
async def offline(stage: Stage) -> None:
    page = await stage.open(query="journal")
    await page.read(3)
    stage.proxy.choice = always(Fault.OFFLINE)
    await page.read(7)
    await page.close()
    await asyncio.sleep(3)
    stage.proxy.choice = always(Fault.NONE)
    later = await stage.open("b", "journal")
    await later.read(2)
    await later.close()


@scenario("script that comes 4 s late")
async def late_script(stage: Stage) -> None:
    page = await stage.open(query="delay=4")
    await page.read(8)
    await page.close()


@scenario("four sections, one again, one passed by, one never")
async def sections(stage: Stage) -> None:
    page = await stage.open()
    await page.read(3)
    await page.turn_to("two", 1)
    await page.read(0.5)
    await page.turn_to("three", 1)
    await page.read(3)
    await page.turn_to("one", -2)
    await page.read(3)
    await page.close()


@scenario("video without a hand on anything")
async def video(stage: Stage) -> None:
    page = await stage.open(query="video&words=40")
    await page.tab.run(
        "(() => { const c = document.getElementById('c'), x = c.getContext('2d'), v = document.getElementById('v');"
        " setInterval(() => x.fillRect(Math.random() * 200, 0, 5, 5), 40); v.srcObject = c.captureStream(25);"
        " return v.play().then(() => 1); })()"
    )
    await page.sit(42)
    await page.close()


@scenario("a finger on a phone")
async def touch(stage: Stage) -> None:
    tab = await stage.browser.tab()
    await tab.call("Emulation.setTouchEmulationEnabled", enabled=True)
    await tab.call("Emulation.setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=2, mobile=True)
    await tab.go(stage.url())
    page = await Sitting.begin(stage, tab, "a")

    async def tap() -> None:
        await tab.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": 100, "y": 300}])
        await tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    await page.read(8, act=tap)
    await page.close()


@scenario("two devices at once, one doctor", united=True)
async def two_devices(stage: Stage) -> None:
    first = await stage.open("a")
    browser = await stage.another_browser()
    tab = await browser.tab()
    await tab.go(stage.url("b"))
    second = Sitting(stage, tab, "b", time.time())
    second.since = None  # the same seconds: they are counted once
    await asyncio.gather(first.read(6), second.read(6))
    await first.close()
    await tab.close()
