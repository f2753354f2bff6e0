"""The portal as its users meet it: gunicorn on a free port, a fresh demo, a real Chromium."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.browser import FLAGS, chromium_path
from tests.conftest import KEY

# A headless Chromium says so in its user agent, and is rightly never a confirmed visit.
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
ANDROID = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36"
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Running:
    """A running portal: its address and its commands."""

    url: str
    environment: dict[str, str]
    log: Path
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def command(self, *words: str) -> str:
        """The output of a flask command on the same database."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def link(self, hcp: str = "H-1001", *more: str) -> str:
        """A fresh signed link for a doctor of the demo."""
        words = ("links", "issue", "--hcp", hcp, "--site", "atorvastatin-us-en", *more)
        found = re.search(r"http\S+/v/\S+", self.command(*words))
        assert found
        return found[0]

    def tracked(self, hcp: str = "H-1001") -> dict[str, object]:
        found = json.loads(self.command("tracking", "show", "--hcp", hcp, "--json"))
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, sqlite_demo_template: Path) -> Iterator[Running]:
    """A portal of this test file's own, with a copy of the demo in it."""
    yield from running(tmp_path_factory.mktemp("portal"), {}, demo=sqlite_demo_template)


def running(folder: Path, more: dict[str, str], *, demo: Path | None = None) -> Iterator[Running]:
    """A portal with the demo in it, its files in `folder`; `more` settings come on top.

    Without a file to copy, the demo is made by the commands that a new user gives.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PORTAL_")},
        "PORTAL_SECRET_KEY": KEY,
        "PORTAL_DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite'}",
        "PORTAL_INSTANCE_PATH": str(folder),
        "PORTAL_BASE_URL": url,
        "PORTAL_DEMO": "1",
        "PORT": str(port),
        **more,
    }
    flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
    if demo is not None:
        shutil.copy(demo, folder / "portal.sqlite")
    for words in () if demo else (["db", "upgrade"], ["demo", "seed"]):
        subprocess.run([*flask, *words], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=600)
    log = folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "python:portal.serving", "wsgi:app"],
            cwd=ROOT,
            env=environment,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    _wait_for(url + "/readyz", process)
    yield Running(url, environment, log, folder, process)
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system Chromium."""
    started = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    yield started
    started.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A doctor's phone: 360×640, touch, no cookies."""
    size = {"width": 360, "height": 640}
    yield from _page(browser.new_context(user_agent=ANDROID, viewport=size, has_touch=True, is_mobile=True))


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """A desk computer of staff: 1280×800, no cookies."""
    yield from _page(browser.new_context(user_agent=LINUX, viewport={"width": 1280, "height": 800}))


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    """Sign a member of staff in through the form."""
    page.goto(url + "/staff/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_load_state()


def _page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    faults: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    page.on(
        "request",
        lambda asked: foreign.append(asked.url) if not asked.url.startswith(("http://127.0.0.1", "data:")) else None,
    )
    yield page
    context.close()
    assert not faults, faults
    assert not foreign, foreign


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None, "gunicorn did not start"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")
