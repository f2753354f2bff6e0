"""Reports that lie, swell or nest: a clear answer, quickly, and nothing left behind."""

import base64
import quopri
import time
from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.db import Database
from portal.mailing.models import DeliveryReport, Unsubscribe
from portal.mailing.reports import LONGEST, ReportUnreadable, read_report
from portal.mailing.returns import take_in
from portal.mailing.states import SendingState
from tests.mailing.conftest import Office
from tests.mailing.test_what_comes_back import ID, complaint, dsn


def nested(depth: int) -> bytes:
    """A message in a message, many times over."""
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (number, number) for number in range(depth)
    )
    return b"MIME-Version: 1.0\r\n" + opened + dsn()


def forwarded(depth: int) -> bytes:
    return b"MIME-Version: 1.0\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * depth + dsn()


PART = b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n"
STRANGERS = ({}, {"Authorization": "Bearer s"}, {"Authorization": "Bearer \xe9"}, {"Authorization": "Basic x"})
HOSTILE = {
    "empty": b"",
    "blank": b" \r\n" * 1000,
    "too large": dsn() + b"x" * LONGEST,
    "nested 2000 deep": nested(2000),
    "forwarded 2000 deep": forwarded(2000),
    "ten thousand parts": dsn().replace(
        b"--B\r\n", b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 10_000 + b"--B\r\n", 1
    ),
    "ten thousand fields": dsn().replace(b"Action:", b"X-A: b\r\n" * 10_000 + b"Action:"),
    "one line of a million": b"Subject: " + b"a" * 1_000_000 + b"\r\n" + dsn(),
    "unknown charset": dsn().replace(b"text/plain", b"text/plain; charset=klingon-8", 1),
    "utf-16": dsn().decode().encode("utf-16"),
    "broken base64": dsn().replace(
        b"Content-Type: message/delivery-status",
        b"Content-Transfer-Encoding: base64\r\nContent-Type: message/delivery-status",
    ),
    "null bytes": dsn().replace(b"Action: failed", b"Action: fai\0led\0"),
    "raw bytes": dsn().replace(b"I'm sorry.", bytes(range(256))),
    "encoded word bomb": b"Subject: " + b"=?utf-8?q?" * 50_000 + b"\r\n" + dsn(),
    "comments bomb": b"Content-Type: " + b"(" * 50_000 + b"\r\n\r\n",
    "boundary of the parts missing": dsn().replace(b'; boundary="B"', b""),
    "content type twice": b"Content-Type: text/html\r\n" + dsn(),
    "envelope id of nobody": dsn("f" * 32),
    "message id of nobody": dsn("f" * 32, envelope=False),
    "of another house": dsn(envelope=False).replace(b"@portal.example>", b"@other.example>"),
    "many ids": dsn(envelope=False).replace(b"Subject: x", b"References: " + b"<a@b> " * 20_000),
}


@pytest.mark.parametrize("raw", list(HOSTILE.values()), ids=list(HOSTILE))
def test_no_report_holds_up_the_reader(raw: bytes) -> None:
    began = time.process_time()
    with suppress(ReportUnreadable):
        assert len(read_report(raw).sending_id) == 32
    assert time.process_time() - began < 5


def counts(database: Database) -> tuple[int, int]:
    with database.reading() as db:
        reports = db.scalar(select(func.count()).select_from(DeliveryReport)) or 0
        return reports, db.scalar(select(func.count()).select_from(Unsubscribe)) or 0


def test_a_hostile_report_by_the_hook_is_answered_and_leaves_nothing(sqlite_demo_app: Flask) -> None:
    app_settings = sqlite_demo_app.extensions["portal.settings"]
    sqlite_demo_app.extensions["portal.settings"] = app_settings.model_copy(update={"mail_hook_secret": "s" * 20})
    machine = sqlite_demo_app.test_client()
    database = sqlite_demo_app.extensions["portal.database"]
    for name, raw in HOSTILE.items():
        for headers in (
            {},
            {"Authorization": "Bearer s"},
            {"Authorization": "Bearer \xe9"},
            {"Authorization": "Basic x"},
        ):
            assert machine.post("/mail/reports", data=raw, headers=headers).status_code in (404, 413), name
        right = {"Authorization": "Bearer " + "s" * 20}
        answer = machine.post("/mail/reports", data=raw, headers=right)
        assert answer.status_code in (413, 422), name
        if answer.status_code == 422:
            assert answer.get_json()["refused"].endswith("."), name
    assert counts(database) == (0, 0)


def test_a_report_is_about_one_of_our_mails_that_went_out(office: Office) -> None:
    """A report on a mail that no server has seen is forged: it neither fails nor unsubscribes anybody."""
    [waiting] = office.sent()
    for raw in (dsn(waiting), dsn(waiting, envelope=False), complaint(waiting)):
        with pytest.raises(ReportUnreadable, match="has not gone out"), office.database.writing() as db:
            take_in(db, raw, at=clock.now())
    assert counts(office.database) == (0, 0)
    assert office.look(waiting).state is SendingState.SCHEDULED
    office.work()
    with office.database.writing() as db:
        take_in(db, dsn(waiting), at=clock.now())
    assert office.look(waiting).state is SendingState.FAILED


def encoded(kind: str, encoding: str, status: bytes, returned: bytes = b"") -> bytes:
    """A report whose parts are in a transfer encoding, as mail of other letters is reported (RFC 6533)."""
    codecs = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring, "7bit": bytes}
    head = f"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    parts = [(f"message/{kind}".encode(), status), (b"text/rfc822-headers", returned)]
    body = b"".join(b"--B\r\nContent-Type: " + name + head + codecs[encoding](part) + b"\r\n" for name, part in parts)
    return b'MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary="B"\r\n\r\n' + body + b"--B--\r\n"


STATUS = b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: utf-8; k@c.example\r\nAction: failed\r\n"
RETURNED = f"Subject: x\r\nMessage-ID:\r\n <{ID}@portal.example>\r\n".encode()


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
@pytest.mark.parametrize("kind", ["delivery-status", "global-delivery-status"])
def test_a_report_is_read_in_every_encoding(kind: str, encoding: str) -> None:
    report = read_report(encoded(kind, encoding, STATUS + b"Status: 5.1.1\r\n", RETURNED))
    assert (report.sending_id, report.word, report.status_code) == (ID, "no such address", "5.1.1")


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (b"Diagnostic-Code: smtp; 550 No such user here\r\n", "no such address"),
        (b"Diagnostic-Code: smtp; 552 the box is full\r\n", "mailbox full"),
        (b"Status: 5.0.0\r\nDiagnostic-Code: smtp; 550-5.2.2 over quota\r\n", "mailbox full"),
        (b"Status: 5.7.1\r\nDiagnostic-Code: smtp; 550 5.1.1 blocked\r\n", "refused by the mail server"),
        (b"Status: 5.0.0\r\n", "refused by the mail server"),
    ],
)
def test_a_report_that_says_little_is_read_with_what_the_server_answered(said: bytes, word: str) -> None:
    assert read_report(encoded("delivery-status", "7bit", STATUS + said, RETURNED)).word == word


def test_a_report_on_an_answer_to_our_mail_is_not_one_on_our_mail() -> None:
    answer = f"Message-ID: <a@clinic.example>\r\nIn-Reply-To: <{ID}@portal.example>\r\n"
    answer += f"References: <{ID}@portal.example>\r\n"
    with pytest.raises(ReportUnreadable, match="which mail"):
        read_report(encoded("delivery-status", "7bit", STATUS, answer.encode()))


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc"])
def test_feedback_that_is_no_complaint_unsubscribes_nobody(kind: str) -> None:
    with pytest.raises(ReportUnreadable, match="no complaint"):
        read_report(complaint().replace(b"Feedback-Type: abuse", f"Feedback-Type: {kind}".encode()))
