"""What happens more rarely to readers, browsers and networks; entered like the common scenarios."""

import asyncio
import os
import signal
import time

from tests.journeys.dwell.cdp import PAINTED, Tab
from tests.journeys.dwell.entries import Entries
from tests.journeys.dwell.proxy import Fault, always, every_third
from tests.journeys.dwell.scenarios import leave_by_keyboard
from tests.journeys.dwell.stage import Sitting, Stage

RARE = Entries()
scenario = RARE.scenario


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
    for _ in range(15):
        before = time.time()
        await page.tab.front()
        page.resume((before + time.time()) / 2)
        await asyncio.sleep(0.1)
        before = time.time()
        await other.front()
        page.stop((before + time.time()) / 2)
        await asyncio.sleep(0.1)
    await page.tab.front()
    page.resume()
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


@scenario("wheel over a window without the focus")
async def wheel_without_focus(stage: Stage) -> None:
    page = await stage.open()
    await page.read(3)
    await leave_by_keyboard(page)
    page.stop()
    await page.sit(3)

    turned = 0.0

    async def turn() -> None:
        nonlocal turned
        await page.tab.wheel(1)
        turned = time.time()

    page.resume()
    await page.read(4, act=turn)
    page.stop(turned + 5)  # the reader's eyes stay for 5 s after a turn of the wheel: so it is defined
    await page.sit(9)
    await page.tab.close()


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
    await page.tab.front()
    page.resume()
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
    await asyncio.sleep(0.6)
    [view] = stage.site.views(page.label)
    off = view.video_ms / 1000 - played
    assert abs(off) <= 0.3, f"video is off by {off:+.2f} s"


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
