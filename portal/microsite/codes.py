"""The mail with the code for another device: joins what access made and how mailing sends. No product claims."""

from datetime import datetime
from html import escape

from sqlalchemy.orm import Session

from portal.access.models import Link
from portal.audit import Actor
from portal.content import queries as content
from portal.hcp import queries as hcps
from portal.mailing import outbox
from portal.mailing.blockers import mail_settings, may_be_reached
from portal.mailing.sendings import Terms, post_notice
from portal.mailing.states import SendingKind

_SHELL = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Your code</title></head>'
    '<body style="font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:24px">{body}</body></html>'
)


def addresses_of(db: Session, link_id: str, hcp_id: str) -> tuple[str, ...]:
    """Return the addresses a visitor may name: the one the mail went to and the one on file."""
    card = hcps.hcp_card(db, hcp_id)
    link = db.get(Link, link_id)
    sending = outbox.sending(db, link.sending_id) if link is not None and link.sending_id else None
    found = [sending.to_address if sending else None, card.email if card else None]
    return tuple(dict.fromkeys(each for each in found if each))


def mail_code(db: Session, hcp_id: str, site_id: str, code: str, *, minutes: int, terms: Terms, at: datetime) -> bool:
    """Put the code into the outbox, to the address on file; False where the doctor cannot be reached."""
    card, site = hcps.hcp_card(db, hcp_id), content.site_by_id(db, site_id)
    if card is None or site is None or may_be_reached(db, card):
        return False
    address = mail_settings(site).address
    lines = [
        f"Dear {' '.join(filter(None, (card.title, card.last_name)))[:120]},",
        "Somebody who opened the link in an email to you, on a device that is new to us, named this address.",
        f"If it was you, enter this code there within {minutes} minutes:",
        code,
        "If it was not you, ignore this mail: without the code the device shows nothing about you.",
    ]
    paragraphs = "".join(
        f'<p style="font-size:28px;letter-spacing:4px"><strong>{line}</strong></p>'
        if line == code
        else f"<p>{escape(line)}</p>"
        for line in lines
    )
    body = paragraphs + f'<p style="font-size:13px;color:#4a5a66">{escape(address)}</p>'
    post_notice(
        db,
        card,
        site.id,
        kind=SendingKind.NOTICE,
        subject="Your code for another device",
        write=lambda _: (_SHELL.format(body=body), "\n\n".join([*lines, address]) + "\n"),
        from_name="Portal",
        terms=terms,
        by=Actor.visitor(),
        at=at,
    )
    return True
