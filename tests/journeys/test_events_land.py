"""Every event beside dwell, fired from the real pages in a real browser, as it lands in the store."""

import sqlite3

import pytest
from playwright.sync_api import Page

from tests.journeys.conftest import Running

pytestmark = pytest.mark.browser


def stored(portal: Running) -> set[tuple[str, str, str]]:
    """Type, subject and value of everything that landed."""
    with sqlite3.connect(portal.folder / "portal.sqlite") as db:
        return {tuple(row) for row in db.execute("SELECT type, subject, value FROM interactions")}


def land(portal: Running, page: Page, *expected: tuple[str, str, str]) -> None:
    """Wait until all of `expected` have landed."""
    for _ in range(100):
        if set(expected) <= stored(portal):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"missing: {set(expected) - stored(portal)}")


def test_what_a_doctor_does_lands_in_the_store(portal: Running, desk: Page) -> None:
    desk.goto(portal.link("H-1001"))
    desk.get_by_role("button", name="Open my page").click()
    desk.wait_for_url("**/m/")

    # On the home page: the first modules are passed by, one is saved, one called not relevant.
    desk.mouse.move(300, 300)
    desk.wait_for_timeout(300)
    desk.mouse.wheel(0, 4000)
    desk.wait_for_timeout(500)
    desk.get_by_role("button", name="Save for later").first.click()
    desk.get_by_role("button", name="Not relevant").last.click()

    # A module: its contents unfolded, read, taken along, printed, found useful.
    desk.goto(portal.url + "/m/warnings")
    desk.mouse.move(300, 300)
    desk.get_by_text("On this page", exact=True).click()
    with desk.expect_download() as taken:
        desk.get_by_role("link", name="Take it along").click()
    leaflet = taken.value.path().read_text()
    assert taken.value.suggested_filename == "warnings.html"
    for needed in ("Skeletal Muscle", "1-800-FDA-1088", "Indication", "Approval code", "superseded label"):
        assert needed.lower() in leaflet.lower(), needed
    assert "<script" not in leaflet
    desk.emulate_media(media="print")
    desk.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    desk.emulate_media(media="screen")
    desk.wait_for_timeout(1300)
    desk.get_by_role("group", name="Was this useful?").get_by_role("button", name="Yes").click()
    land(
        portal,
        desk,
        ("module.expanded", "warnings", ""),
        ("module.downloaded", "warnings", ""),
        ("module.opened", "warnings", ""),
        ("module.useful", "warnings", "yes"),
        ("page.printed", "warnings", ""),
    )

    # A calculator: opened, completed with its band where the definition lets it be recorded.
    desk.goto(portal.url + "/m/calc-ckd-epi-2021-cr")
    desk.get_by_role("textbox", name="Age").fill("33")
    desk.get_by_role("textbox", name="creatinine").fill("2.36")
    desk.get_by_text("Female", exact=True).click()
    land(portal, desk, ("calculator.opened", "ckd_epi_2021_cr", ""), ("calculator.completed", "ckd_epi_2021_cr", "g4"))

    # A search, and the standard order.
    desk.goto(portal.url + "/m/search?q=muscle")
    desk.goto(portal.url + "/m/")
    desk.get_by_role("button", name="Show the standard order").click()
    assert "as you asked" in desk.locator(".order-note").inner_text()
    types = {type for type, _, _ in stored(portal)}
    assert {"module.skipped", "module.saved", "module.dismissed", "search.done", "order.standard"} <= types

    # The counts follow: one download, one reading that was useful.
    with sqlite3.connect(portal.folder / "portal.sqlite") as db:
        day = db.execute("SELECT sum(downloads), max(useful) FROM daily_dwell WHERE module_key = 'warnings'").fetchone()
    assert day == (1, 1)
