"""The whole loop in a real browser: a link, a personal page, eight seconds, a new order, a report, a replay."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Running, running, sign_in

pytestmark = pytest.mark.browser

PASSWORD = "walk-through-26"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A portal made by the commands that a new user gives."""
    yield from running(tmp_path_factory.mktemp("portal"), {})


def order(page: Page) -> list[str]:
    """The module keys of the home page, from first to last."""
    hrefs = page.locator(".module-card .module-title a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    return [str(href).removeprefix("/m/") for href in hrefs]


def test_the_loop_closes(portal: Running, phone: Page, desk: Page) -> None:
    # The doctor opens the link: a neutral page, no cookie, nothing spent.
    phone.goto(portal.link("H-1001"))
    assert phone.locator("h1").inner_text() == "A page prepared for you"
    assert "Dr K. M." in phone.locator("main").inner_text()
    assert "Meier" not in phone.content()
    assert phone.context.cookies() == []

    # The button opens the personal page; no token stays in the address.
    phone.get_by_role("button", name="Open my page").click()
    phone.wait_for_url("**/m/")
    assert "/v/" not in phone.url
    text = phone.locator("body").inner_text()
    for needed in ("For US healthcare professionals", "superseded label", "INDICATION", "1-800-FDA-1088"):
        assert needed.lower() in text.lower(), needed
    before = order(phone)
    assert "warnings" in before
    assert len(before) >= 12

    # Eight seconds on the warnings module.
    phone.locator("a[href='/m/warnings']").first.click()
    phone.wait_for_url("**/m/warnings")
    assert phone.locator("h1").count() == 1
    began = time.monotonic()
    for _ in range(8):
        phone.mouse.wheel(0, 40)
        phone.wait_for_timeout(1000)
    read_ms = (time.monotonic() - began) * 1000  # by the reader's own clock: a busy machine reads longer

    # One calculator, computed in the browser; what is typed stays there.
    sent: list[str] = []
    phone.on("request", lambda asked: sent.append(asked.url + (asked.post_data or "")))
    phone.goto(portal.url + "/m/calc-ckd-epi-2021-cr")
    phone.get_by_role("textbox", name="Age").fill("33")
    phone.get_by_role("textbox", name="creatinine").fill("2.36017")
    phone.get_by_text("Female", exact=True).click()
    expect(phone.locator("[data-value]")).to_have_text("27", timeout=20_000)
    phone.wait_for_timeout(1200)
    assert not any("2.36017" in each for each in sent)

    # The order has changed, and says why.
    phone.goto(portal.url + "/m/")
    after = order(phone)
    assert after != before
    assert after.index("warnings") < before.index("warnings")
    why = phone.locator("#module-warnings .module-why").inner_text()
    assert re.search(r"because|read|interest", why, re.IGNORECASE), why
    served = phone.evaluate("fetch('/m/', {cache: 'no-store'}).then(r => r.text())")

    # The standard order is one tap away, and back.
    phone.get_by_role("button", name="Show the standard order").click()
    phone.wait_for_load_state()
    assert order(phone) == before
    phone.get_by_role("button", name="Show my own order").click()
    phone.wait_for_load_state()
    assert order(phone) == after

    # The representative sees the eight seconds within one second, and the calculator.
    dwell_ms = _dwell_of(portal.tracked("H-1001"), "warnings")
    assert read_ms >= 8000
    assert abs(dwell_ms - read_ms) <= 1000, (dwell_ms, read_ms)
    sign_in(desk, portal.url, "rep@portal.example", PASSWORD)
    desk.goto(portal.url + "/staff/doctors/")
    desk.get_by_role("link", name="Meier").first.click()
    desk.wait_for_load_state()
    report = desk.locator("main").inner_text()
    shown = {f"{second} s" for second in range(int(read_ms / 1000) - 1, int(read_ms / 1000) + 2)}
    assert shown & set(re.findall(r"\b\d+ s\b", report)), (shown, report)
    assert re.search(r"ckd|kidney|egfr", report, re.IGNORECASE)

    # Somebody else's doctor is as good as missing.
    missing = desk.goto(portal.url + "/staff/doctors/" + "0" * 32)
    assert missing is not None
    assert missing.status == 404

    # Compliance finds all of it and opens the page again, byte for byte.
    desk.context.clear_cookies()
    sign_in(desk, portal.url, "compliance@portal.example", PASSWORD)
    desk.goto(portal.url + "/staff/audit/?q=hcp:H-1001")
    listed = desk.locator("main").inner_text().lower()
    for deed in ("issued a link", "opened a link", "was shown a page"):
        assert deed in listed, deed
    desk.goto(portal.url + "/staff/audit/?q=hcp:H-1001 action:page.served")
    hrefs = desk.locator("a[href*='/staff/audit/page/']").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    replays = [desk.request.get(portal.url + str(href) + "/raw").text() for href in dict.fromkeys(hrefs)]
    assert served in replays
    desk.goto(portal.url + str(hrefs[0]))
    assert desk.frame_locator("iframe").locator("h1").count() == 1


def test_the_page_reads_without_javascript(portal: Running, browser: object) -> None:
    from playwright.sync_api import Browser

    assert isinstance(browser, Browser)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 640})
    page = context.new_page()
    page.goto(portal.link("H-1002"))
    page.get_by_role("button", name="Open my page").click()
    page.wait_for_url("**/m/")
    assert len(order(page)) >= 12
    page.goto(portal.url + "/m/calc-ckd-epi-2021-cr")
    assert "142" in page.locator("main").inner_text()  # the formula is there to read
    views = portal.tracked("H-1002")["page_views"]
    assert isinstance(views, list)
    assert views
    assert all(view["dwell_ms"] is None for view in views)  # unknown, never zero
    context.close()


def test_a_second_device_is_nobody(portal: Running, phone: Page, desk: Page) -> None:
    link = portal.link("H-1003")
    phone.goto(link)
    phone.get_by_role("button", name="Open my page").click()
    phone.wait_for_url("**/m/")
    desk.goto(link)
    desk.get_by_role("button", name="Open my page").click()
    desk.wait_for_url("**/m/")
    assert "this device is not known yet" in desk.locator("main").inner_text()


def _dwell_of(tracked: dict[str, object], module: str) -> int:
    views = tracked["page_views"]
    assert isinstance(views, list)
    shown = [view for view in views if view["page"] == module]
    # The page's seconds are the module's: its heading lies in a measured section too.
    of_module = sum(s["dwell_ms"] for view in shown for s in view["sections"] if s["module"] == module)
    of_page = sum(view["dwell_ms"] or 0 for view in shown)
    assert abs(of_module - of_page) <= 500, (of_module, of_page)
    return of_page
