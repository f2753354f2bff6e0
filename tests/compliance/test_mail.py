"""Mail in a doctor's case and timeline: as sent, byte for byte, and in words."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from flask import Flask

from portal.db import new_id
from portal.mailing.models import Sending
from tests.client import HouseClient
from tests.compliance.conftest import Office
from tests.people import Staff
from tests.reports.world import World

HTML = "<p>Dear Dr Meyer</p><script>no()</script>"


def send(
    world: World, doctor: str, *, sender: str | None = None, state: str = "accepted", kind: str = "approved"
) -> str:
    row = Sending(
        id=new_id(),
        kind=kind,
        site_id=world.site_id,
        hcp_id=doctor,
        sender_id=sender,
        fragments=[],
        modules=[],
        to_address="karla@clinic.example",
        from_name="Anna",
        subject="News on dosing",
        html=HTML,
        text="",
        sha256=hashlib.sha256(HTML.encode()).hexdigest(),
        message_id=f"<{new_id()}@portal.example>",
        state=state,
        reason="no such address" if state == "failed" else None,
        composed_at=world.at,
        due_at=world.at + timedelta(seconds=30),
        handed_over_at=world.at + timedelta(seconds=40),
    )
    with world.database.writing() as db:
        db.add(row)
    return row.id


def test_a_case_lists_mail_and_shows_it_as_it_was_sent(office: Office) -> None:
    sent = send(office.world, office.doctor)
    send(office.world, office.doctor, kind="test")
    page = office.client.get(f"/staff/audit/doctor/{office.doctor}").text
    assert page.count("News on dosing") == 1
    assert "accepted by the mail server" in page
    answer = office.client.raw.get(f"/staff/audit/mail/{sent}", base_url=office.client.base_url)
    assert answer.text == HTML
    assert "script-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert office.world.count("email.reread") == 1


def test_mail_that_does_not_exist_or_was_erased_is_missing(office: Office) -> None:
    assert office.client.get(f"/staff/audit/mail/{'0' * 32}").status_code == 404
    assert office.client.get("/staff/audit/mail/nonsense").status_code == 404


def test_a_rep_reads_mail_in_words_on_the_timeline_and_opens_only_their_own(
    app: Flask, world: World, sign_in: Callable[[HouseClient, str], Staff]
) -> None:
    client = HouseClient(app)
    rep = sign_in(client, "rep")
    doctor = world.doctor("H-1", rep=rep.id)
    mine = send(world, doctor, sender=rep.id)
    theirs = send(world, doctor, state="failed")
    page = client.get(f"/staff/doctors/{doctor}").text
    assert page.count("Email “News on dosing”") == 2
    assert "failed (no such address)" in page
    assert f"/{mine}" in page
    assert f"/{theirs}" not in page
    assert client.get(f"/staff/audit/mail/{mine}").status_code == 403
