"""A calculator written from nothing, approved by a second person, used by a doctor, and stopped: in a real browser."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import LINUX, Running, running, sign_in

pytestmark = pytest.mark.browser
PASSWORD = "walk-through-26"
VALUES = {"tested": 20, "positive": 5}
TYPED = {"Tested": "760.90357", "Positive": "83.02713"}  # no counter of whole milliseconds and no token holds these


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A portal with the demo in it."""
    yield from running(tmp_path_factory.mktemp("portal"), {})


def finished(text: str) -> str:
    """The share of positive tests, written into what the studio began."""
    ends = {"kind": "number", "unit": "1", "allowed": {"from": 0, "up_to": 1000}}
    written = json.loads(text) | {
        "inputs": [
            {"name": "tested", "label": "Tested", **ends, "allowed": {"from": 1, "up_to": 1000}},
            {"name": "positive", "label": "Positive", **ends},
        ],
        "refusals": [
            {"when": "positive > tested", "fields": ["positive"], "say": "Not more than were tested."},
        ],
        "outputs": [
            {"name": "share", "label": "Share", "is": "100 * positive / tested", "unit": "1", "decimals": 1},
        ],
        "formula_text": ["Share = 100 × positive ÷ tested"],
        "worked_example": {"title": "Five of twenty", "inputs": VALUES, "result": {"share": 25}},
        "use_when": ["Trying the studio"],
        "not_for": ["Patients"],
        "pitfalls": ["Small numbers"],
        "references": [{"text": "Arithmetic", "url": "https://example.org/share"}],
        "vectors": [{"inputs": VALUES, "expected": {"share": 25}, "source": "by hand"}],
    }
    return json.dumps(written, indent=1)


def test_from_nothing_to_the_doctor_and_back(portal: Running, browser: Browser, phone: Page, desk: Page) -> None:
    # A marketer begins it; the key of a page is refused beside its field, and what was typed stays.
    sign_in(desk, portal.url, "marketer@portal.example", PASSWORD)
    desk.goto(portal.url + "/staff/content/")
    desk.get_by_role("link", name="New calculator").click()
    desk.get_by_label("Title").fill("Share of positives")
    desk.get_by_label("Key").fill("search")
    desk.get_by_label("Purpose").fill("How many of those tested were positive.")
    desk.get_by_role("button", name="Begin").click()
    expect(desk.locator("#key-error")).to_contain_text("taken by a page")
    desk.get_by_label("Key").fill("share-of-positives")
    desk.get_by_role("button", name="Begin").click()
    desk.wait_for_url("**/definition/")

    # The checks are live: what is missing is named while it is written, and the calculator can be tried.
    findings, area = desk.locator("#findings"), desk.locator("#definition")
    expect(findings).to_contain_text("still to be written", timeout=20_000)
    wrong = finished(area.input_value()).replace('"share": 25', '"share": 26')
    area.fill(wrong)
    expect(findings).to_contain_text("share should be 26", timeout=20_000)
    area.fill(finished(area.input_value()).replace('"share": 26', '"share": 25'))
    expect(findings).to_contain_text("Sound", timeout=20_000)
    desk.get_by_role("textbox", name="Tested").fill("8")
    desk.get_by_role("textbox", name="Positive").fill("1")
    expect(findings.locator("[data-value]")).to_have_text("12.5", timeout=20_000)
    desk.get_by_role("button", name="Keep in the draft").click()
    desk.get_by_role("link", name="Back to the version").click()
    desk.get_by_role("button", name="Put to review").click()
    version = desk.url
    assert desk.get_by_role("button", name="Approve").count() == 0

    # A second person approves it.
    second = browser.new_context(user_agent=LINUX).new_page()
    sign_in(second, portal.url, "reviewer@portal.example", PASSWORD)
    second.goto(version)
    second.get_by_label("Approval code").fill("SHARE-1")
    second.get_by_role("button", name="Approve").click()
    expect(second.locator("body")).to_contain_text("Approved as SHARE-1")

    # The doctor finds it in the list and uses it; what is typed stays there.
    phone.goto(portal.link("H-1001"))
    phone.get_by_role("button", name="Open my page").click()
    phone.wait_for_url("**/m/")
    sent: list[str] = []
    phone.on("request", lambda asked: sent.append(asked.url + (asked.post_data or "")))
    phone.goto(portal.url + "/m/calculators")
    phone.get_by_role("link", name="Share of positives").first.click()
    phone.wait_for_url("**/m/share-of-positives")
    for label, text in TYPED.items():
        phone.get_by_role("textbox", name=label).fill(text)
    expect(phone.locator("[data-value]")).to_have_text("10.9", timeout=20_000)
    expect(phone.locator("body")).to_contain_text("Approval code SHARE-1")
    phone.wait_for_timeout(1200)
    phone.goto(portal.url + "/m/")
    assert not [line for line in sent if any(text in line for text in TYPED.values())]
    command = ("calculators", "eval", "share_of_positives", "--inputs", json.dumps(VALUES), "--json")
    assert json.loads(portal.command(*command))["value"] == 25
    uses = json.dumps(portal.tracked("H-1001"))
    assert "share_of_positives" in uses

    # Withdrawn, it is gone at once, for the doctor and for the command line.
    second.goto(f"{version}/withdraw")
    second.get_by_label(re.compile("Reason|Why")).fill("Only a trial")
    second.locator("main form button[type=submit]").first.click()
    answer = phone.goto(portal.url + "/m/share-of-positives")
    assert answer is not None
    assert answer.status == 404
    assert portal.run(*command).returncode == 2
    second.context.close()
