"""The worker's part: claims a mail, tries to hand it over, settles it. No mail goes twice, none is lost silently.

Three transactions per mail: claim; the last question (everything is checked again, the doctor's row is locked, the
sending is marked `handing-over`) just before the end of the message goes out; and the settlement. Killed before the
second, the mail is tried again. Killed after it, the mail is uncertain, and a person decides.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.content import queries as content
from portal.db import Database, new_id
from portal.hcp.models import Hcp
from portal.hcp.queries import hcp_card
from portal.mailing.blockers import blockers, may_be_reached
from portal.mailing.courier import Courier, Outcome, Verdict
from portal.mailing.events import EmailFailed, EmailHandedOver, EmailSent, EmailStopped, EmailUncertain
from portal.mailing.mailings import linked_modules
from portal.mailing.message import Letter, as_bytes, is_sendable
from portal.mailing.models import Mailing, Outbox, Sending
from portal.mailing.ports import Links
from portal.mailing.queries import piece_in_force, pieces_by_id
from portal.mailing.sendings import end
from portal.mailing.states import MAY_HAVE_ARRIVED, OF_SERVER, Block, Failure, SendingKind, SendingState

LEASE = timedelta(minutes=5)
PATIENCE = timedelta(hours=24)
_PAUSES = (1, 5, 15, 60, 180, 360)  # minutes after the first, second, … attempt; then the last again
_BY = Actor.system("worker")


@dataclass
class Tally:
    """How the mails of one run ended, by state."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, state: str) -> None:
        """Count one mail."""
        self.counts[state] = self.counts.get(state, 0) + 1


@dataclass(frozen=True, slots=True)
class _Claim:
    sending_id: str
    token: str
    attempt: int
    letter: Letter


class Handover:
    """Hands over what is due, one mail after the other."""

    def __init__(
        self,
        database: Database,
        courier: Courier,
        links: Links,
        *,
        mail_from: str,
        clock: Callable[[], datetime],
        on_step: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take what is needed; `on_step` hears the name of every step before it is taken."""
        self._database = database
        self._courier = courier
        self._links = links
        self._mail_from = mail_from
        self._clock = clock
        self._on_step = on_step

    def run(self, *, most: int = 200) -> Tally:
        """Hand over what is due, at most `most` mails, and say how they ended."""
        tally = Tally()
        for state in self._sweep():
            tally.add(state)
        for _ in range(most):
            self._on_step("claim")
            claim = self._claim(tally)
            if claim is None:
                break
            state, failure = self._hand_over(claim)
            tally.add(state)
            if failure in OF_SERVER:
                break  # no other mail would fare better; whoever is refused too often is shut out
        self._courier.close()
        return tally

    def _sweep(self) -> list[str]:
        """Settle uncertain mails that arrived after all: something fetched one of their links."""
        with self._database.writing() as db:
            uncertain = list(db.scalars(select(Sending).where(Sending.state == SendingState.UNCERTAIN).limit(500)))
            touched = self._links.touched(db, [sending.id for sending in uncertain]) if uncertain else set()
            for sending in uncertain:
                if sending.id in touched:
                    accept(db, sending, proof="a link of it was fetched", at=self._clock())
            return [SendingState.ACCEPTED] * len(touched)

    def _claim(self, tally: Tally) -> _Claim | None:
        at = self._clock()
        with self._database.writing() as db:
            free = and_(Outbox.due_at <= at, or_(Outbox.claimed_until.is_(None), Outbox.claimed_until <= at))
            query = select(Sending).join(Outbox, Outbox.sending_id == Sending.id).where(free)
            query = query.order_by(Outbox.due_at, Sending.id).limit(1)
            while True:
                # Everywhere the sending is locked before its row in the outbox, and that before the links.
                sending = db.scalar(
                    query.with_for_update(of=Sending, skip_locked=True).execution_options(populate_existing=True)
                )
                if sending is None:
                    return None
                row = db.scalar(select(Outbox).where(Outbox.sending_id == sending.id, free).with_for_update())
                if row is None:
                    continue  # another worker was quicker between the two statements
                if sending.state == SendingState.HANDING_OVER:
                    _uncertain(db, sending, at=at)  # whoever claimed it ended between the dot and the answer
                    tally.add(SendingState.UNCERTAIN)
                    db.flush()
                    continue
                row.claim, row.claimed_until, row.attempts = new_id(), at + LEASE, row.attempts + 1
                sending.state = SendingState.SENDING
                if not sending.to_address or not is_sendable(sending.to_address):
                    _fail(db, sending, Failure.BAD_ADDRESS, None, at=at)
                    tally.add(SendingState.FAILED)
                    db.flush()
                    continue
                return _Claim(sending.id, row.claim, row.attempts, self._letter(sending))

    def _hand_over(self, claim: _Claim) -> tuple[str, Failure | None]:
        asked: list[str | None] = []

        def may_end() -> bool:
            asked.append(self._last_question(claim))
            return asked[0] is None

        self._on_step("claimed")
        letter = claim.letter
        outcome = self._courier.deliver(
            letter.sender, letter.recipient, as_bytes(letter), envelope_id=claim.sending_id, may_end=may_end
        )
        self._on_step("settle")
        state = self._settle(claim, outcome)
        self._on_step("settled")
        return state, outcome.failure

    def _last_question(self, claim: _Claim) -> str | None:
        """Check everything once more and mark the mail as being handed over; return what stands against it."""
        at = self._clock()
        with self._database.writing() as db:
            hcp_id = db.scalar(select(Sending.hcp_id).where(Sending.id == claim.sending_id))
            # Whoever unsubscribes locks the doctor first, too: one of the two comes before the other.
            db.get(Hcp, hcp_id, with_for_update=True, populate_existing=True)
            sending = db.get_one(Sending, claim.sending_id, with_for_update=True, populate_existing=True)
            row = db.get(Outbox, claim.sending_id, with_for_update=True, populate_existing=True)
            if row is None or row.claim != claim.token or sending.state != SendingState.SENDING:
                return "claimed by another worker"
            against = _against(db, sending, at)
            if against is not None:
                end(db, sending, SendingState.STOPPED, against, at=at)
                self._links.revoke(db, [sending.id], reason="the mail was never sent", by=_BY, at=at)
                record(db, EmailStopped(sending=sending.id, hcp=sending.hcp_id, reason=against), by=_BY, at=at)
                return against
            sending.state, sending.handed_over_at = SendingState.HANDING_OVER, at
            row.claimed_until = at + LEASE
            self._links.hand_over(db, sending.id, at=at)
            event = EmailHandedOver(sending=sending.id, hcp=sending.hcp_id, attempt=claim.attempt)
            record(db, event, by=_BY, at=at)
            self._on_step("commit")
        self._on_step("committed")
        return None

    def _settle(self, claim: _Claim, outcome: Outcome) -> str:
        at = self._clock()
        with self._database.writing() as db:
            sending = db.get_one(Sending, claim.sending_id, with_for_update=True, populate_existing=True)
            row = db.get(Outbox, claim.sending_id, with_for_update=True, populate_existing=True)
            if outcome.verdict is Verdict.ACCEPTED:
                # True whoever holds the claim by now: the server said so.
                if sending.state in (SendingState.HANDING_OVER, SendingState.UNCERTAIN):
                    accept(db, sending, proof="the mail server said so", at=at)
                    self._links.hand_over(db, sending.id, at=at)
                return sending.state
            if row is None or row.claim != claim.token:
                return sending.state
            if outcome.verdict is Verdict.UNKNOWN:
                _uncertain(db, sending, at=at)
            elif outcome.verdict is Verdict.REFUSED:
                _fail(db, sending, outcome.failure or Failure.REFUSED, outcome.status_code, at=at)
            elif outcome.verdict is Verdict.LATER:
                _later(db, sending, row, outcome, at=at)
            return sending.state

    def _letter(self, sending: Sending) -> Letter:
        return Letter(
            sending_id=sending.id,
            message_id=sending.message_id,
            kind=sending.kind,
            group=sending.mailing_id or sending.id,
            sender=self._mail_from,
            from_name=sending.from_name,
            reply_to=sending.reply_to,
            recipient=sending.to_address or "",
            subject=sending.subject or "",
            html=sending.html or "",
            text=sending.text or "",
            unsubscribe_url=sending.unsubscribe_url,
            date=sending.due_at,
        )


def accept(db: Session, sending: Sending, *, proof: str, at: datetime) -> None:
    """Settle a sending as accepted."""
    end(db, sending, SendingState.ACCEPTED, None, at=at)
    sending.handed_over_at = sending.handed_over_at or at
    record(db, EmailSent(sending=sending.id, hcp=sending.hcp_id, proof=proof), by=_BY, at=at)


def _against(db: Session, sending: Sending, at: datetime) -> str | None:
    """Return what stands against a sending now, in one word."""
    if sending.kind == SendingKind.TEST:
        return None
    card = hcp_card(db, sending.hcp_id)
    if card is None or card.erased_at is not None:
        return Block.NO_DOCTOR
    if card.email != sending.to_address:
        return Block.NO_ADDRESS  # it was written to an address that is not on file any more
    if sending.kind != SendingKind.APPROVED:
        return next((each.block for each in may_be_reached(db, card)), None)
    site = content.site_by_id(db, sending.site_id)
    template = pieces_by_id(db, [sending.template_id or ""]).get(sending.template_id or "")
    if site is None or template is None:
        return Block.SITE
    if db.scalar(select(Mailing.revoked_at).where(Mailing.id == sending.mailing_id)) is not None:
        return Block.REVOKED
    found = blockers(db, card.id, site, template=template, due_at=at, states=MAY_HAVE_ARRIVED, but=sending.id)
    if found:
        return found[0].block
    if any(piece_in_force(db, version_id, at) is None for version_id in sending.fragments):
        return Block.EXPIRED
    linked = linked_modules(db, [template.id, *sending.fragments]) | {each["key"] for each in sending.modules}
    in_force = {module.key for module in content.modules_in_force(db, site.id, at)}
    return None if linked <= in_force else Block.EXPIRED


def _later(db: Session, sending: Sending, row: Outbox, outcome: Outcome, *, at: datetime) -> None:
    failure = outcome.failure or Failure.TRY_LATER
    if at - sending.due_at >= PATIENCE:
        _fail(db, sending, Failure.GAVE_UP, outcome.status_code, at=at)
        return
    sending.state, sending.handed_over_at = SendingState.SCHEDULED, None
    sending.reason, sending.status_code = failure, outcome.status_code
    pause = timedelta(minutes=_PAUSES[min(row.attempts, len(_PAUSES)) - 1])
    row.claim, row.claimed_until, row.due_at, row.last_error = None, None, at + pause, failure


def _fail(db: Session, sending: Sending, failure: Failure, status: str | None, *, at: datetime) -> None:
    end(db, sending, SendingState.FAILED, failure, at=at)
    sending.handed_over_at, sending.status_code = None, status
    event = EmailFailed(sending=sending.id, hcp=sending.hcp_id, reason=failure, status_code=status)
    record(db, event, by=_BY, at=at)


def _uncertain(db: Session, sending: Sending, *, at: datetime) -> None:
    end(db, sending, SendingState.UNCERTAIN, Failure.LOST_REPLY, at=at)
    record(db, EmailUncertain(sending=sending.id, hcp=sending.hcp_id), by=_BY, at=at)
