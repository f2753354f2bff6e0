"""Words of the mailing room: kinds, states, reasons. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

UNDO = timedelta(seconds=30)


class PieceKind(StrEnum):
    """What approved mail is put together from."""

    TEMPLATE = "template"
    FRAGMENT = "fragment"


class SendingKind(StrEnum):
    """What a sending is for."""

    APPROVED = "approved"
    TEST = "test"  # to the sender's own address; opens nothing and counts nowhere
    FRESH = "fresh-link"  # asked for on the page of an expired link
    OPT_IN = "opt-in"
    NOTICE = "notice"  # other mail a doctor asked for, such as a code


# Mail with a code or a link that was asked for: what it says is for its reader alone, and not kept once it is settled.
READERS_ONLY = frozenset({SendingKind.FRESH, SendingKind.OPT_IN, SendingKind.NOTICE})


class SendingState(StrEnum):
    """Where a sending stands."""

    SCHEDULED = "scheduled"
    SENDING = "sending"  # a worker has claimed it; no server has the whole mail
    HANDING_OVER = "handing-over"  # the final dot is about to go out
    ACCEPTED = "accepted"
    FAILED = "failed"
    STOPPED = "stopped"  # what was allowed when it was composed was not when it was due
    UNDONE = "undone"
    UNCERTAIN = "uncertain"  # the server may or may not have it; never resent by itself


SETTLED = frozenset({SendingState.ACCEPTED, SendingState.FAILED, SendingState.STOPPED, SendingState.UNDONE})
MAY_HAVE_ARRIVED = (SendingState.HANDING_OVER, SendingState.ACCEPTED, SendingState.UNCERTAIN)
UNDER_WAY = (SendingState.SCHEDULED, SendingState.SENDING, *MAY_HAVE_ARRIVED)

STATE_WORDS = {
    SendingState.SCHEDULED: "waiting",
    SendingState.SENDING: "sending",
    SendingState.HANDING_OVER: "sending",
    SendingState.ACCEPTED: "accepted by the mail server",
    SendingState.FAILED: "failed",
    SendingState.STOPPED: "stopped before sending",
    SendingState.UNDONE: "undone",
    SendingState.UNCERTAIN: "uncertain",
}


class Failure(StrEnum):
    """Why mail did not arrive, or not yet, in words for people."""

    NO_SUCH_ADDRESS = "no such address"
    MAILBOX_FULL = "mailbox full"
    REFUSED = "refused by the mail server"
    TOO_LARGE = "too large"
    TRY_LATER = "try later"
    NO_CONNECTION = "mail server not reached"
    SIGN_IN = "mail server refused the sign-in"
    NO_ENCRYPTION = "no encryption offered"
    BAD_CERTIFICATE = "certificate not trusted"
    GAVE_UP = "gave up after a day"
    BAD_ADDRESS = "not an address mail can go to"
    LOST_REPLY = "the connection broke before the answer"
    COMPLAINT = "reported as unwanted"


# What stands between the portal and the mail server, whatever mail is next.
OF_SERVER = frozenset({Failure.NO_CONNECTION, Failure.SIGN_IN, Failure.NO_ENCRYPTION, Failure.BAD_CERTIFICATE})


class ReportKind(StrEnum):
    """What a report that came in later says."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    COMPLAINT = "complaint"


class Frequency(StrEnum):
    """How often a doctor wants mail about a site."""

    ANY = "any"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


PAUSES: dict[str, timedelta] = {
    Frequency.WEEKLY: timedelta(days=7),
    Frequency.MONTHLY: timedelta(days=30),
    Frequency.QUARTERLY: timedelta(days=91),
}
FREQUENCY_WORDS = {
    Frequency.ANY: "Whenever there is something for me",
    Frequency.WEEKLY: "At most once a week",
    Frequency.MONTHLY: "At most once a month",
    Frequency.QUARTERLY: "At most once in three months",
}


class Block(StrEnum):
    """What stands against sending, one word each."""

    NO_DOCTOR = "no-doctor"
    NO_ACCESS = "no-access"
    NO_ADDRESS = "no-address"
    NO_CONSENT = "no-consent"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    TOO_OFTEN = "too-often"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    SITE = "site"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Blocker:
    """What stands against sending, in a sentence, and who can mend it."""

    block: Block
    sentence: str
    mend: str
    can_be_asked: bool = False  # the doctor may be mailed the question whether mail is wanted


def failure_of(code: int, status: str) -> Failure:
    """Return the word for an SMTP reply: `code` such as 550, `status` such as 5.1.1 or empty (RFC 3463)."""
    detail = status.partition(".")[2]
    if detail in ("1.1", "1.2", "1.3", "1.10") or (not detail and code in (550, 551, 553)):
        return Failure.NO_SUCH_ADDRESS
    if detail == "2.2" or (not detail and code in (452, 552)):
        return Failure.MAILBOX_FULL
    if detail in ("2.3", "3.4"):
        return Failure.TOO_LARGE
    return Failure.REFUSED if code >= 500 else Failure.TRY_LATER
