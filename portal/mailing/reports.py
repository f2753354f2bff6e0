"""Reads what comes back: delivery reports (RFC 3464) and complaints (RFC 5965). Pure."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message

from portal.mailing.states import Failure, ReportKind, failure_of

LONGEST = 2 * 1024 * 1024
_SENDING = re.compile(r"\b([0-9a-f]{32})\b")
_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^<>\s]{1,200}>")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
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
        return Report(_sending(parts, raw), ReportKind.COMPLAINT, Failure.COMPLAINT, None)
    if "message/delivery-status" not in kinds:
        raise ReportUnreadable("This is neither a delivery report nor a complaint.")
    fields = _fields(parts)
    action = fields.get("action", "").split(" ")[0].strip().lower()
    status = _status(fields.get("status", "")) or _status(fields.get("diagnostic-code", ""))
    kind = _ACTIONS.get(action) or {"5": ReportKind.FAILED, "4": ReportKind.DELAYED, "2": ReportKind.DELIVERED}.get(
        (status or "5")[0], ReportKind.FAILED
    )
    if kind is ReportKind.DELIVERED:
        return Report(_sending(parts, raw), kind, "delivered", status)
    code = {ReportKind.FAILED: 554, ReportKind.DELAYED: 450}[kind]
    return Report(_sending(parts, raw), kind, failure_of(code, status or ""), status)


def _fields(parts: list[Message]) -> dict[str, str]:
    """Return the fields of all groups of the delivery status, those of the first recipient winning."""
    found: dict[str, str] = {}
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        payload = part.get_payload()
        groups = payload if isinstance(payload, list) else []
        for group in groups:
            if isinstance(group, Message):
                for name, value in group.items():
                    found.setdefault(name.lower(), " ".join(str(value).split()))
        if isinstance(payload, str):
            for line in payload.splitlines():
                name, colon, value = line.partition(":")
                if colon:
                    found.setdefault(name.strip().lower(), value.strip())
    return found


def _sending(parts: list[Message], raw: bytes) -> str:
    """Return the sending that is meant: by its envelope id (RFC 3461), else by our Message-ID."""
    named = _SENDING.search(_fields(parts).get("original-envelope-id", ""))
    if named:
        return named[1]
    for part in parts[1:]:
        found = _MESSAGE_ID.search(str(part.get("Message-ID", "")))
        if found:
            return found[1]
    loose = _MESSAGE_ID.search(raw.decode("latin-1"))
    if loose:
        return loose[1]
    raise ReportUnreadable("It does not say which mail it is about.")


def _status(text: str) -> str | None:
    found = _STATUS.search(text)
    return f"{found[1]}.{found[2]}.{found[3]}" if found else None
