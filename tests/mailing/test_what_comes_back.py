"""Delivery reports, complaints, fresh links, the funnel, erasure."""

import json
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from portal import clock
from portal.access.models import Link
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.hcp.actions import revoke_access
from portal.mailing.erasing import erase_mail
from portal.mailing.models import DeliveryReport, Sending, Unsubscribe
from portal.mailing.outbox import MailAsSent, as_sent
from portal.mailing.reports import ReportUnreadable, read_report
from portal.mailing.returns import take_in
from portal.mailing.sendings import revoke_mailing
from portal.mailing.states import SendingState
from portal.reports.mail_funnel import by_template, figures_of, funnel_of
from tests.access.test_door import GESTURE, press
from tests.attacks.world import sign_in
from tests.client import HouseClient
from tests.mailing.conftest import LINKS, Office
from tests.mailing.test_writing import hcp_id

ID = "0123456789abcdef" * 2


def dsn(sending_id: str = ID, *, action: str = "failed", status: str = "5.1.1", envelope: bool = True) -> bytes:
    """A delivery report as postfix writes it (RFC 3464)."""
    named = f"Original-Envelope-Id: {sending_id}\r\n" if envelope else ""
    returned = "" if envelope else f"Message-ID: <{sending_id}@portal.example>\r\n"
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: portal@portal.example\r\nSubject: Undelivered Mail\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example\r\n{named}\r\n"
        f"Final-Recipient: rfc822; karin.meier@clinic.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 unknown\r\n"
        f"--B\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n{returned}\r\n--B--\r\n"
    ).encode()


def complaint(sending_id: str = ID) -> bytes:
    """A complaint as mailbox providers write it (RFC 5965)."""
    return (
        "From: fbl@provider.example\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nabuse\r\n"
        "--B\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n"
        "--B\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: <{sending_id}@portal.example>\r\nSubject: x\r\n\r\nbody\r\n--B--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("raw", "kind", "word", "status"),
    [
        (dsn(), "failed", "no such address", "5.1.1"),
        (dsn(envelope=False), "failed", "no such address", "5.1.1"),
        (dsn(status="5.2.2"), "failed", "mailbox full", "5.2.2"),
        (dsn(status="5.7.1"), "failed", "refused by the mail server", "5.7.1"),
        (dsn(action="delayed", status="4.4.1"), "delayed", "try later", "4.4.1"),
        (dsn(action="delivered", status="2.0.0"), "delivered", "delivered", "2.0.0"),
        (dsn(action="FAILED (permanent)", status="nonsense"), "failed", "no such address", "5.1.1"),
        (complaint(), "complaint", "reported as unwanted", None),
    ],
)
def test_reports_are_read(raw: bytes, kind: str, word: str, status: str | None) -> None:
    report = read_report(raw)
    assert (report.sending_id, report.kind, report.word, report.status_code) == (ID, kind, word, status)


@given(st.one_of(st.binary(max_size=400), st.binary(max_size=60).map(lambda noise: dsn()[:200] + noise + dsn()[200:])))
@hypothesis_settings(max_examples=400, deadline=None)
def test_no_input_breaks_the_reader(raw: bytes) -> None:
    with suppress(ReportUnreadable):
        assert re.fullmatch(r"[0-9a-f]{32}", read_report(raw).sending_id)


def test_a_bounce_ends_the_mail_blocks_the_address_and_counts_once(office: Office) -> None:
    [sending_id] = office.sent()
    office.work()
    for _ in range(2):
        with office.database.writing() as db:
            take_in(db, dsn(sending_id), at=clock.now())
    row = office.look(sending_id)
    assert (row.state, row.reason, row.status_code) == (SendingState.FAILED, "no such address", "5.1.1")
    with office.database.reading() as db:
        assert len(db.scalars(select(DeliveryReport.id)).all()) == 1
        funnel = funnel_of(db, row.mailing_id or "")
    assert (funnel.mails, funnel.accepted, funnel.failed, funnel.bounced) == (1, 0, 1, 1)
    from portal.mailing.refusals import CompositionRefused

    with pytest.raises(CompositionRefused, match="came back"):
        office.sent()


def test_a_complaint_unsubscribes(office: Office) -> None:
    [sending_id] = office.sent()
    office.work()
    with office.database.writing() as db:
        take_in(db, complaint(sending_id), at=clock.now())
    with office.database.reading() as db:
        assert db.scalars(select(Unsubscribe.method)).all() == ["complaint"]
    with pytest.raises(Exception, match="unsubscribed"):
        office.sent()


def test_a_report_or_a_fetched_link_settles_what_was_uncertain(office: Office) -> None:
    office.server.hang_up = "data"
    first, second = office.sent("H-1001")[0], office.sent("H-1002")[0]
    assert office.work() == {SendingState.UNCERTAIN: 2}
    with office.database.writing() as db:
        take_in(db, dsn(first, action="delayed", status="4.4.1"), at=clock.now())
    assert office.look(first).state is SendingState.ACCEPTED
    from portal.access.actions import touch_link
    from portal.access.evidence import Grade

    with office.database.writing() as db:
        link = db.scalars(select(Link.id).where(Link.sending_id == second)).first()
        assert link is not None
        touch_link(db, link, kind="fetched", grade=Grade.FETCHED, marks=frozenset(), address_hash="x", at=clock.now())
    office.server.hang_up = ""
    assert office.work() == {SendingState.ACCEPTED: 1}
    assert office.look(second).state is SendingState.ACCEPTED


def test_reports_come_in_by_post_with_the_secret_only(sqlite_demo_app: Flask) -> None:
    machine = sqlite_demo_app.test_client()
    assert machine.post("/mail/reports", data=dsn()).status_code == 404
    app_settings = sqlite_demo_app.extensions["portal.settings"]
    sqlite_demo_app.extensions["portal.settings"] = app_settings.model_copy(update={"mail_hook_secret": "s" * 20})
    for secret in ("", "Bearer ", "Bearer wrong", "Bearer " + "s" * 19):
        assert machine.post("/mail/reports", data=dsn(), headers={"Authorization": secret}).status_code == 404
    right = {"Authorization": "Bearer " + "s" * 20}
    assert machine.post("/mail/reports", data=dsn(), headers=right).status_code == 422  # about no mail of ours
    assert machine.post("/mail/reports", data=b"", headers=right).status_code == 422


def test_bounces_come_in_by_command(sqlite_demo_app: Flask, tmp_path: Path) -> None:
    run = sqlite_demo_app.test_cli_runner()
    refused = run.invoke(args=["mail", "bounce"], input=b"hello")
    assert (refused.exit_code, "neither a delivery report" in refused.output) == (1, True)
    assert "not ours" in run.invoke(args=["mail", "bounce"], input=dsn()).output
    assert run.invoke(args=["mail", "send-outbox"]).exit_code == 1  # no server is set
    assert json.loads(run.invoke(args=["mail", "outbox", "--json"]).output) == []
    assert run.invoke(args=["worker", "--once"]).exit_code == 0


def text_of(mail: MailAsSent | None) -> str:
    """The text of a mail that went out."""
    assert mail is not None
    assert mail.text
    return mail.text


def test_the_funnel_keeps_people_robots_and_calls_apart(demo_app: Flask, office: Office) -> None:
    sent = office.sent("H-1001", "H-1002", "H-1003")
    office.work()
    with office.database.writing() as db:
        db.execute(update(Link).values(handed_over_at=clock.now() - timedelta(minutes=5)))
    demo_app.extensions["portal.database"] = office.database
    demo_app.extensions["portal.tokens"] = LINKS._tokens
    with office.database.reading() as db:
        texts = {one: text_of(as_sent(db, one)) for one in sent}
    robots, person = HouseClient(demo_app), HouseClient(demo_app)
    for one in sent[:2]:
        for token in re.findall(r"/v/([a-z2-7]+)", texts[one]):
            assert robots.get(f"/v/{token}").status_code == 200
    dosing = re.search(r"Read the dosage section: \S+/v/([a-z2-7]+)", texts[sent[2]])
    assert dosing
    assert press(person, f"/v/{dosing[1]}").status_code == 303
    assert GESTURE
    with office.database.reading() as db:
        mailing = office.look(sent[0]).mailing_id or ""
        funnel = funnel_of(db, mailing)
        rows = by_template(db)
    assert (funnel.mails, funnel.accepted, funnel.confirmed, funnel.unconfirmed, funnel.automatic) == (3, 3, 0, 1, 10)
    by_action = {call.action: (call.confirmed, call.unconfirmed, call.automatic) for call in funnel.calls}
    assert by_action["dosing/dosing/1"] == (0, 1, 2)
    assert by_action["after-visit/home/1"] == (0, 0, 2)
    assert [row.accepted for row in rows] == [None]  # three doctors are too few to show


def test_a_small_number_is_not_told_by_what_is_left_of_a_large_one(office: Office) -> None:
    sent = office.sent("H-1001", "H-1002", "H-1003", "H-1004", "H-1005", "H-1006")
    office.work()
    with office.database.reading() as db:
        assert [(row.doctors, row.accepted, row.failed) for row in by_template(db)] == [(6, 6, 0)]
    with office.database.writing() as db:
        take_in(db, dsn(sent[0]), at=clock.now())
    with office.database.reading() as db:
        assert [(row.doctors, row.accepted, row.failed) for row in by_template(db)] == [(6, None, None)]


@pytest.mark.parametrize(
    ("counts", "opened", "told"),
    [
        ({"a": 0, "b": 0}, 0, {"a": 0, "b": 0}),
        ({"a": 9, "b": 0}, 9, {"a": 9, "b": 0}),
        ({"a": 4, "b": 0}, 4, {"a": None, "b": 0}),
        ({"a": 20, "b": 4}, 24, {"a": None, "b": None}),  # 24 less 20
        ({"a": 18, "b": 6}, 20, {"a": None, "b": None}),  # two opened b and not a
        ({"a": 10, "b": 12}, 20, {"a": None, "b": None}),  # two opened both
        ({"a": 10, "b": 10}, 20, {"a": 10, "b": 10}),
        ({"a": 20, "b": 20}, 20, {"a": 20, "b": 20}),
        ({"a": 15, "b": 15}, 22, {"a": 15, "b": 15}),
        ({"a": 10, "b": 10, "c": 1}, 21, {"a": None, "b": None, "c": None}),
        ({"a": 10, "b": 10, "c": 10}, 30, {"a": 10, "b": 10, "c": 10}),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
def test_calls_to_action_tell_no_small_group(counts: dict[str, int], opened: int, told: dict[str, int | None]) -> None:
    assert {figure.action: figure.opened for figure in figures_of(counts, opened)} == told


def test_managers_and_marketers_see_each_call_to_action(demo_app: Flask, office: Office) -> None:
    sent = office.sent("H-1001", "H-1002", "H-1003", "H-1004", "H-1005", "H-1006")
    office.work()
    with office.database.reading() as db:
        paths = dict(db.execute(select(Link.sending_id, Link.id).where(Link.action == "dosing/dosing/1")).all())
    demo_app.extensions["portal.database"] = office.database
    demo_app.extensions["portal.tokens"] = tokens = LINKS._tokens
    for place, sending_id in enumerate(sent):
        press(HouseClient(demo_app), "/v/" + tokens.for_id(Purpose.LINK, paths[sending_id]))
        if place in (3, 4):
            with office.database.reading() as db:
                [row] = by_template(db)
            calls = {call.action: call.opened for call in row.calls}
            assert calls.pop("dosing/dosing/1") == (None if place == 3 else 5)
            assert set(calls.values()) == {0}
    for who in ("manager@portal.example", "marketer@portal.example"):
        staff = HouseClient(demo_app)
        sign_in(staff, who)
        page = staff.get("/staff/outbox/figures").text
        assert re.search(r'dosing.*?<td class="num">6</td>', page)
        assert "not told" not in page
        assert "Meier" not in page


def test_a_revoked_mailing_opens_nothing_and_stops_what_waits(demo_app: Flask, office: Office) -> None:
    first = office.sent("H-1001", "H-1002")
    mailing = office.look(first[0]).mailing_id or ""
    with office.database.writing() as db:
        assert revoke_mailing(db, mailing, reason="wrong version", links=LINKS, by=Actor.system("t"), at=clock.now())
        assert not revoke_mailing(db, mailing, reason="again", links=LINKS, by=Actor.system("t"), at=clock.now())
    assert office.work() == {}
    with office.database.reading() as db:
        assert None not in db.scalars(select(Link.revoked_at).where(Link.sending_id.in_(first))).all()


def fresh(app: Flask, address: str) -> str:
    client = HouseClient(app)
    answer = client.post("/v/fresh", data={"address": address})
    assert answer.status_code == 200
    answer.close()
    return re.sub(r"\?v=[0-9a-f]+", "", answer.text)


def fresh_mails(app: Flask) -> list[tuple[str | None, str | None]]:
    with app.extensions["portal.database"].reading() as db:
        rows = db.execute(select(Sending.to_address, Sending.text).where(Sending.kind == "fresh-link")).all()
    return [(row[0], row[1]) for row in rows]


def test_a_fresh_link_goes_to_the_address_on_file_and_the_answer_tells_nothing(demo_app: Flask) -> None:
    assert "Email me a fresh link" in HouseClient(demo_app).get("/v/lost").text
    known = fresh(demo_app, "Karin.Meier@clinic.example ")
    assert fresh(demo_app, "nobody@clinic.example") == known
    assert fresh(demo_app, "not an address") == known
    [(to, text)] = fresh_mails(demo_app)
    assert to == "karin.meier@clinic.example"
    token = re.search(r"/v/([a-z2-7]+)", text or "")
    assert token
    assert HouseClient(demo_app).get(f"/v/{token[1]}").status_code == 200
    for word in ("Lipitor", "atorvastatin"):
        assert word not in (text or "")
    for _ in range(4):
        assert fresh(demo_app, "karin.meier@clinic.example") == known
    assert len(fresh_mails(demo_app)) == 3  # at most three a day


def test_no_fresh_link_for_who_lost_access(demo_app: Flask) -> None:
    with demo_app.extensions["portal.database"].writing() as db:
        revoke_access(db, hcp_id(demo_app, "H-1001"), reason="left", by=Actor.system("t"), at=clock.now())
    fresh(demo_app, "karin.meier@clinic.example")
    assert fresh_mails(demo_app) == []


def test_erasing_leaves_hashes_and_no_words(office: Office) -> None:
    [sending_id] = office.sent()
    office.work()
    [waiting] = office.sent()
    hcp = office.look(sending_id).hcp_id
    with office.database.writing() as db:
        assert erase_mail(db, hcp, at=clock.now()) == 2
    with office.database.reading() as db:
        mail = as_sent(db, sending_id)
        assert mail is not None
        assert (mail.subject, mail.html, mail.text) == (None, None, None)
        assert len(mail.sha256) == 64
    assert office.look(waiting).state is SendingState.STOPPED
    assert office.work(after=timedelta(days=1)) == {}
