"""What stands against sending to a doctor, with the reason and who can mend it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from portal.content import queries as content
from portal.content.queries import SiteRecord
from portal.hcp import queries as hcps
from portal.hcp.consents import UNSUBSCRIBED, ConsentState, Purpose
from portal.hcp.profiles import HcpCard
from portal.mailing.message import is_sendable
from portal.mailing.models import MailPreference, Sending
from portal.mailing.queries import Piece, piece_in_force
from portal.mailing.states import PAUSES, Block, Blocker, Failure, SendingKind, SendingState

CAP, CAP_DAYS = 4, 30


@dataclass(frozen=True, slots=True)
class MailSettings:
    """What a site says about its mail."""

    address: str
    cap: int
    cap_days: int
    restricted: tuple[str, ...]


def mail_settings(site: SiteRecord) -> MailSettings:
    """Return the mail settings of a site; the postal address is empty where none is set."""
    given: Mapping[str, object] = site.settings.get("mail", {})
    words = given.get("restricted_words", ())
    return MailSettings(
        address=str(given.get("address", "")).strip(),
        cap=int(str(given.get("cap", CAP))),
        cap_days=int(str(given.get("cap_days", CAP_DAYS))),
        restricted=tuple(str(word) for word in words) if isinstance(words, list | tuple) else (),
    )


def blockers(
    db: Session,
    hcp_id: str,
    site: SiteRecord,
    *,
    template: Piece | None,
    due_at: datetime,
    states: Collection[str],
    but: str = "",
) -> list[Blocker]:
    """Return everything that stands against approved mail to a doctor at `due_at`, the gravest first.

    `states` are those of other sendings that count against the caps; `but` is a sending that does not.
    """
    card = hcps.hcp_card(db, hcp_id)
    if card is None or card.erased_at is not None:
        return [Blocker(Block.NO_DOCTOR, "This doctor is not on file any more.", "Nobody; choose another doctor.")]
    consent = hcps.consent_in_force(db, hcp_id, site.id, due_at)
    found = [*_person(db, card, consent), *_frequency(db, card, site, due_at, states, but), *_site(db, site, due_at)]
    if template is not None:
        found += _template(db, card, template, due_at)
    return found


def may_be_reached(db: Session, card: HcpCard) -> list[Blocker]:
    """Return what stands against any mail to a doctor, approved or asked for by themselves."""
    found = []
    if card.is_access_revoked:
        sentence = "The doctor's access is revoked; no link would open."
        found.append(Blocker(Block.NO_ACCESS, sentence, "Compliance can restore it."))
    if not card.email or not is_sendable(card.email):
        sentence = "There is no address on file that mail can go to."
        found.append(Blocker(Block.NO_ADDRESS, sentence, "An administrator can import a new one."))
    elif _has_bounced(db, card):
        sentence = "Mail to the address on file came back: there is no such mailbox."
        found.append(Blocker(Block.BOUNCED, sentence, "An administrator can import a new address."))
    return found


def _person(db: Session, card: HcpCard, consent: ConsentState) -> list[Blocker]:
    found = may_be_reached(db, card)
    decision = consent.mail_decision
    if not consent.mail:
        if decision is not None and decision.source.startswith(UNSUBSCRIBED):
            sentence = "The doctor unsubscribed from mail."
            found.append(Blocker(Block.UNSUBSCRIBED, sentence, "Only the doctor can, on their preference page."))
        elif decision is not None:
            sentence = "The doctor refused mail."
            found.append(Blocker(Block.NO_CONSENT, sentence, "Only the doctor can; ask at the next visit."))
        else:
            ended = consent.ended_on(Purpose.MAIL)
            sentence = "The doctor was never asked whether mail is wanted."
            if ended is not None:
                sentence = f"The doctor's yes to mail holds until {ended.day} {ended:%B %Y} only."
            mend = "Send the question; the doctor confirms by a button."
            found.append(Blocker(Block.NO_CONSENT, sentence, mend, can_be_asked=True))
    return found


def _has_bounced(db: Session, card: HcpCard) -> bool:
    query = select(Sending.id).where(
        Sending.hcp_id == card.id,
        Sending.to_address == card.email,
        Sending.kind != SendingKind.TEST,
        Sending.state == SendingState.FAILED,
        Sending.reason == Failure.NO_SUCH_ADDRESS,
    )
    return db.scalar(query.limit(1)) is not None


def _frequency(
    db: Session, card: HcpCard, site: SiteRecord, due_at: datetime, states: Collection[str], but: str
) -> list[Blocker]:
    rules = mail_settings(site)
    mine = and_(
        Sending.hcp_id == card.id,
        Sending.site_id == site.id,
        Sending.kind == SendingKind.APPROVED,
        Sending.state.in_(tuple(states)),
        Sending.id != but,
    )
    window = timedelta(days=rules.cap_days)
    near = (Sending.due_at > due_at - window, Sending.due_at < due_at + window)
    count = db.scalar(select(func.count()).select_from(Sending).where(mine, *near)) or 0
    if count >= rules.cap:
        sentence = f"{count} mails within {rules.cap_days} days; this site allows {rules.cap}."
        return [Blocker(Block.TOO_OFTEN, sentence, "Wait, or ask marketing to change the limit of the site.")]
    chosen = db.scalar(
        select(MailPreference.frequency).where(MailPreference.hcp_id == card.id, MailPreference.site_id == site.id)
    )
    pause = PAUSES.get(chosen or "")
    if pause is None:
        return []
    near = (Sending.due_at > due_at - pause, Sending.due_at < due_at + pause)
    last = db.scalar(select(func.max(Sending.due_at)).where(mine, *near))
    if last is None:
        return []
    day = last + pause
    sentence = f"The doctor wants mail at most {chosen}; the next may go on {day.day} {day:%B %Y}."
    return [Blocker(Block.TOO_OFTEN, sentence, "Schedule it for then; only the doctor can change this.")]


def _site(db: Session, site: SiteRecord, at: datetime) -> list[Blocker]:
    if not mail_settings(site).address:
        sentence = "The site has no postal address of its sender, which every mail must show."
        return [Blocker(Block.SITE, sentence, "Marketing can set it.")]
    missing = content.missing_blocks(db, site, at)
    if missing:
        sentence = f"The site has no {', '.join(missing)} in force, so its pages would open nothing."
        return [Blocker(Block.SITE, sentence, "Marketing and a reviewer can approve it.")]
    return []


def _template(db: Session, card: HcpCard, template: Piece, due_at: datetime) -> list[Blocker]:
    found = []
    if template.audiences and card.audience not in template.audiences:
        sentence = f"“{template.title}” is for {', '.join(template.audiences)}, this is a {card.audience}."
        found.append(Blocker(Block.AUDIENCE, sentence, "Choose another template."))
    if piece_in_force(db, template.id, due_at) is None:
        sentence = f"“{template.title}” is not in force at the time of sending."
        found.append(Blocker(Block.EXPIRED, sentence, "Choose another template, or an earlier time."))
    return found
