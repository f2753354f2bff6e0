"""Mail that a doctor asked for: a fresh link, and the question whether mail is wanted. No product claims."""

import hashlib
from datetime import datetime, timedelta
from html import escape

from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.content import queries as content
from portal.content.queries import SiteRecord
from portal.db import new_id, rates
from portal.hcp import queries as hcps
from portal.hcp.profiles import HcpCard
from portal.mailing import unsubscribing
from portal.mailing.blockers import mail_settings, may_be_reached
from portal.mailing.events import FreshLinkMailed
from portal.mailing.ports import LinkWish
from portal.mailing.sendings import Terms, post_notice
from portal.mailing.states import SendingKind
from portal.microsite.mail_links import MailLinks

PER_ADDRESS, PER_ASKER = 3, 10
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_BY = Actor.visitor()
_SHELL = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    '<body style="font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:24px">{body}</body></html>'
)


def may_ask_for_link(db: Session, asker: str, *, at: datetime) -> bool:
    """Count one request for a fresh link by `asker` (a keyed hash of where it comes from); False past the limit."""
    return rates.allow(db, f"fresh link asker {asker}", limit=PER_ASKER, window=_HOUR, at=at)


def mail_fresh_links(db: Session, address: str, *, links: MailLinks, terms: Terms, at: datetime) -> int:
    """Mail a fresh link to every doctor who has `address` on file and had a link that was not revoked.

    Returns how many; whoever asked is told the same in any case. More than three a day for one address send nothing.
    """
    key = hashlib.sha256(address.strip().lower().encode()).hexdigest()
    if not rates.allow(db, f"fresh link to {key}", limit=PER_ADDRESS, window=_DAY, at=at):
        return 0
    found = [card for card in hcps.hcps_by_email(db, address) if not may_be_reached(db, card)]
    return sum(_mail_fresh(db, card, links, terms, at) for card in found)


def ask_whether_wanted(
    db: Session,
    card: HcpCard,
    site: SiteRecord,
    *,
    sender: str,
    links: MailLinks,
    terms: Terms,
    by: Actor,
    at: datetime,
) -> bool:
    """Mail the question whether mail is wanted; return False where it may not be asked now."""
    decided = hcps.consent_in_force(db, card.id, site.id, at).mail_decision
    asked_by_doctor = by == Actor.hcp(card.id)
    if may_be_reached(db, card) or (decided is not None and not asked_by_doctor):
        return False
    if not unsubscribing.may_be_asked(db, card.id, at):
        return False
    opt_in_id = new_id()
    days = unsubscribing.OPT_IN_LIFE.days
    lines = [
        f"Dear {_salutation(card)},",
        f"{sender or 'We'} would like to send you information for healthcare professionals by email."
        if not asked_by_doctor
        else "You asked to receive information for healthcare professionals by email again.",
        f"If you want that, please confirm within {days} days. Without your confirmation nothing is sent.",
    ]
    sending_id = post_notice(
        db,
        card,
        site.id,
        kind=SendingKind.OPT_IN,
        subject="Please confirm that you want email from us",
        write=lambda _: _mail(
            lines, "Choose whether you want it", links.opt_in(opt_in_id), mail_settings(site).address
        ),
        from_name=sender or "Portal",
        terms=terms,
        by=by,
        at=at,
    )
    unsubscribing.ask(db, card.id, site.id, sending_id=sending_id, opt_in_id=opt_in_id, by=by, at=at)
    return True


def _mail_fresh(db: Session, card: HcpCard, links: MailLinks, terms: Terms, at: datetime) -> bool:
    before = links.newest(db, card.id, at=at)
    site = content.site_by_id(db, before.site_id) if before is not None else None
    if before is None or site is None or content.missing_blocks(db, site, at):
        return False
    modules = tuple(str(key) for key in before.modules)
    still = {module.key for module in content.modules_in_force(db, site.id, at)}
    led_to = {key for key in (*modules, before.landing) if key in still}
    until, _ = links.until(db, card.id, site.id, modules=led_to, most_days=terms.link_days, at=at)
    made: list[str] = []

    def write(sending_id: str) -> tuple[str, str]:
        wish = LinkWish(
            hcp_id=card.id,
            site_id=site.id,
            sender_id=before.sender_id,
            sending_id=sending_id,
            action="fresh-link",
            landing=before.landing if before.landing in still else None,
            modules=tuple(key for key in modules if key in still),
            expires_at=until,
        )
        made.append(links.issue(db, wish, by=_BY, at=at))
        lines = [
            f"Dear {_salutation(card)},",
            "Somebody who gave this address asked for a fresh link to your personal page. Here it is.",
            f"It is valid until {until.day} {until:%B %Y}. If it was not you, ignore this mail; nothing has changed.",
        ]
        return _mail(lines, "Open my page", made[0], mail_settings(site).address)

    sending_id = post_notice(
        db,
        card,
        site.id,
        kind=SendingKind.FRESH,
        subject="Your fresh link",
        write=write,
        from_name="Portal",
        terms=terms,
        by=_BY,
        at=at,
    )
    record(db, FreshLinkMailed(sending=sending_id, hcp=card.id, before=before.id), by=_BY, at=at)
    return True


def _salutation(card: HcpCard) -> str:
    return " ".join(filter(None, (card.title, card.last_name)))[:120]


def _mail(lines: list[str], label: str, url: str, address: str) -> tuple[str, str]:
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    button = f'<p><a href="{escape(url, quote=True)}" style="font-weight:bold">{escape(label)}</a></p>'
    body = paragraphs + button + f'<p style="font-size:13px;color:#4a5a66">{escape(address)}</p>'
    text = "\n\n".join([*lines, f"{label}: {url}", address])
    return _SHELL.format(title=escape(label), body=body), text + "\n"
