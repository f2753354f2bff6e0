"""Reads what comes back: delivery reports (RFC 3464) and complaints (RFC 5965). Pure."""

import base64
import quopri
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message

from portal.mailing.states import Failure, ReportKind, failure_of

LONGEST = 2 * 1024 * 1024
_SENDING = re.compile(r"\b([0-9a-f]{32})\b")
_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^<>\s]{1,200}>")
_QUOTED_ID = re.compile(
    r"^[>| \t]{0,10}Message-ID:\s{0,80}<([0-9a-f]{32})@[^<>\s]{1,200}>", re.IGNORECASE | re.MULTILINE
)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_REPLY = re.compile(r"\b([45][0-9]{2})\b")
_DELIVERY = ("message/delivery-status", "message/global-delivery-status")  # RFC 3464, RFC 6533
_UNWANTED = ("abuse", "fraud", "opt-out", "opt-out-list", "other", "virus")  # RFC 5965; others are no complaint
_FOLD = re.compile(r"\r?\n[ \t]+")
_GROUPS = 200
_QUOTING = ("text", "message")
_ACTIONS = {
    "failed": ReportKind.FAILED,
    "delayed": ReportKind.DELAYED,
    "delivered": ReportKind.DELIVERED,
    "relayed": ReportKind.DELIVERED,
    "expanded": ReportKind.DELIVERED,
}


class ReportUnreadable(Exception):
    """A message that is no report on one of our mails; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Report:
    """One thing a report says about one sending."""

    sending_id: str
    kind: ReportKind
    word: str
    status_code: str | None


def read_report(raw: bytes) -> Report:
    """Return what a report says; raises ReportUnreadable."""
    if not raw.strip() or len(raw) > LONGEST:
        raise ReportUnreadable("This is empty or larger than a report can be.")
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        parts = list(message.walk())[:200]
    except (ValueError, LookupError, RecursionError, AttributeError):
        raise ReportUnreadable("This is not a message.") from None
    kinds = [part.get_content_type() for part in parts]
    if "message/feedback-report" in kinds:
        return _complaint(parts, raw)
    if not set(kinds) & set(_DELIVERY):
        raise ReportUnreadable("This is neither a delivery report nor a complaint.")
    fields = _fields(parts)
    action = fields.get("action", "").split(" ")[0].strip().lower()
    status, answered = _status(fields.get("status", "")), _status(fields.get("diagnostic-code", ""))
    if status is None or (status.endswith(".0.0") and answered and answered[0] == status[0]):
        status = answered  # a status of zeros says no more than that something failed
    kind = _ACTIONS.get(action) or {"5": ReportKind.FAILED, "4": ReportKind.DELAYED, "2": ReportKind.DELIVERED}.get(
        (status or "5")[0], ReportKind.FAILED
    )
    if kind is ReportKind.DELIVERED:
        return Report(_sending(parts, raw), kind, "delivered", status)
    return Report(_sending(parts, raw), kind, failure_of(_code(kind, fields, status), status or ""), status)


def _complaint(parts: list[Message], raw: bytes) -> Report:
    """Return a complaint; a report that mail was forged or is wanted after all is none."""
    said = _fields(parts, ("message/feedback-report",)).get("feedback-type", "abuse").split(" ")[0].lower()
    if said not in _UNWANTED:
        raise ReportUnreadable("This is feedback on a mail, but no complaint.")
    return Report(_sending(parts, raw), ReportKind.COMPLAINT, Failure.COMPLAINT, None)


def _code(kind: ReportKind, fields: dict[str, str], status: str | None) -> int:
    """Return the SMTP reply that a report quotes, where it gives no status and the two agree; else one of its kind."""
    fitting = {ReportKind.FAILED: "5", ReportKind.DELAYED: "4"}[kind]
    found = _REPLY.search(fields.get("diagnostic-code", ""))
    if found and status is None and found[1].startswith(fitting):
        return int(found[1])
    return {ReportKind.FAILED: 554, ReportKind.DELAYED: 450}[kind]


def _fields(parts: list[Message], kinds: tuple[str, ...] = _DELIVERY) -> dict[str, str]:
    """Return the fields of all groups of a report, those of the first recipient winning."""
    found: dict[str, str] = {}
    for part in parts:
        if part.get_content_type() in kinds:
            for line in _FOLD.sub(" ", _text(part)).splitlines():
                name, colon, value = line.partition(":")
                if colon:
                    found.setdefault(name.strip().lower(), " ".join(value.split()))
    return found


def _text(part: Message) -> str:
    """Return a part as lines. The parser takes a report for headers and a body, encoded ones for a body alone."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return _decoded(part, part)
    said = []
    for group in payload[:_GROUPS]:
        if isinstance(group, Message):
            said += [f"{name}: {value}" for name, value in group.items()]
            said += ["", "" if group.is_multipart() else _decoded(group, group if group.keys() else part)]
    return "\n".join(said)


def _decoded(part: Message, encoded: Message) -> str:
    """Return the text of a leaf, out of the encoding that `encoded` names; bytes that are none of it stay readable."""
    payload = part.get_payload()
    plain = payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""
    encoding = str(encoded.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "base64":
        try:
            plain = base64.b64decode(plain)
        except ValueError:
            return ""
    elif encoding == "quoted-printable":
        plain = quopri.decodestring(plain)
    return plain.decode("latin-1")


def _sending(parts: list[Message], raw: bytes) -> str:
    """Return the sending that is meant: by its envelope id (RFC 3461), else by our Message-ID."""
    named = _SENDING.search(_fields(parts).get("original-envelope-id", ""))
    if named:
        return named[1]
    for part in parts[1:]:
        found = _MESSAGE_ID.search(str(part.get("Message-ID", "")))
        if found:
            return found[1]
    # Only an id that stands as Message-ID is the mail's own: answers name ours under References.
    for text in (*(_text(part) for part in parts if part.get_content_maintype() in _QUOTING), raw.decode("latin-1")):
        loose = _QUOTED_ID.search(text)
        if loose:
            return loose[1]
    raise ReportUnreadable("It does not say which mail it is about.")


def _status(text: str) -> str | None:
    found = _STATUS.search(text)
    return f"{found[1]}.{found[2]}.{found[3]}" if found else None
