"""One doctor's case, and a page shown again as it was."""

import re
from datetime import timedelta

import pytest

from portal.access.actions import revoke_link
from portal.access.queries import links_of
from tests.compliance.conftest import Office
from tests.reports.world import BY


def test_a_case_holds_consents_links_visits_and_pages_with_their_rules(office: Office) -> None:
    page = office.client.get(f"/staff/audit/doctor/{office.doctor}").text
    for words in ("Tracking: identified", "I agree", "brand-us-en", "the doctor, on the first device", "version 7"):
        assert words in page, words
    assert office.world.count("case.read") == 1


def test_a_case_as_of_a_day_leaves_out_what_came_later(office: Office) -> None:
    before = (office.world.at - timedelta(days=2)).date().isoformat()
    page = office.client.get(f"/staff/audit/doctor/{office.doctor}?as_of={before}").text
    assert "No decision was recorded" in page
    assert "No link was issued" in page
    on_the_day = office.world.at.date().isoformat()
    assert "Tracking: identified" in office.client.get(f"/staff/audit/doctor/{office.doctor}?as_of={on_the_day}").text


def test_a_link_revoked_later_was_valid_as_of_before(office: Office) -> None:
    with office.world.database.writing() as db:
        link = links_of(db, office.doctor)[0]
        later = office.world.at + timedelta(days=2)
        revoke_link(db, link.id, reason="Wrong address", by=BY, at=later)
    assert "Wrong address" in office.client.get(f"/staff/audit/doctor/{office.doctor}").text
    day = office.world.at.date().isoformat()
    assert "Wrong address" not in office.client.get(f"/staff/audit/doctor/{office.doctor}?as_of={day}").text


@pytest.mark.parametrize(
    "as_of", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31", "2026-01-01T00:00+99:00", "%01"]
)
def test_a_day_that_is_none_is_said_and_the_reading_is_recorded_all_the_same(office: Office, as_of: str) -> None:
    answer = office.client.get(f"/staff/audit/doctor/{office.doctor}?as_of={as_of}")
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert office.world.count("case.read") == 1


@pytest.mark.parametrize("wrong", ["0" * 32, "nonsense", "%27%3B--", "x" * 300])
def test_what_does_not_exist_is_missing(office: Office, wrong: str) -> None:
    for kind in ("doctor", "event", "page"):
        assert office.client.get(f"/staff/audit/{kind}/{wrong}").status_code == 404
    assert office.client.get(f"/staff/audit/page/{wrong}/raw").status_code == 404


def test_a_replay_tells_who_when_by_which_rules_and_in_which_order(office: Office) -> None:
    page = office.client.get(f"/staff/audit/page/{office.page}").text
    for words in ("The same page, byte for byte", "Dr Karla Meyer", "Version 7", "Because of renal", "Personal order"):
        assert words in page, words
    titles = re.findall(r'<div class="order-text"><b>([^<]+)</b>', page)
    assert titles == ["Renal", "Dosing", "Warnings"]
    assert f'src="/staff/audit/page/{office.page}/raw"' in page


def test_the_replayed_bytes_are_those_stored_and_inert(office: Office) -> None:
    answer = office.client.raw.get(f"/staff/audit/page/{office.page}/raw", base_url=office.client.base_url)
    assert answer.data == b"<p>As it was</p>"
    policy = answer.headers["Content-Security-Policy"]
    for part in ("script-src 'none'", "form-action 'none'", "connect-src 'none'", "sandbox", "frame-ancestors 'self'"):
        assert part in policy
    assert "allow-scripts" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert office.world.count("page.replayed") == 1


def test_a_page_changed_from_outside_is_said_in_red(office: Office) -> None:
    changed = office.world.page(office.doctor, office.visit, ("renal",), page_sha256="f" * 64)
    page = office.client.get(f"/staff/audit/page/{changed}").text
    assert "This is not the page that was served" in page
    assert "notice-bad" in page


def test_a_decision_in_an_unknown_format_does_not_break_the_page(office: Office) -> None:
    unknown = office.world.page(office.doctor, office.visit, ("renal",), decision="{}")
    assert "The decision cannot be read" in office.client.get(f"/staff/audit/page/{unknown}").text
