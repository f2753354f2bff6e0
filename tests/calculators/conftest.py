"""One Chromium and one page server for the calculators' tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.browser import FLAGS, chromium_path
from tests.calculators.site import Site, serve


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The system Chromium."""
    started = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    yield started
    started.close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A page for every calculator, under the portal's content policy."""
    with serve() as running:
        yield running


@pytest.fixture
def sheet(chromium: Browser) -> Iterator[Page]:
    """A phone-sized page that fails the test on any script error or refused resource."""
    context = chromium.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert not faults
