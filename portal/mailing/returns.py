"""Takes delivery reports and complaints in: written once each, and what follows from them."""

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.db import new_id
from portal.hcp.models import Hcp
from portal.mailing.events import EmailReported
from portal.mailing.handover import accept
from portal.mailing.models import DeliveryReport, Sending
from portal.mailing.reports import Report, ReportUnreadable, read_report
from portal.mailing.states import ReportKind, SendingKind, SendingState
from portal.mailing.unsubscribing import unsubscribe

_BY = Actor.system("mail reports")
# No server has had such a mail, so whoever reports on it made the report up.
_NEVER_OUT = (SendingState.SCHEDULED, SendingState.SENDING, SendingState.STOPPED, SendingState.UNDONE)


def take_in(db: Session, raw: bytes, *, at: datetime) -> Report:
    """Write a report down and return what it says; raises ReportUnreadable. The same report twice counts once.

    A failure ends the sending as failed, a complaint unsubscribes, and any report proves that the server had the mail.
    """
    report = read_report(raw)
    hcp_id = db.scalar(select(Sending.hcp_id).where(Sending.id == report.sending_id))
    if hcp_id is None:
        raise ReportUnreadable("It is about a mail that is not ours.")
    db.get_one(Hcp, hcp_id, with_for_update=True)  # everywhere the doctor is locked before the sending
    sending = db.get_one(Sending, report.sending_id, with_for_update=True, populate_existing=True)
    if sending.state in _NEVER_OUT:
        raise ReportUnreadable("It is about a mail that has not gone out.")
    digest = hashlib.sha256(raw).hexdigest()
    seen = select(DeliveryReport.id).where(DeliveryReport.sending_id == sending.id, DeliveryReport.sha256 == digest)
    if db.scalar(seen) is not None:
        return report
    row = DeliveryReport(
        id=new_id(),
        sending_id=sending.id,
        kind=report.kind,
        status_code=report.status_code,
        word=report.word,
        sha256=digest,
        at=at,
    )
    db.add(row)
    event = EmailReported(
        sending=sending.id,
        hcp=sending.hcp_id,
        report=report.kind,
        word=report.word,
        status_code=report.status_code,
    )
    record(db, event, by=_BY, at=at)
    if sending.state in (SendingState.UNCERTAIN, SendingState.HANDING_OVER):
        accept(db, sending, proof="a report on it came back", at=at)
    if report.kind is ReportKind.FAILED and sending.state == SendingState.ACCEPTED:
        sending.state, sending.reason, sending.status_code = SendingState.FAILED, report.word, report.status_code
    db.flush()  # the next check of this doctor sees the report
    if report.kind is ReportKind.COMPLAINT and sending.kind != SendingKind.TEST:
        unsubscribe(db, sending.id, method="complaint", by=_BY, at=at)
    return report
