"""A stored mail as staff may read it: its addresses open nothing; what is for its reader alone is not shown. Pure."""

import re
from dataclasses import dataclass

from portal.mailing.outbox import MailAsSent
from portal.mailing.states import READERS_ONLY, SendingKind

_SIGNED = re.compile(r"/([vupo])/[a-z2-7]{20,}")
_INERT = "preview"  # the word of addresses that open nothing, as in previews


@dataclass(frozen=True, slots=True)
class Shown:
    """A mail on a page of staff; `is_withheld` says that its text is for its reader alone."""

    subject: str | None
    html: str | None
    text: str | None
    sha256: str
    is_inert: bool
    is_withheld: bool


def for_staff(kind: SendingKind, sent: MailAsSent | None, *, follow: bool) -> Shown | None:
    """Return what staff may read of a mail; only where `follow` says so with its signed addresses and codes."""
    if sent is None:
        return None
    is_withheld = kind in READERS_ONLY and (not follow or sent.html is None)
    html, text = (None, None) if is_withheld else (sent.html, sent.text)
    if not follow:
        html, text = (inert(each) if each is not None else None for each in (html, text))
    return Shown(sent.subject, html, text, sent.sha256, not follow, is_withheld)


def inert(body: str) -> str:
    """Return the text of a mail with every signed address replaced by one that opens nothing."""
    return _SIGNED.sub(rf"/\1/{_INERT}", body)
