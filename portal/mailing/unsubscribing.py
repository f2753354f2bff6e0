"""What a doctor says about mail: unsubscribing, how often it may come, and that it is wanted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.content.queries import site_by_id
from portal.db import is_id, new_id
from portal.hcp.actions import declare_interests, record_consent, update_profile
from portal.hcp.consents import ANSWERED, GIVEN, OPTED_IN, REFUSED, UNSUBSCRIBED, Purpose, end_of
from portal.hcp.models import Hcp
from portal.hcp.profiles import CHANNELS
from portal.hcp.queries import consent_in_force
from portal.mailing.events import EmailUnsubscribed, OptInAsked, PreferencesChanged
from portal.mailing.models import MailPreference, OptIn, Sending, Unsubscribe
from portal.mailing.refusals import MailRefused
from portal.mailing.sendings import end
from portal.mailing.states import Block, Frequency, SendingKind, SendingState

OPT_IN_LIFE = timedelta(days=7)
WORDS = {
    "one-click": "Unsubscribed with the button of the mail program (RFC 8058)",
    "page": "Unsubscribed on the page behind the link in the mail",
    "preferences": "Stopped mail on the preference page",
    "complaint": "Reported the mail as unwanted to the mailbox provider",
}
CONFIRMED = "Pressed the button in the mail that asked whether mail is wanted"
DECLINED = "Chose “No” on the page behind the mail that asked whether mail is wanted"


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a sending was for."""

    sending_id: str
    hcp_id: str
    site_id: str


def addressee(db: Session, sending_id: str) -> Addressee | None:
    """Return whom a sending was for; tests to colleagues are for nobody."""
    row = db.execute(select(Sending.hcp_id, Sending.site_id, Sending.kind).where(Sending.id == sending_id)).first()
    return Addressee(sending_id, row[0], row[1]) if row is not None and row[2] != SendingKind.TEST else None


def unsubscribe(
    db: Session, sending_id: str, *, method: str, everywhere: bool = False, by: Actor | None = None, at: datetime
) -> bool:
    """Unsubscribe the doctor of a sending from its site or from all; return False if they were; waiting mail stops."""
    who = addressee(db, sending_id)
    if who is None:
        return False
    # Locked before anything is read: a mail that is being handed over now comes before or after, never between.
    hcp = db.get_one(Hcp, who.hcp_id, with_for_update=True, populate_existing=True)
    decision = consent_in_force(db, who.hcp_id, who.site_id, at).mail_decision
    # A no of another source is not enough: what came by mail only the doctor's mailbox can take back.
    is_out = decision is not None and decision.decision == REFUSED and decision.source.startswith(UNSUBSCRIBED)
    is_out = is_out and (not everywhere or (decision is not None and decision.site_id is None))
    if hcp.erased_at is not None or is_out:
        return False
    site_id = None if everywhere else who.site_id
    by = by or Actor.hcp(who.hcp_id)
    source = f"{UNSUBSCRIBED} ({method})"
    record_consent(db, who.hcp_id, site_id, Purpose.MAIL, REFUSED, source, WORDS[method], by=by, at=at)
    db.add(Unsubscribe(id=new_id(), sending_id=sending_id, hcp_id=who.hcp_id, site_id=site_id, method=method, at=at))
    stopped = _stop_waiting(db, who.hcp_id, site_id, at=at)
    event = EmailUnsubscribed(sending=sending_id, hcp=who.hcp_id, site=site_id, method=method, stopped=stopped)
    record(db, event, by=by, at=at)
    return True


def choose(
    db: Session,
    who: Addressee,
    *,
    frequency: str,
    channel: str | None,
    topics: Iterable[str] | None,
    at: datetime,
) -> None:
    """Write down how often and by which channel a doctor wants to hear, and what about; `topics` None leaves them."""
    by = Actor.hcp(who.hcp_id)
    try:
        wanted = Frequency(frequency)
    except ValueError:
        raise MailRefused("Choose how often mail may come.") from None
    mine = (MailPreference.hcp_id == who.hcp_id, MailPreference.site_id == who.site_id)
    db.get_one(Hcp, who.hcp_id, with_for_update=True)
    held = db.scalar(select(MailPreference).where(*mine))
    if held is None or held.frequency != wanted:
        if held is None:
            db.add(MailPreference(id=new_id(), hcp_id=who.hcp_id, site_id=who.site_id, frequency=wanted, at=at))
        else:
            held.frequency, held.at = wanted, at
        record(db, PreferencesChanged(hcp=who.hcp_id, site=who.site_id, frequency=wanted), by=by, at=at)
    changes: dict[str, Any] = {"channel": channel} if channel in CHANNELS else {}
    if changes:
        update_profile(db, who.hcp_id, changes=changes, by=by, at=at)
    if topics is not None:
        declare_interests(db, who.hcp_id, who.site_id, topics=topics, by=by, at=at)


def frequency_of(db: Session, hcp_id: str, site_id: str) -> Frequency:
    """Return how often a doctor wants mail about a site; whoever never chose takes what the site allows."""
    found = db.scalar(
        select(MailPreference.frequency).where(MailPreference.hcp_id == hcp_id, MailPreference.site_id == site_id)
    )
    return Frequency(found) if found else Frequency.ANY


def may_be_asked(db: Session, hcp_id: str, at: datetime) -> bool:
    """Tell whether a doctor may be asked to confirm that mail is wanted: not while an earlier question is open."""
    query = select(OptIn.id).where(OptIn.hcp_id == hcp_id, OptIn.expires_at > at, OptIn.confirmed_at.is_(None))
    return db.scalar(query.limit(1)) is None


def ask(db: Session, hcp_id: str, site_id: str, *, sending_id: str, opt_in_id: str, by: Actor, at: datetime) -> None:
    """Note that a doctor was asked to confirm; `opt_in_id` is what the button in the mail names."""
    row = OptIn(
        id=opt_in_id, hcp_id=hcp_id, site_id=site_id, sending_id=sending_id, asked_at=at, expires_at=at + OPT_IN_LIFE
    )
    db.add(row)
    record(db, OptInAsked(opt_in=opt_in_id, hcp=hcp_id, site=site_id), by=by, at=at)


def open_opt_in(db: Session, opt_in_id: str, at: datetime) -> OptIn | None:
    """Return a question that may still be answered, or was: None once it has expired."""
    row = db.get(OptIn, opt_in_id) if is_id(opt_in_id) else None
    return row if row is not None and (row.expires_at > at or row.confirmed_at is not None) else None


def confirm(db: Session, opt_in_id: str, *, at: datetime) -> bool:
    """Write down that mail is wanted, once; return whether mail may be sent now. Raises MailRefused once expired."""
    row = _question(db, opt_in_id, at)
    if row.confirmed_at is not None:
        return consent_in_force(db, row.hcp_id, row.site_id, at).mail
    row.confirmed_at = at
    by = Actor.hcp(row.hcp_id)
    site = site_by_id(db, row.site_id)
    ends_at = end_of(site.consent_days, Purpose.MAIL, GIVEN, at) if site is not None else None
    record_consent(db, row.hcp_id, row.site_id, Purpose.MAIL, GIVEN, OPTED_IN, CONFIRMED, ends_at=ends_at, by=by, at=at)
    return True


def decline(db: Session, opt_in_id: str, *, at: datetime) -> bool:
    """Write down that mail is not wanted; return False if that stood already. Raises MailRefused once expired.

    Said after a yes it is a withdrawal, and only another question answered with yes brings mail back.
    """
    row = _question(db, opt_in_id, at)
    consent = consent_in_force(db, row.hcp_id, row.site_id, at)
    if consent.mail_decision is not None and not consent.mail:
        return False
    source, by = f"{UNSUBSCRIBED} (question)" if consent.mail else ANSWERED, Actor.hcp(row.hcp_id)
    record_consent(db, row.hcp_id, row.site_id, Purpose.MAIL, REFUSED, source, DECLINED, by=by, at=at)
    _stop_waiting(db, row.hcp_id, row.site_id, at=at)
    return True


def _question(db: Session, opt_in_id: str, at: datetime) -> OptIn:
    """Return a question that may be answered, the doctor locked; raises MailRefused."""
    row = db.get(OptIn, opt_in_id, with_for_update=True, populate_existing=True)
    if row is None or (row.expires_at <= at and row.confirmed_at is None):
        raise MailRefused("This question has expired.")
    if db.get_one(Hcp, row.hcp_id, with_for_update=True, populate_existing=True).erased_at is not None:
        raise MailRefused("This question has expired.")
    return row


def _stop_waiting(db: Session, hcp_id: str, site_id: str | None, *, at: datetime) -> int:
    """Stop the approved mail that waits for a doctor, of one site or (None) of all; return how much it was."""
    waiting = select(Sending).where(
        Sending.hcp_id == hcp_id, Sending.kind == SendingKind.APPROVED, Sending.state == SendingState.SCHEDULED
    )
    if site_id is not None:
        waiting = waiting.where(Sending.site_id == site_id)
    query = waiting.order_by(Sending.id).with_for_update().execution_options(populate_existing=True)
    stopped = list(db.scalars(query))
    for sending in stopped:
        end(db, sending, SendingState.STOPPED, Block.UNSUBSCRIBED, at=at)
    return len(stopped)
