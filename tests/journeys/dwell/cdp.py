"""A small client for the Chrome DevTools Protocol: one socket to the browser, sessions by target."""

import asyncio
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.browser import chromium_path

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-smooth-scrolling",
    "--disable-blink-features=AutomationControlled",
    "--hide-scrollbars",
    "--window-size=1000,700",
    "--remote-debugging-port=0",
)


PAINTED = "document.readyState !== 'loading' && performance.getEntriesByName('first-contentful-paint').length > 0"


class Gone(Exception):
    """The browser, or the target spoken to, is no longer there."""


class Browser:
    """A running Chromium with a profile of its own."""

    def __init__(self, process: subprocess.Popen[bytes], profile: Path, socket: ClientConnection) -> None:
        self.process = process
        self.profile = profile
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, *flags: str, profile: Path | None = None) -> "Browser":
        """Start a browser and connect to it; a given profile is used again."""
        folder = profile or Path(tempfile.mkdtemp(prefix="dwell-profile-"))
        (folder / "DevToolsActivePort").unlink(missing_ok=True)
        if profile is None:  # its page of tabs is there for those who say so
            (folder / "Local State").write_text('{"internal_only_uis_enabled": true}')
        process = subprocess.Popen(
            [chromium_path(), *_FLAGS, *flags, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        port_file = folder / "DevToolsActivePort"
        deadline = time.monotonic() + 30
        while not (port_file.exists() and len(port_file.read_text().splitlines()) == 2):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Gone("the browser did not start")
            await asyncio.sleep(0.05)
        port, path = port_file.read_text().splitlines()
        socket = await connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None, ping_interval=None)
        return cls(process, folder, socket)

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Return the result of one command."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            await self._socket.send(json.dumps(message))
        except ConnectionClosed:
            raise Gone("the connection ended") from None
        return await asyncio.wait_for(future, 30)

    async def tab(self, url: str = "about:blank", **params: Any) -> "Tab":
        """Open a tab without attaching a debugger to it."""
        made = await self.call("Target.createTarget", url=url, **params)
        return Tab(self, made["targetId"])

    async def targets(self) -> list[dict[str, Any]]:
        """Return what the browser has open."""
        found: list[dict[str, Any]] = (await self.call("Target.getTargets"))["targetInfos"]
        return found

    def signal(self, number: int) -> None:
        """Send a signal to every process of this browser."""
        os.killpg(self.process.pid, number)

    def renderers(self) -> list[int]:
        """Return the process ids of this browser's page renderers."""
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.getpgid(int(entry.name)) == self.process.pid:
                    command = (entry / "cmdline").read_bytes()
                    if b"--type=renderer" in command and b"--extension-process" not in command:
                        found.append(int(entry.name))
            except OSError:
                continue
        return found

    async def quit(self, *, keep_profile: bool = False) -> None:
        """Close the browser as its user would, then make sure that it is gone."""
        with suppress(Gone, TimeoutError, OSError):
            await asyncio.wait_for(self.call("Browser.close"), 5)
        await self._gone(keep_profile=keep_profile)

    async def kill(self, *, keep_profile: bool = False) -> None:
        """Kill every process of the browser at once."""
        self.signal(signal.SIGKILL)
        await self._gone(keep_profile=keep_profile)

    async def _gone(self, *, keep_profile: bool) -> None:
        for _ in range(60):
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()
        if not keep_profile:
            shutil.rmtree(self.profile, ignore_errors=True)

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                message = json.loads(text)
                future = self._waiting.pop(message.get("id", 0), None)
                if future is None or future.done():
                    continue
                if "error" in message:
                    future.set_exception(Gone(message["error"].get("message", "refused")))
                else:
                    future.set_result(message["result"])
        except ConnectionClosed:
            return
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Gone("the connection ended"))


class Tab:
    """One tab; a debugger is attached to it on first need."""

    def __init__(self, browser: Browser, target: str) -> None:
        self.browser = browser
        self.target = target
        self._session: str | None = None
        self._at = (300, 300)

    async def session(self) -> str:
        """Return the session of this tab, attaching to it where needed."""
        if self._session is None:
            made = await self.browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
            self._session = made["sessionId"]
        return self._session

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the result of one command to the page."""
        return await self.browser.call(method, await self.session(), **params)

    async def leave_alone(self) -> None:
        """Detach the debugger."""
        await self.browser.call("Target.detachFromTarget", sessionId=await self.session())
        self._session = None

    async def run(self, script: str) -> Any:
        """Return the JSON value of a script run in the page."""
        made = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return made["result"].get("value")

    async def go(self, url: str) -> None:
        """Navigate as the address bar would, and wait for the first paint."""
        await self.call("Page.navigate", url=url)
        await self.until(PAINTED)

    async def until(self, condition: str, seconds: float = 15) -> None:
        """Wait until a script's value is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(Gone):  # the page is being left: asked again of the one that comes
                if await self.run(condition):
                    return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never came true: {condition}")

    async def painted(self) -> float:
        """Return the wall time (s) of the page's first paint or activation, from the browser's own entries."""
        when: float = await self.run(
            "performance.timeOrigin + Math.max(performance.getEntriesByName('first-contentful-paint')[0].startTime,"
            " performance.getEntriesByType('navigation')[0].activationStart || 0)"
        )
        return when / 1000

    async def front(self) -> None:
        """Bring this tab to the front, as a click on it does."""
        await self.browser.call("Target.activateTarget", targetId=self.target)

    async def move(self) -> None:
        """Move the mouse a little."""
        x, y = self._at
        self._at = (300 + (x - 300 + 7) % 90, 300 + (y - 300 + 5) % 90)
        await self.call("Input.dispatchMouseEvent", type="mouseMoved", x=self._at[0], y=self._at[1])

    async def wheel(self, dy: int) -> None:
        """Turn the wheel by `dy` pixels."""
        await self.call("Input.dispatchMouseEvent", type="mouseWheel", x=400, y=300, deltaX=0, deltaY=dy)

    async def click(self, x: int, y: int) -> None:
        """Press and release the left button."""
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def close(self) -> None:
        """Close the tab, as its cross does."""
        await self.browser.call("Target.closeTarget", targetId=self.target)
        await asyncio.sleep(0)
