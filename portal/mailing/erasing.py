"""Takes a doctor's address and the text of their mail away; states, times and hashes stay."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.mailing.models import Mailing, Sending
from portal.mailing.sendings import end
from portal.mailing.states import Block, SendingState


def erase_mail(db: Session, hcp_id: str, *, at: datetime) -> int:
    """Erase every personal value from the mail of a doctor, stop what waits, and return how many mails there were."""
    query = select(Sending).where(Sending.hcp_id == hcp_id).order_by(Sending.id).with_for_update()
    found = list(db.scalars(query.execution_options(populate_existing=True)))
    for sending in found:
        if sending.state == SendingState.SCHEDULED:
            end(db, sending, SendingState.STOPPED, Block.NO_DOCTOR, at=at)
        sending.to_address = sending.subject = sending.html = sending.text = sending.unsubscribe_url = None
    groups = {sending.mailing_id for sending in found if sending.mailing_id is not None}
    for mailing in db.scalars(select(Mailing)):
        if mailing.id in groups or hcp_id in mailing.hcp_ids:
            mailing.filled = {}  # what was written to several may name one of them
            mailing.hcp_ids = [each for each in mailing.hcp_ids if each != hcp_id]
    return len(found)
