"""Verbs of sending: send a composition, test it, undo, revoke, decide what is uncertain; mail a doctor asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.content.queries import modules_in_force
from portal.db import new_id
from portal.hcp.profiles import HcpCard
from portal.mailing.blockers import blockers, mail_settings
from portal.mailing.composing import Call, Composed, Reader, calls, compose
from portal.mailing.events import EmailComposed, EmailDecided, EmailUndone, MailingRevoked
from portal.mailing.fields import one_line
from portal.mailing.mailings import Composition, composition, faults, linked_modules
from portal.mailing.message import LONGEST_NAME, message_id
from portal.mailing.models import Mailing, Outbox, Sending
from portal.mailing.placeholders import action_name
from portal.mailing.ports import Links, LinkWish
from portal.mailing.refusals import CompositionRefused, Fault, MailRefused, PieceMissing
from portal.mailing.states import READERS_ONLY, UNDER_WAY, UNDO, Block, SendingKind, SendingState

FURTHEST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Sender:
    """The member of staff in whose name a mail goes out."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the installation says about mail: its sender address, and how long links live."""

    mail_from: str
    link_days: int


def send(
    db: Session,
    mailing_id: str,
    *,
    sender: Sender,
    links: Links,
    terms: Terms,
    not_before: datetime | None = None,
    by: Actor,
    at: datetime,
) -> list[str]:
    """Put one mail per doctor into the outbox and return their ids; raises CompositionRefused and puts none.

    Nothing is due before the time for undoing has passed. A composition is sent once: a second press finds it sent.
    """
    mailing = db.get(Mailing, mailing_id, with_for_update=True, populate_existing=True)
    composed = composition(db, mailing_id, at)
    if mailing is None or composed is None or mailing.sender_id != sender.id:
        raise PieceMissing("There is no such composition.")
    if mailing.sent_at is not None:
        return list(db.scalars(select(Sending.id).where(Sending.mailing_id == mailing_id)))
    due_at = max(at + UNDO, not_before or at)
    wrong = faults(db, composed, at)
    if due_at > at + FURTHEST:
        wrong.append(Fault("when", f"Schedule within {FURTHEST.days} days."))
    for card in composed.cards:
        against = blockers(db, card.id, composed.site, template=composed.template, due_at=due_at, states=UNDER_WAY)
        wrong += [Fault("doctor", f"{card.display}: {each.sentence}") for each in against]
    if _linked(db, composed) - {module.key for module in modules_in_force(db, composed.site.id, due_at)}:
        wrong.append(Fault("when", "What the mail links to is not in force any more at that time."))
    if not composed.cards:
        wrong.append(Fault("doctor", "There is no doctor left to send to."))
    if wrong:
        raise CompositionRefused(wrong)
    mailing.sent_at = at
    picked = tuple(module.key for module in composed.modules)
    made = []
    for card in composed.cards:
        until, _ = links_until(db, composed, card.id, links=links, terms=terms, at=due_at)
        sending = _row(
            composed, card.id, SendingKind.APPROVED, sender, terms, to=card.email or "", due_at=due_at, at=at
        )
        addresses: dict[Call, str] = {}
        for call in calls(composed.parts):
            wish = LinkWish(
                hcp_id=card.id,
                site_id=composed.site.id,
                sender_id=sender.id,
                sending_id=sending.id,
                action=action_name(call.piece, call.target, call.count),
                landing=call.landing,
                modules=picked or ((call.landing,) if call.landing else ()),
                expires_at=until,
            )
            addresses[call] = links.issue(db, wish, by=by, at=at)
        sending.unsubscribe_url = links.unsubscribe(sending.id)
        reader = _reader(composed, card, sender, sending.unsubscribe_url, links.preferences(sending.id))
        _put(db, sending, compose(composed.parts, reader, addresses.__getitem__), by=by, at=at)
        made.append(sending.id)
    return made


def send_test(
    db: Session,
    composed: Composition,
    card: HcpCard,
    *,
    sender: Sender,
    links: Links,
    terms: Terms,
    by: Actor,
    at: datetime,
) -> str:
    """Put a test for the sender's own address into the outbox; its links open nothing."""
    wrong = faults(db, composed, at)
    if wrong:
        raise CompositionRefused(wrong)
    sending = _row(composed, card.id, SendingKind.TEST, sender, terms, to=sender.email, due_at=at, at=at)
    mail = preview(composed, card, sender, links)
    _put(db, sending, Composed(f"[Test] {mail.subject}", mail.html, mail.text), by=by, at=at)
    return sending.id


def preview(composed: Composition, card: HcpCard, sender: Sender, links: Links) -> Composed:
    """Return the very mail that would go out, with addresses that open nothing."""
    reader = _reader(composed, card, sender, links.inert("u"), links.inert("p"))
    return compose(composed.parts, reader, lambda _: links.inert("v"))


def post_notice(
    db: Session,
    card: HcpCard,
    site_id: str,
    *,
    kind: SendingKind,
    subject: str,
    write: Callable[[str], tuple[str, str]],
    from_name: str,
    terms: Terms,
    by: Actor,
    at: datetime,
) -> str:
    """Put mail that a doctor asked for into the outbox, due at once; `write(sending id)` gives its HTML and text."""
    sending = _blank(card.id, site_id, kind, from_name, terms, to=card.email or "", due_at=at, at=at)
    html, text = write(sending.id)
    _put(db, sending, Composed(one_line(subject, 300), html, text), by=by, at=at)
    return sending.id


def undo(db: Session, sending_id: str, *, links: Links, by: Actor, at: datetime) -> bool:
    """Take a sending back before it is due; return False where it is too late. Its links are revoked."""
    sending = db.get(Sending, sending_id, with_for_update=True, populate_existing=True)
    if sending is None:
        raise PieceMissing("There is no such mail.")
    if sending.state != SendingState.SCHEDULED or sending.handed_over_at is not None:
        return False
    end(db, sending, SendingState.UNDONE, None, at=at)
    links.revoke(db, [sending_id], reason="the mail was undone before it was sent", by=by, at=at)
    record(db, EmailUndone(sending=sending_id, hcp=sending.hcp_id), by=by, at=at)
    return True


def revoke_mailing(db: Session, mailing_id: str, *, reason: str, links: Links, by: Actor, at: datetime) -> bool:
    """Revoke every link of a mailing and stop what waits; return False if it was revoked before."""
    reason = one_line(reason, 500)
    if not reason:
        raise MailRefused("Say why; the reason is kept in the audit log.")
    mailing = db.get(Mailing, mailing_id, with_for_update=True, populate_existing=True)
    if mailing is None:
        raise PieceMissing("There is no such mailing.")
    if mailing.revoked_at is not None:
        return False
    mailing.revoked_at, mailing.revoked_by, mailing.revoked_reason = at, by.id, reason
    group = select(Sending).where(Sending.mailing_id == mailing_id).order_by(Sending.id).with_for_update()
    sendings = list(db.scalars(group.execution_options(populate_existing=True)))
    stopped = [sending for sending in sendings if sending.state == SendingState.SCHEDULED]
    for sending in stopped:
        end(db, sending, SendingState.STOPPED, Block.REVOKED, at=at)
    revoked = links.revoke(db, [sending.id for sending in sendings], reason=reason, by=by, at=at)
    record(db, MailingRevoked(mailing=mailing_id, links=revoked, stopped=len(stopped), reason=reason), by=by, at=at)
    return True


def decide(db: Session, sending_id: str, *, again: bool, by: Actor, at: datetime) -> bool:
    """Settle an uncertain sending: count it as accepted, or send it again under the same Message-ID."""
    sending = db.get(Sending, sending_id, with_for_update=True, populate_existing=True)
    if sending is None:
        raise PieceMissing("There is no such mail.")
    if sending.state != SendingState.UNCERTAIN or (again and sending.html is None):
        return False
    if again:
        sending.state, sending.reason, sending.due_at, sending.finished_at = SendingState.SCHEDULED, None, at, None
        db.add(Outbox(sending_id=sending.id, due_at=at, attempts=0))
    else:
        end(db, sending, SendingState.ACCEPTED, None, at=at)
    decision = "send again" if again else "count as accepted"
    record(db, EmailDecided(sending=sending_id, hcp=sending.hcp_id, decision=decision), by=by, at=at)
    return True


def end(db: Session, sending: Sending, state: SendingState, reason: str | None, *, at: datetime) -> None:
    """Settle a sending: it leaves the outbox, and what was for its reader alone is not kept."""
    sending.state, sending.reason, sending.finished_at = state, reason, at
    if sending.kind in READERS_ONLY:
        sending.html = sending.text = None  # the SHA-256 stays
    db.execute(delete(Outbox).where(Outbox.sending_id == sending.id))


def links_until(
    db: Session, composed: Composition, hcp_id: str, *, links: Links, terms: Terms, at: datetime
) -> tuple[datetime, str]:
    """Return when the links of a mail due at `at` end for one doctor, and why in words."""
    modules = _linked(db, composed)
    return links.until(db, hcp_id, composed.site.id, modules=modules, most_days=terms.link_days, at=at)


def _linked(db: Session, composed: Composition) -> set[str]:
    """Return the keys of everything a mail leads to."""
    pieces = [composed.template, *composed.fragments]
    return {module.key for module in composed.modules} | linked_modules(db, [piece.id for piece in pieces])


def _reader(composed: Composition, card: HcpCard, sender: Sender, unsubscribe: str, preferences: str) -> Reader:
    return Reader(
        salutation=one_line(" ".join(filter(None, (card.title, card.last_name))), 120),
        rep_name=one_line(sender.name, 120),
        address=mail_settings(composed.site).address,
        unsubscribe=unsubscribe,
        preferences=preferences,
    )


def _row(
    composed: Composition,
    hcp_id: str,
    kind: SendingKind,
    sender: Sender,
    terms: Terms,
    *,
    to: str,
    due_at: datetime,
    at: datetime,
) -> Sending:
    sending = _blank(hcp_id, composed.site.id, kind, sender.name, terms, to=to, due_at=due_at, at=at)
    sending.mailing_id, sending.template_id, sending.sender_id = composed.id, composed.template.id, sender.id
    sending.fragments = [piece.id for piece in composed.fragments]
    sending.modules = [{"key": module.key, "version": module.version_id} for module in composed.modules]
    sending.reply_to = sender.email
    return sending


def _blank(
    hcp_id: str,
    site_id: str,
    kind: SendingKind,
    from_name: str,
    terms: Terms,
    *,
    to: str,
    due_at: datetime,
    at: datetime,
) -> Sending:
    sending_id = new_id()
    common: dict[str, Any] = {"fragments": [], "modules": [], "state": SendingState.SCHEDULED}
    return Sending(
        id=sending_id,
        kind=kind,
        site_id=site_id,
        hcp_id=hcp_id,
        to_address=to,
        from_name=one_line(from_name, LONGEST_NAME) or "Portal",
        message_id=message_id(sending_id, terms.mail_from),
        composed_at=at,
        due_at=due_at,
        **common,
    )


def _put(db: Session, sending: Sending, mail: Composed, *, by: Actor, at: datetime) -> None:
    sending.subject, sending.html, sending.text, sending.sha256 = mail.subject, mail.html, mail.text, mail.sha256
    db.add(sending)
    db.flush()  # the outbox names the row
    db.add(Outbox(sending_id=sending.id, due_at=sending.due_at, attempts=0))
    event = EmailComposed(
        sending=sending.id,
        hcp=sending.hcp_id,
        site=sending.site_id,
        kind=sending.kind,
        mailing=sending.mailing_id,
        template=sending.template_id,
        fragments=tuple(sending.fragments),
        modules=tuple(each["key"] for each in sending.modules),
        sha256=sending.sha256,
        due_at=sending.due_at,
        to=sending.to_address or "",
    )
    record(db, event, by=by, at=at)
