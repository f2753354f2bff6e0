"""The design language holds on a phone, on a desk, in the dark and for everyone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright

from tests.browser import FLAGS, chromium_path
from tests.web.gallery.gallery import PAGES, draw, served

SHOWN = (*PAGES, "error-404")
SITE = tuple(page for page in PAGES if page.startswith("site_"))

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as where:
        yield where


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    # The one Playwright of the whole run: a second one in the same process is refused.
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    yield browser
    browser.close()


def opened(
    browser: Browser, width: int, height: int, scheme: Literal["light", "dark"] = "light", *, script: bool = True
) -> tuple[Page, list[str]]:
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=script
    )
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 640), (1280, 800)])
def test_axe_finds_nothing_serious_and_the_policy_is_kept(
    address: str, chromium: Browser, width: int, height: int, scheme: Literal["light", "dark"]
) -> None:
    page, said = opened(chromium, width, height, scheme)
    found = []
    for name in SHOWN:
        page.goto(f"{address}/{name}")
        for details in page.query_selector_all("details:not([open]) > summary:visible"):
            details.click()
        for issue in Axe().run(page).response["violations"]:
            if issue["impact"] in ("serious", "critical"):
                found.append((name, issue["id"], [node["html"][:160] for node in issue["nodes"]]))
    page.close()
    assert found == []
    assert said == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_scrolls_sideways(address: str, chromium: Browser, width: int) -> None:
    page, _ = opened(chromium, width, 640 if width > 320 else 256)
    wide = []
    for name in SHOWN:
        page.goto(f"{address}/{name}")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(name)
    page.close()
    assert wide == []


SMALL_TARGETS = """(least) => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
  .filter((each) => each.type !== 'hidden')
  .filter((each) => each.checkVisibility() && !each.closest('.skip-link'))
  .filter((each) => !(each.matches('a') && getComputedStyle(each).display === 'inline'))
  .map((each) => [each.closest('label') || each, each])
  .map(([box, each]) => [Math.round(box.getBoundingClientRect().height * 10) / 10, each.outerHTML.slice(0, 90)])
  .filter(([height]) => height < least - 0.5)"""


@pytest.mark.parametrize(("start", "least"), [("site_", 44), ("door_", 44), ("staff_", 24), ("auth_", 24)])
def test_targets_are_large_enough(address: str, chromium: Browser, start: str, least: int) -> None:
    page, _ = opened(chromium, 360, 640)
    small = []
    for name in PAGES:
        if name.startswith(start):
            page.goto(f"{address}/{name}")
            small += [(name, *each) for each in page.evaluate(SMALL_TARGETS, least)]
    page.close()
    assert small == []


HIDDEN_FOCUS = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect();
  if (at === document.body || box.height === 0) return null;
  if (at.closest('.safety-bar, .staff-head, .undo-bar, .skip-link')) return null;
  const covers = [...document.querySelectorAll('.safety-bar, .staff-head')]
    .filter((bar) => getComputedStyle(bar).position === 'sticky').map((bar) => bar.getBoundingClientRect());
  const middle = Math.min(Math.max(box.top + box.height / 2, box.top), box.bottom);
  const hidden = covers.some((bar) => box.top >= bar.top - 1 && box.bottom <= bar.bottom + 1);
  return hidden || middle < 0 || box.top > innerHeight ? at.outerHTML.slice(0, 120) : null;
}"""


@pytest.mark.parametrize("name", ["site_home", "site_module", "staff_lists", "staff_rules"])
def test_the_focus_is_never_under_a_bar(address: str, chromium: Browser, name: str) -> None:
    page, _ = opened(chromium, 360, 640)
    page.goto(f"{address}/{name}")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    hidden = []
    for key in ("Tab", "Shift+Tab"):
        for _ in range(45):
            page.keyboard.press(key)
            if lost := page.evaluate(HIDDEN_FOCUS):
                hidden.append(lost)
    page.close()
    assert hidden == []


def test_an_error_summary_takes_the_focus_and_leads_to_its_field(address: str, chromium: Browser) -> None:
    page, _ = opened(chromium, 360, 640)
    page.goto(f"{address}/auth_sign_in")
    assert page.evaluate("document.activeElement.className") == "error-summary"
    page.click(".error-summary a")
    assert page.evaluate("document.activeElement.id") == "email"
    page.close()


def test_rows_are_put_in_order_by_buttons_alone(address: str, chromium: Browser) -> None:
    page, _ = opened(chromium, 1280, 800)
    page.goto(f"{address}/staff_rules")
    page.get_by_role("button", name="Move down: Dosing and administration").click()
    assert page.eval_on_selector_all("input[name=module]", "all => all.map((each) => each.value)") == ["b", "a", "c"]
    assert page.inner_text("#announcer").endswith("now 2 of 3")
    page.close()


def test_expanding_and_printing_are_reported(address: str, chromium: Browser) -> None:
    page, _ = opened(chromium, 1280, 800)
    page.goto(f"{address}/site_module")
    page.evaluate("window.told = []; document.addEventListener('portal:event', (each) => told.push(each.detail))")
    page.click("summary:has-text('References')")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("told.length === 2")
    told = page.evaluate("told.map((each) => [each.type, each.subject]).sort()")
    assert told == [["module.expanded", "dosing"], ["page.printed", ""]]
    page.close()


@pytest.mark.parametrize("name", SITE)
def test_every_page_reads_without_a_script(address: str, chromium: Browser, name: str) -> None:
    page, _ = opened(chromium, 360, 640, script=False)
    page.goto(f"{address}/{name}")
    assert page.locator("[data-copy]:visible, [data-print]:visible").count() == 0
    assert page.locator(".safety-bar a:visible").count() == 3
    page.close()


@pytest.mark.parametrize("name", SHOWN)
def test_a_page_has_one_heading_and_no_doubled_id(name: str) -> None:
    html = draw(name)
    ids = [part.split('"')[0] for part in html.split(' id="')[1:]]
    assert html.count("<h1") == 1
    assert sorted(ids) == sorted(set(ids))
