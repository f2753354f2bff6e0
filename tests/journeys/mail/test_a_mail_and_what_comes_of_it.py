"""Rep sends, scanner storms, doctor reads, a colleague gets the forwarded mail, the doctor unsubscribes."""

import re
import sqlite3
import urllib.error
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.conftest import Running, sign_in
from tests.mailserver import MailServer

pytestmark = pytest.mark.browser

PASSWORD = "walk-through-26"


def let_time_pass(portal: Running, statement: str) -> None:
    """Move moments of the stored mail back, instead of waiting."""
    database = sqlite3.connect(portal.folder / "portal.sqlite", timeout=20)
    with database:
        database.execute(statement)
    database.close()


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> int:
    asked = urllib.request.Request(url, data=body, method=method, headers={"User-Agent": "Mozilla/5.0 Chrome/90.0"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def stored_in(page: Page) -> str:
    """All that scripts of a page could read of what the browser keeps, and where it says it is and came from."""
    found = page.evaluate(
        "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage),"
        " document.cookie, document.referrer, location.href, history.state])"
    )
    return str(found)


def tiles(page: Page) -> dict[str, int]:
    """The figures of the funnel by label."""
    found = page.locator(".tile").evaluate_all(
        "all => all.map(t => [t.querySelector('.tile-label').innerText, t.querySelector('.tile-value').innerText])"
    )
    return {str(label): int(value) for label, value in found}


def test_a_mail_and_what_comes_of_it(portal: Running, phone: Page, desk: Page, mail_server: MailServer) -> None:
    portal.environment["PORTAL_SMTP_URL"] = mail_server.url

    # The representative writes to a doctor, sees the very mail, and sends it.
    sign_in(desk, portal.url, "rep@portal.example", PASSWORD)
    desk.get_by_role("link", name="Email", exact=True).click()
    desk.get_by_role("link", name="Write to a doctor").first.click()
    desk.get_by_label("Dr Karin Meier").check()
    desk.get_by_role("button", name="Continue").click()
    desk.get_by_label("Occasion").select_option("As you asked,")
    desk.get_by_label("Dosage and administration").first.check()
    desk.get_by_role("button", name="Update the preview").click()
    assert "Dear Dr Meier" in desk.frame_locator("iframe").locator("body").inner_text()
    desk.get_by_role("button", name="Send 1 email to Dr Karin Meier").click()
    desk.wait_for_url("**/sent")
    group = desk.url
    assert desk.get_by_role("button", name="Undo").is_visible()
    let_time_pass(portal, "UPDATE outbox SET due_at = datetime(due_at, '+1 hour')")  # a slow machine is given time
    portal.command("worker", "--once")
    assert mail_server.received == []  # it can still be undone
    let_time_pass(portal, "UPDATE outbox SET due_at = datetime(due_at, '-61 minutes')")
    portal.command("worker", "--once")
    portal.command("worker", "--once")
    [message] = mail_server.received
    text = message.get_body(("plain",))
    assert text is not None
    links = re.findall(r"http\S+/v/[a-z2-7]+", text.get_content())
    assert len(links) == 4

    # A scanner fetches everything in the mail, twice, and posts where it can.
    out = str(message["List-Unsubscribe"]).strip("<>")
    prefer = re.search(r"http\S+/p/[a-z2-7]+", text.get_content())
    assert prefer
    secrets = {link.rsplit("/", 1)[1] for link in (*links, out, prefer[0])}
    referers: list[str] = []
    phone.on("request", lambda asked: referers.append(asked.headers.get("referer", "")))
    for _ in range(2):
        for link in (*links, out, prefer[0]):
            assert fetch(link) == 200
            fetch(link, "HEAD")
        assert fetch(out, "POST", b"a=b") == 200
        for link in links:
            assert fetch(link, "POST", b"nonce=x") in (403, 404)
    let_time_pass(portal, "UPDATE links SET handed_over_at = datetime(handed_over_at, '-10 minutes')")
    phone.wait_for_timeout(11_000)  # the storm is over

    # The doctor opens one link, reads, and is known on this device.
    dosing = re.search(r"Read the dosage section: (\S+)", text.get_content())
    assert dosing
    phone.goto(dosing[1])
    phone.get_by_role("button", name="Open my page").click()
    phone.wait_for_url("**/m/dosing")
    for _ in range(8):
        phone.mouse.wheel(0, 60)
        phone.wait_for_timeout(1000)
    kept = [stored_in(phone)]
    phone.goto(portal.url + "/m/")
    phone.wait_for_timeout(500)
    kept.append(stored_in(phone))
    session = {cookie["value"] for cookie in phone.context.cookies()}

    # A colleague gets the forwarded mail: another device, nobody's.
    assert phone.context.browser is not None
    colleague = phone.context.browser.new_context()
    other = colleague.new_page()
    other.goto(dosing[1])
    other.get_by_role("button", name="Open my page").click()
    other.wait_for_url("**/m/dosing")
    other.goto(portal.url + "/m/")
    assert "this device is not known yet" in other.locator("body").inner_text().lower()
    unopened = next(link for link in links if link != dosing[1])  # another link of the same mail is no way around it
    other.goto(unopened)
    other.get_by_role("button", name="Open my page").click()
    other.wait_for_url("**/m/**")
    other.goto(portal.url + "/m/")
    assert "this device is not known yet" in other.locator("body").inner_text().lower()
    colleague.close()

    # The doctor unsubscribes on the page; from now on nothing can be sent.
    phone.goto(out)
    phone.get_by_role("button", name="Unsubscribe").click()
    assert phone.locator("h1").inner_text() == "Unsubscribe from email"  # pressing alone says nothing
    phone.get_by_label("Mail like the one I came from").check()
    phone.get_by_role("button", name="Unsubscribe").click()
    phone.wait_for_load_state()
    assert phone.locator("h1").inner_text() == "You are unsubscribed"

    # The representative sees it all, robots apart.
    desk.goto(group)
    figures = tiles(desk)
    assert figures["Accepted"] == 1
    assert figures["Opened by a person, confirmed"] == 1
    assert figures["Opened, unconfirmed"] == 0
    assert figures["Unsubscribed"] == 1
    assert figures["Automatic"] >= 8
    desk.goto(portal.url + "/staff/mail/new")
    assert "The doctor unsubscribed from mail." in desk.locator("main").inner_text()

    # What opens something stayed where it belongs.
    desk.goto(group)
    told = {
        "a Referer": "\n".join(referers),
        "the browser's storage": "\n".join(kept),
        "the log": portal.log.read_text(),
        "the representative's page": desk.content(),
    }
    assert any(referers)
    assert session
    for place, words in told.items():
        assert [secret for secret in secrets | session if secret in words] == [], place


def serious(page: Page) -> list[tuple[str, str, str]]:
    """What axe finds serious on a page with everything unfolded, and whether it scrolls sideways."""
    for summary in page.query_selector_all("details:not([open]) > summary:visible"):
        summary.click()
    found = [
        (page.url, issue["id"], issue["nodes"][0]["html"][:160])
        for issue in Axe().run(page).response["violations"]
        if issue["impact"] in ("serious", "critical")
    ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append((page.url, "scrolls sideways", ""))
    return found


def test_the_pages_of_mail_are_for_everyone(portal: Running, phone: Page) -> None:
    found = []
    sign_in(phone, portal.url, "rep@portal.example", PASSWORD)
    phone.goto(portal.url + "/staff/mail/new")
    found += serious(phone)
    phone.get_by_label("Dr Amira Haddad").check()
    phone.get_by_role("button", name="Continue").click()
    phone.wait_for_load_state()
    phone.locator("input[name=fragments]").first.check()
    phone.locator("input[name=modules]").first.check()
    phone.locator("button[value=send]").click()  # an occasion is missing
    phone.locator(".error-summary").wait_for()
    found += serious(phone)
    phone.select_option("select[name=value-occasion]", index=1)
    phone.locator("button[value=send]").click()
    phone.wait_for_url("**/sent")
    found += serious(phone)
    phone.locator("main table a").first.click()
    phone.wait_for_load_state()
    found += serious(phone)
    phone.context.clear_cookies()
    sign_in(phone, portal.url, "marketer@portal.example", PASSWORD)
    phone.goto(portal.url + "/staff/mail-pieces/")
    phone.get_by_role("link", name="After a conversation").first.click()
    phone.wait_for_load_state()
    found += serious(phone)
    phone.get_by_role("link", name="Begin the next version").click()
    phone.wait_for_load_state()
    found += serious(phone)

    # Rows are added and moved in place; the checks follow what is typed; the preview shows it.
    phone.get_by_role("button", name="Add a free text").click()
    phone.locator("input[name='f2.key']").fill("more")
    phone.get_by_text("Say in 1 to 200 characters").wait_for()
    phone.get_by_role("button", name="Remove: field 3").or_(phone.get_by_role("button", name="Remove: more")).click()
    phone.locator("input[name='f2.key']").wait_for(state="detached")
    phone.get_by_label("Title").fill("After a long conversation")
    phone.get_by_text("It can be rendered").wait_for()
    phone.get_by_role("button", name="Show what is typed").click()
    assert phone.frame_locator("#piece-preview").get_by_text("Dear Dr Example").inner_text()
    phone.get_by_role("button", name="Keep this draft").last.click()
    phone.get_by_text("The draft is kept.").wait_for()
    assert found == []
