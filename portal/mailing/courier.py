"""Speaks SMTP to the mail server (RFC 5321): everything but the final dot, then a last question, then the dot."""

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from portal.mailing.states import Failure, failure_of

_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class CourierRefused(Exception):
    """An SMTP address that cannot be used; the text says why."""


class Verdict(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    LATER = "later"  # nothing was delivered; another attempt is safe
    REFUSED = "refused"  # nothing was delivered; another attempt is useless
    WITHHELD = "withheld"  # the last question was answered with no; nothing was delivered
    UNKNOWN = "unknown"  # the end of the message went out, and no answer came


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended and why."""

    verdict: Verdict
    failure: Failure | None = None
    status_code: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where the mail server is: `scheme` is smtp, smtps or smtp+starttls; times in seconds."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    timeout: float

    @classmethod
    def parse(cls, url: str) -> "Route":
        """Return the route of `scheme://user:password@host:port?timeout=30`; raises CourierRefused."""
        try:
            parts = urlsplit(url)
            port = parts.port
            timeout = float(parse_qs(parts.query).get("timeout", ["30"])[0])
        except ValueError:
            raise CourierRefused("The address of the mail server is not smtps://user:password@host:port.") from None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or not 0 < timeout <= 300:
            raise CourierRefused("The address of the mail server begins with smtp://, smtps:// or smtp+starttls://.")
        if parts.scheme == "smtp" and parts.password is not None:
            raise CourierRefused("A password goes over an encrypted connection only: smtps:// or smtp+starttls://.")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password, timeout)


class _Unsafe(Exception):
    """The server offers no encryption where it is asked for: nothing is said to it."""


_FAILURES: dict[type[Exception], Failure] = {
    smtplib.SMTPAuthenticationError: Failure.SIGN_IN,
    ssl.SSLCertVerificationError: Failure.BAD_CERTIFICATE,
}


class Courier:
    """One connection to the mail server, kept while it works; not shared between threads."""

    def __init__(self, route: Route, *, on_step: Callable[[str], None] = lambda _: None) -> None:
        """Take the route; `on_step` hears the name of every step before it is taken."""
        self._route = route
        self._on_step = on_step
        self._smtp: smtplib.SMTP | None = None

    def deliver(
        self, sender: str, recipient: str, message: bytes, *, envelope_id: str, may_end: Callable[[], bool]
    ) -> Outcome:
        """Try to hand over one message; `may_end` is asked before the final dot, when all else has arrived.

        Whatever happens before the dot leaves nothing with the server: it discards a message that is not ended.
        """
        ended = False
        try:
            smtp = self._connected()
            self._on_step("mail")
            smtp = self._envelope(smtp, sender, recipient, envelope_id)
            self._on_step("data")
            smtp.putcmd("data")
            _expect(smtp, 354)
            self._on_step("message")
            smtp.send(_stuffed(message))
            self._on_step("question")
            if not may_end():
                self.drop()
                return Outcome(Verdict.WITHHELD)
            ended = True
            self._on_step("dot")
            smtp.send(b".\r\n")
            self._on_step("reply")
            code, said = smtp.getreply()
            self._on_step("replied")
        except (smtplib.SMTPAuthenticationError, _Unsafe, ssl.SSLCertVerificationError) as refused:
            self.drop()
            return Outcome(Verdict.LATER, _FAILURES.get(type(refused), Failure.NO_ENCRYPTION))
        except smtplib.SMTPResponseException as refused:
            outcome = _refusal(refused.smtp_code, refused.smtp_error, connecting=self._smtp is None)
            self.drop()
            # An answer to the dot that cannot be read at all says nothing of what the server did.
            return Outcome(Verdict.UNKNOWN, Failure.LOST_REPLY) if ended else outcome
        except (OSError, smtplib.SMTPException):
            self.drop()
            if ended:
                return Outcome(Verdict.UNKNOWN, Failure.LOST_REPLY)
            return Outcome(Verdict.LATER, Failure.NO_CONNECTION)
        except BaseException:
            self.drop()  # the last question failed: nothing of this message stays with the server
            raise
        if 200 <= code < 300:
            return Outcome(Verdict.ACCEPTED, None, _status_in(said))
        self.drop()
        if not 400 <= code < 600:
            return Outcome(Verdict.UNKNOWN, Failure.LOST_REPLY)
        return _refusal(code, said, connecting=False)

    def close(self) -> None:
        """Take leave of the server politely."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self.drop()
        self._smtp = None

    def drop(self) -> None:
        """End the connection at once; a message that was not ended is discarded by the server."""
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None:
            return self._smtp
        route = self._route
        self._on_step("connect")
        context = ssl.create_default_context()
        context.hostname_checks_common_name = False  # only the names meant for it (RFC 9525)
        if route.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(route.host, route.port, timeout=route.timeout, context=context)
        else:
            smtp = smtplib.SMTP(route.host, route.port, timeout=route.timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if route.scheme == "smtp+starttls":
                if not smtp.has_extn("starttls"):
                    raise _Unsafe
                smtp.starttls(context=context)
                smtp.ehlo_or_helo_if_needed()
            if route.user:
                try:
                    smtp.login(route.user, route.password)
                except smtplib.SMTPNotSupportedError:  # it offers no way to sign in that we know
                    raise smtplib.SMTPAuthenticationError(530, b"") from None
        except Exception:
            smtp.close()
            raise
        self._smtp = smtp
        return smtp

    def _envelope(self, smtp: smtplib.SMTP, sender: str, recipient: str, envelope_id: str) -> smtplib.SMTP:
        reports = smtp.has_extn("dsn")  # RFC 3461: ask for a report of failure that names the sending
        for attempt in (0, 1):
            try:
                code, said = smtp.mail(sender, [f"ENVID={envelope_id}", "RET=HDRS"] if reports else [])
                break
            except smtplib.SMTPServerDisconnected:
                if attempt:
                    raise
                self.drop()  # the server had closed the connection that was kept; nothing was said yet
                smtp = self._connected()
        if not 200 <= code < 300:
            raise smtplib.SMTPResponseException(code, said)
        self._on_step("rcpt")
        code, said = smtp.rcpt(recipient, ["NOTIFY=FAILURE,DELAY"] if reports else [])
        if not 200 <= code < 300:
            raise smtplib.SMTPResponseException(code, said)
        return smtp


def _expect(smtp: smtplib.SMTP, wanted: int) -> None:
    code, said = smtp.getreply()
    if code != wanted:
        raise smtplib.SMTPResponseException(code, said)


def _refusal(code: int, said: bytes | str, *, connecting: bool) -> Outcome:
    """Return what an answer means that was not the wanted one; a 2xx out of place takes no mail either."""
    if connecting or not 400 <= code < 600:
        return Outcome(Verdict.LATER, Failure.NO_CONNECTION)
    status = _status_in(said)
    verdict = Verdict.REFUSED if code >= 500 else Verdict.LATER
    return Outcome(verdict, failure_of(code, status or ""), status)


def _status_in(said: bytes | str) -> str | None:
    found = _STATUS.search(said.decode("ascii", "replace") if isinstance(said, bytes) else said)
    return found[1] if found else None


def _stuffed(message: bytes) -> bytes:
    """Return a message with CRLF lines and leading dots doubled (RFC 5321, 4.5.2), ending with a line end."""
    message = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", message)
