"""Makes the message of a sending: headers that cannot be broken out of, text and HTML, the same bytes every time."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from portal.mailing.fields import one_line

LONGEST_NAME = 70
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_URL = re.compile(r"https?://[A-Za-z0-9.:/_\[\]-]{1,400}")
_POLICY = policy.SMTP.clone(max_line_length=78, cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Letter:
    """A sending as it goes to the mail server."""

    sending_id: str
    message_id: str
    kind: str
    group: str  # for Feedback-ID: the mailing, or the sending where there is none
    sender: str
    from_name: str
    reply_to: str | None
    recipient: str
    subject: str
    html: str
    text: str
    unsubscribe_url: str | None
    date: datetime


def is_sendable(address: str) -> bool:
    """Tell whether an address is plain ASCII, of one recipient, and short enough for SMTP (RFC 5321)."""
    local, _, domain = address.partition("@")
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    return len(address) <= 254 and not dots and "@" not in domain and _ADDRESS.fullmatch(address) is not None


def message_id(sending_id: str, sender: str) -> str:
    """Return the Message-ID of a sending: the same for every attempt."""
    return f"<{sending_id}@{sender.rpartition('@')[2]}>"


def as_bytes(letter: Letter) -> bytes:
    """Return the message (CRLF lines, 7 bit), without a final dot."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(one_line(letter.from_name, LONGEST_NAME), addr_spec=letter.sender)
    if letter.reply_to and is_sendable(letter.reply_to):
        message["Reply-To"] = Address(addr_spec=letter.reply_to)
    message["To"] = Address(addr_spec=letter.recipient)
    message["Subject"] = one_line(letter.subject, 300)
    message["Date"] = format_datetime(letter.date)
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    message["Feedback-ID"] = f"{letter.group[:16]}:{letter.kind}:portal"
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    # The boundary is otherwise drawn by chance, and two attempts would differ.
    message.set_boundary(f"part-{letter.sending_id}")
    return _unsubscribing(letter.unsubscribe_url) + message.as_bytes()


def _unsubscribing(url: str | None) -> bytes:
    """Return the headers of one-click unsubscribing (RFC 8058), as they are: folding would encode a long address."""
    if url is None:
        return b""
    if not _URL.fullmatch(url):
        raise ValueError("not an address for a header")
    return f"List-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode("ascii")
