"""A marketer's day in a real browser: write, try, get it approved, see it live, explain, switch off, revert."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from portal.db import Database
from portal.microsite.models import StoredArrangement
from tests.journeys.conftest import LINUX, Running, sign_in
from tests.journeys.test_the_loop_closes import PASSWORD, order

pytestmark = pytest.mark.browser


def pages_of(portal: Running) -> list[str]:
    """The ids of the pages served, oldest first."""
    database = Database(portal.environment["PORTAL_DATABASE_URL"])
    with database.reading() as db:
        ids = list(db.scalars(select(StoredArrangement.id).order_by(StoredArrangement.at)))
    database.close()
    return ids


def test_a_marketers_day(portal: Running, phone: Page, desk: Page, browser: Browser) -> None:
    # Yesterday a cardiologist came: the page is in the standard order.
    phone.goto(portal.link("H-1001"))
    phone.get_by_role("button", name="Open my page").click()
    phone.wait_for_url("**/m/")
    before = order(phone)
    assert before.index("clinical-studies") > 2

    # The marketer begins a draft and writes a rule, every control by its label.
    sign_in(desk, portal.url, "marketer@portal.example", PASSWORD)
    desk.goto(portal.url + "/staff/rules/")
    desk.get_by_role("button", name="Change the rules").click()
    desk.get_by_role("link", name="Add a rule").click()
    desk.get_by_label("Name").fill("Studies for cardiologists")
    desk.get_by_label("What it looks at").select_option("specialty")
    desk.get_by_label("Value", exact=True).fill("cardiology")
    desk.get_by_label("Value", exact=True).blur()
    expect(desk.locator("#rule-reach")).to_contain_text(re.compile(r"Matches \d+ of \d+ doctors"))
    desk.get_by_role("button", name="AND", exact=True).click()
    expect(desk.get_by_label("What it looks at")).to_have_count(2)
    expect(desk.get_by_label("What it looks at").nth(1)).to_be_focused()
    desk.get_by_label("What it looks at").nth(1).select_option("segment")
    expect(desk.get_by_label("Value", exact=True)).to_have_count(2)
    desk.get_by_label("Value", exact=True).nth(1).select_option("A")
    desk.get_by_label("Which modules").select_option("modules")
    desk.get_by_label("Module 1").select_option("clinical-studies")
    desk.get_by_label("Points").fill("200")
    desk.get_by_role("button", name="Keep this rule").last.click()

    # 200 points are too many, and nothing is written for doctors: both are said, all that was typed is kept.
    summary = desk.locator(".error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Points: Write at most 100")
    expect(summary).to_contain_text("Reason: This is needed.")
    expect(desk.get_by_label("Name")).to_have_value("Studies for cardiologists")
    desk.get_by_label("Points").fill("50")
    desk.get_by_label("BECAUSE").fill("Cardiologists ask for the studies first.")
    desk.get_by_role("button", name="Keep this rule").last.click()
    expect(desk.locator("#rule-studies-for-cardiologists")).to_contain_text("Clinical studies")
    draft = desk.url

    # Lint and the difference stand beside it; it is tried on the doctor and on history.
    expect(desk.locator("#changes")).to_contain_text("Studies for cardiologists")
    expect(desk.locator("#findings")).to_be_visible()
    desk.get_by_role("link", name="Try it").click()
    desk.get_by_label("Reference of the doctor").fill("H-1001")
    desk.get_by_role("button", name="Try", exact=True).click()
    expect(desk.locator("main")).to_contain_text("specialty is cardiology")
    expect(desk.get_by_role("row", name=re.compile("Clinical studies"))).to_contain_text("rises")
    desk.get_by_role("link", name="Back-test").click()
    desk.get_by_role("button", name="Try on all pages").click()
    expect(desk.locator("main")).to_contain_text("History comes out as served")
    expect(desk.get_by_role("row", name=re.compile("Clinical studies"))).to_be_visible()
    assert "do not come out as they were served" not in desk.locator("main").inner_text()

    # A second person approves; the page of the doctor changes with the next request, and says why.
    desk.goto(draft)
    desk.get_by_label("What is this change for?").fill("Asked for at the congress")
    desk.get_by_role("button", name="Put to review").click()
    version = desk.url
    reviewer = browser.new_context(user_agent=LINUX).new_page()
    sign_in(reviewer, portal.url, "reviewer@portal.example", PASSWORD)
    reviewer.goto(version)
    expect(reviewer.locator("main")).to_contain_text("Asked for at the congress")
    expect(reviewer.locator("#findings")).to_contain_text("Worth a second look")
    phone.goto(portal.url + "/m/")
    assert order(phone) == before
    reviewer.get_by_role("button", name="Approve and make live").click()
    phone.goto(portal.url + "/m/")
    assert order(phone)[0] == "clinical-studies"
    expect(phone.locator("#module-clinical-studies")).to_contain_text("Cardiologists ask for the studies first.")

    # Any page ever served can be explained.
    served = pages_of(portal)
    assert "Studies for cardiologists: Matched" in portal.command("explain", "--arrangement", served[-1])
    assert "Studies for cardiologists" not in portal.command("explain", "--arrangement", served[0])

    # One rule is switched off at once, with a reason; later the old version comes back.
    desk.goto(portal.url + "/staff/rules/")
    desk.get_by_role("link", name="Switch off: Studies for cardiologists").click()
    desk.get_by_label("Reason").fill("The congress is over")
    desk.get_by_role("button", name=re.compile("Switch off")).click()
    expect(desk.locator("#rule-studies-for-cardiologists")).to_contain_text("Off: The congress is over")
    phone.goto(portal.url + "/m/")
    assert order(phone) == before
    reviewer.goto(portal.url + "/staff/rules/history")
    reviewer.get_by_role("link", name="Version 1", exact=True).click()
    reviewer.get_by_label("Why").fill("Back to the rules of before")
    reviewer.get_by_role("button", name="Revert to version 1").click()
    expect(reviewer.locator("main")).to_contain_text("The rules of version 1 are live again.")
    expect(reviewer.locator("#rule-studies-for-cardiologists")).to_have_count(0)
    reviewer.context.close()
