"""What readers do more rarely; entered like the common scenarios."""

import asyncio
import time

from tests.journeys.dwell.cdp import Tab
from tests.journeys.dwell.entries import Entries
from tests.journeys.dwell.scenarios import leave_by_keyboard
from tests.journeys.dwell.stage import Sitting, Stage

HARDSHIPS = Entries()
scenario = HARDSHIPS.scenario


async def _back(tab: Tab) -> None:
    history = await tab.call("Page.getNavigationHistory")
    entry = history["entries"][history["currentIndex"] - 1]["id"]
    await tab.call("Page.navigateToHistoryEntry", entryId=entry)


async def _key(tab: Tab, key: str, code: int) -> None:
    for kind in ("rawKeyDown", "keyUp"):
        await tab.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


@scenario("hidden and shown every 100 ms")
async def flicker(stage: Stage) -> None:
    page = await stage.open()
    other = await stage.browser.tab(stage.elsewhere())
    page.stop()
    for _ in range(8):  # each change of tab is known to some 20 ms
        await page.come_back()
        await asyncio.sleep(0.1)
        before = time.time()
        await other.front()
        page.stop((before + time.time()) / 2)
        await asyncio.sleep(0.1)
    await page.come_back()
    await page.read(3)
    await page.close()
    await other.close()


@scenario("window minimised and brought back")
async def minimised(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    window = await stage.browser.call("Browser.getWindowForTarget", targetId=page.tab.target)
    number = window["windowId"]
    await stage.browser.call("Browser.setWindowBounds", windowId=number, bounds={"windowState": "minimized"})
    await page.tab.until("document.visibilityState === 'hidden'")
    page.stop()
    await page.sit(4)
    await stage.browser.call("Browser.setWindowBounds", windowId=number, bounds={"windowState": "normal"})
    await page.tab.front()
    await page.tab.until("document.visibilityState === 'visible'")
    page.resume()
    await page.read(3)
    await page.close()


@scenario("opened in the background, shown later")
async def shown_later(stage: Stage) -> None:
    await stage.browser.tab(stage.elsewhere())
    tab = await stage.browser.tab(stage.url(), background=True)
    await asyncio.sleep(4)
    await tab.front()
    shown = time.time()
    page = Sitting(stage, tab, "a", shown)
    await page.read(5)
    await page.close()


@scenario("keys only")
async def keys(stage: Stage) -> None:
    page = await stage.open()

    async def press() -> None:
        await _key(page.tab, "Shift", 16)

    await page.read(8, act=press)
    await page.close()


@scenario("focus in a frame of another origin")
async def foreign_frame(stage: Stage) -> None:
    page = await stage.open(query=f"frame=localhost:{stage.proxy.port}")
    await page.read(2)
    await page.tab.click(60, 100)
    assert await page.tab.run("document.activeElement.tagName") == "IFRAME"
    await page.sit(8)
    await page.close()


@scenario("focus lost while the page scrolls")
async def blurred_in_scroll(stage: Stage) -> None:
    page = await stage.open()
    await page.read(4)
    await page.tab.run("(() => { setInterval(() => scrollBy(0, scrollY > 20 ? -1 : 1), 50); return 1; })()")
    await leave_by_keyboard(page)
    page.stop()
    await page.sit(6)
    await page.tab.close()


@scenario("a section folds while it is read")
async def folded(stage: Stage) -> None:
    page = await stage.open()
    await page.read(3)
    await page.tab.run("(() => { document.querySelector('section').style.height = '40vh'; return 1; })()")
    page.stop()
    begun = time.time()
    page.resume()
    await page.read(4)
    page.since = None
    seconds = time.time() - begun
    stage.truth.add(page.label, 0.4 * seconds, "one")
    stage.truth.add(page.label, 0.6 * seconds, "two")
    await page.tab.close()


@scenario("a section that is added later")
async def added(stage: Stage) -> None:
    page = await stage.open(query="one")
    page.section = "two"
    await page.read(3)
    await page.tab.run(
        "(() => { const s = document.createElement('section'); s.dataset.section = 'one'; s.dataset.words = 300;"
        " s.textContent = 'Words'; document.querySelector('main').prepend(s); scrollTo(0, 0); return 1; })()"
    )
    page.stop()
    page.section = "one"
    page.resume()
    await page.read(4)
    await page.close()


@scenario("two fingers zoom into one of two sections")
async def pinched(stage: Stage) -> None:
    tab = await stage.browser.tab()
    await tab.call("Emulation.setTouchEmulationEnabled", enabled=True)
    await tab.call("Emulation.setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=2, mobile=True)
    await tab.go(stage.url())
    page = await Sitting.begin(stage, tab, "a")
    await page.read(2)
    page.since = None
    await tab.run(
        "(() => { for (const s of document.querySelectorAll('section')) s.style.height = '50vh'; return 1; })()"
    )
    before = time.time()
    await tab.call("Emulation.setPageScaleFactor", pageScaleFactor=2)
    await tab.until("visualViewport.scale > 1.9")
    zoomed = time.time()
    stage.truth.add(page.label, before - await tab.painted(), "one")
    stage.truth.add(page.label, zoomed - before, "one")
    page.resume(zoomed)
    await page.read(4)
    await page.close()


@scenario("the text made larger")
async def larger(stage: Stage) -> None:
    page = await stage.open()
    await page.read(3)
    await page.tab.call("Emulation.setDeviceMetricsOverride", width=500, height=350, deviceScaleFactor=2, mobile=False)
    await page.read(3)
    await page.close()


@scenario("sixty sections, a second and a half each")
async def sixty(stage: Stage) -> None:
    page = await stage.open(query="many&words=60")
    keys = await page.tab.run("[...document.querySelectorAll('[data-section]')].map((s) => s.dataset.section)")
    await page.read(1.5)
    for key in keys[1:]:
        await page.turn_to(key, 1)
        await page.read(1.5)
    await page.close()


@scenario("back and forward three times")
async def to_and_fro(stage: Stage) -> None:
    page = await stage.open()
    await page.tab.run("addEventListener('pageshow', (event) => { window.returns = (window.returns || 0) + 1; })")
    await page.read(2)
    for time_back in range(1, 4):
        await page.leave_for(stage.elsewhere(f"n={time_back}"))
        await asyncio.sleep(1.5)
        await _back(page.tab)
        await page.tab.until(f"window.returns === {time_back}")
        page.resume()
        await page.read(2)
    await page.close()


@scenario("reloaded four times within a second each")
async def impatient(stage: Stage) -> None:
    page = await stage.open()
    for _ in range(4):
        await page.read(0.7)
        await page.leave_for()
        page.resume(await page.tab.painted())
    await page.read(3)
    await page.close()


@scenario("video played, paused, moved and played again")
async def paused(stage: Stage) -> None:
    page = await stage.open(query="video")
    await page.tab.run(
        "(() => { const c = document.getElementById('c'), x = c.getContext('2d'), v = document.getElementById('v');"
        " setInterval(() => x.fillRect(Math.random() * 200, 0, 5, 5), 40); v.srcObject = c.captureStream(25);"
        " return 1; })()"
    )
    played = 0.0
    for _ in range(3):
        await page.tab.run("document.getElementById('v').play().then(() => 1)")
        begun = time.time()
        await page.read(2)
        await page.tab.run("document.getElementById('v').pause()")
        played += time.time() - begun
        await page.read(1.1)
    await page.close()
    off = played
    for _ in range(20):  # the last beat is on its way
        await asyncio.sleep(0.25)
        [view] = stage.site.views(page.label)
        off = view.video_ms / 1000 - played
        if abs(off) <= 0.3:
            return
    raise AssertionError(f"video is off by {off:+.2f} s")


@scenario("a message box of the browser for 5 s", bracketed=True)  # to the page it is a task like any other
async def message_box(stage: Stage) -> None:
    page = await stage.open()
    await page.read(3)
    await page.tab.call("Page.enable")
    await page.tab.run("setTimeout(() => alert('Note'), 10), 1")
    page.stop()
    await page.sit(5)
    await page.tab.call("Page.handleJavaScriptDialog", accept=True)
    page.resume()
    await page.read(3)
    await page.close()


@scenario("two devices, the second three seconds later", united=True)
async def overlapping(stage: Stage) -> None:
    first = await stage.open("a")
    browser = await stage.another_browser()
    tab = await browser.tab()
    await first.read(3)
    await tab.go(stage.url("b"))
    second = await Sitting.begin(stage, tab, "b")
    await asyncio.gather(first.read(4), second.read(4))
    first.stop()
    end = time.time()
    await first.tab.close()
    second.since = end  # what came before is the first device's
    await second.read(3)
    await second.close()
