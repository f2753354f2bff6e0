"""Audit events of the mailing room; addresses are erasable."""

from dataclasses import dataclass
from datetime import datetime

from portal.audit import Event, Personal


@dataclass(frozen=True, slots=True)
class PieceDrafted(Event, name="mail-piece.drafted", words="drafted {key}, version {number}, for email"):
    """The next version of a template or fragment was begun."""

    site: str
    version: str
    kind: str
    key: str
    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PieceEdited(Event, name="mail-piece.edited", words="changed a draft of {key} for email"):
    """A draft was changed; both hashes are kept."""

    version: str
    key: str
    number: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PieceSubmitted(Event, name="mail-piece.submitted", words="handed {key} for email to review"):
    """A draft went to review."""

    version: str
    key: str
    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PieceReturned(Event, name="mail-piece.returned", words="sent {key} for email back to its author"):
    """A version in review went back to its author."""

    version: str
    key: str
    number: int
    note: str


@dataclass(frozen=True, slots=True)
class PieceApproved(Event, name="mail-piece.approved", words="approved {key}, version {number}, for email"):
    """A piece was approved and rendered."""

    version: str
    key: str
    number: int
    author: str
    sha256: str
    rendered: str
    approval_code: str
    in_force_from: datetime
    in_force_until: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class PieceWithdrawn(Event, name="mail-piece.withdrawn", words="withdrew {key} from email"):
    """A piece was taken out of use at once."""

    version: str
    key: str
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class EmailComposed(Event, name="email.composed", words="put an email into the outbox"):
    """One email to one HCP was put into the outbox; `sha256` is that of its HTML."""

    sending: str
    hcp: str
    site: str
    kind: str
    mailing: str | None
    template: str | None
    fragments: tuple[str, ...]
    modules: tuple[str, ...]
    sha256: str
    due_at: datetime
    to: Personal[str]


@dataclass(frozen=True, slots=True)
class EmailUndone(Event, name="email.undone", words="took an email back before it was sent"):
    """A sending was undone before it was due."""

    sending: str
    hcp: str


@dataclass(frozen=True, slots=True)
class EmailHandedOver(Event, name="email.handing-over", words="is handing an email to the mail server"):
    """Everything was checked once more; the end of the message goes out now."""

    sending: str
    hcp: str
    attempt: int


@dataclass(frozen=True, slots=True)
class EmailSent(Event, name="email.sent", words="sent an email; the mail server accepted it"):
    """The mail server accepted the message, or what came later proves that it did."""

    sending: str
    hcp: str
    proof: str


@dataclass(frozen=True, slots=True)
class EmailFailed(Event, name="email.failed", words="could not send an email: {reason}"):
    """A sending ended without the mail server accepting it."""

    sending: str
    hcp: str
    reason: str
    status_code: str | None


@dataclass(frozen=True, slots=True)
class EmailStopped(Event, name="email.stopped", words="stopped an email before sending: {reason}"):
    """At the last check something stood against sending."""

    sending: str
    hcp: str
    reason: str


@dataclass(frozen=True, slots=True)
class EmailUncertain(Event, name="email.uncertain", words="does not know whether an email was accepted"):
    """The connection or the worker ended between the end of the message and the answer."""

    sending: str
    hcp: str


@dataclass(frozen=True, slots=True)
class EmailDecided(Event, name="email.decided", words="decided on an uncertain email: {decision}"):
    """The sender decided what becomes of an uncertain sending."""

    sending: str
    hcp: str
    decision: str


@dataclass(frozen=True, slots=True)
class EmailReported(Event, name="email.reported", words="received a report on an email: {report}, {word}"):
    """A delivery report or a complaint came in."""

    sending: str
    hcp: str
    report: str
    word: str
    status_code: str | None


@dataclass(frozen=True, slots=True)
class MailingRevoked(Event, name="mailing.revoked", words="revoked a mailing with {links} links"):
    """All links of a mailing were revoked and what was waiting was stopped."""

    mailing: str
    links: int
    stopped: int
    reason: str


@dataclass(frozen=True, slots=True)
class EmailUnsubscribed(Event, name="email.unsubscribed", words="unsubscribed from email ({method})"):
    """A doctor, or their mailbox provider, unsubscribed; `site` None is for every site."""

    sending: str
    hcp: str
    site: str | None
    method: str
    stopped: int


@dataclass(frozen=True, slots=True)
class PreferencesChanged(Event, name="mail-preferences.changed", words="chose how often mail may come: {frequency}"):
    """A doctor said how often mail may come."""

    hcp: str
    site: str
    frequency: str


@dataclass(frozen=True, slots=True)
class OptInAsked(Event, name="opt-in.asked", words="asked a doctor to confirm that mail is wanted"):
    """A mail with a button to confirm was put into the outbox."""

    opt_in: str
    hcp: str
    site: str


@dataclass(frozen=True, slots=True)
class FreshLinkMailed(Event, name="link.reissued", words="mailed a fresh link to the address on file"):
    """A fresh link was mailed to the address on file, because somebody who knows it asked."""

    sending: str
    hcp: str
    before: str


@dataclass(frozen=True, slots=True)
class EmailRead(Event, name="email.read", words="opened an email as it was sent"):
    """A stored email was shown to a member of staff."""

    sending: str
    hcp: str


@dataclass(frozen=True, slots=True)
class CompositionsPurged(Event, name="compositions.purged", words="deleted {count} compositions that were never sent"):
    """Compositions begun before a day and never sent were deleted."""

    before: str
    count: int


@dataclass(frozen=True, slots=True)
class WaitingMailPurged(
    Event, name="waiting-mail.purged", words="stopped {count} mails with codes or links that could not be sent in time"
):
    """Mail for its reader alone waited longer than its life; its text was thrown away."""

    count: int
