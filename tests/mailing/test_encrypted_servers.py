"""Mail servers that ask for encryption and a sign-in: what is wrong leaves the mail waiting, no password anywhere."""

import asyncio
import datetime
import ipaddress
import logging
import ssl
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from portal.config import Settings
from portal.mailing.courier import CourierRefused, Route
from portal.mailing.states import SendingState
from tests.mailing.conftest import BASE, Office
from tests.mailserver import MailServer

USER, SECRET = "portal", "open-sesame-7341"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for this machine, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Encrypted(MailServer):
    """A real mail server with a certificate and a sign-in; remembers what came over a bare connection."""

    def __init__(self, certificate: Path, *, implicit: bool, starttls: bool = True, auth: bool = True) -> None:
        super().__init__()
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._implicit, self._starttls, self._auth = implicit, starttls, auth
        self.bare: list[bytes] = []  # every line that came unencrypted

    def _sign_in(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = data.login == USER.encode() and data.password == SECRET.encode()
        return AuthResult(success=right, handled=False)

    def protocol(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        told = self

        class Listening(SMTP):
            def data_received(self, data: bytes) -> None:
                if self.transport is not None and self.transport.get_extra_info("sslcontext") is None:
                    told.bare.append(data)
                super().data_received(data)

        with warnings.catch_warnings():
            # It does not know that the connection is encrypted already where that is implicit.
            warnings.simplefilter("ignore", UserWarning)
            return Listening(
                told,
                hostname="mx.example",
                tls_context=self._context if self._starttls and not self._implicit else None,
                require_starttls=self._starttls and not self._implicit,
                authenticator=self._sign_in if self._auth else None,
                auth_required=self._auth,
                auth_require_tls=not self._implicit,
                loop=loop,
            )

    def serve(self) -> Iterator["Encrypted"]:
        loop, ready = asyncio.new_event_loop(), threading.Event()

        def run() -> None:
            asyncio.set_event_loop(loop)
            secured = self._context if self._implicit else None
            made = loop.create_server(lambda: self.protocol(loop), "127.0.0.1", 0, ssl=secured)
            self._server = loop.run_until_complete(made)
            self.port = self._server.sockets[0].getsockname()[1]
            ready.set()
            loop.run_forever()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert ready.wait(10)
        yield self

        async def finish() -> None:
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(finish(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture
def office(sqlite_demo_app: Flask, settings: Settings, mail_server: MailServer) -> Office:
    """An office on SQLite: what a mail server answers does not depend on the database."""
    changed = settings.model_copy(update={"smtp_url": mail_server.url, "base_url": BASE})
    return Office(sqlite_demo_app.extensions["portal.database"], changed, mail_server)


@pytest.fixture
def starttls(certificate: Path) -> Iterator[Encrypted]:
    yield from Encrypted(certificate, implicit=False).serve()


@pytest.fixture
def implicit(certificate: Path) -> Iterator[Encrypted]:
    yield from Encrypted(certificate, implicit=True).serve()


@pytest.fixture
def bare(certificate: Path) -> Iterator[Encrypted]:
    """A server that offers neither encryption nor a sign-in, as after somebody in between took the offer out."""
    yield from Encrypted(certificate, implicit=False, starttls=False, auth=False).serve()


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def through(office: Office, server: Encrypted, scheme: str, password: str = SECRET, host: str = "127.0.0.1") -> str:
    """Send one mail by this server; what became of it."""
    url = f"{scheme}://{USER}:{password}@{host}:{server.port}?timeout=5"
    office.settings = office.settings.model_copy(update={"smtp_url": url})
    [sending_id] = office.sent()
    office.work()
    row = office.look(sending_id)
    return f"{row.state}: {row.reason}" if row.reason else str(row.state)


@pytest.mark.usefixtures("trusted")
def test_mail_goes_by_starttls_and_a_sign_in(office: Office, starttls: Encrypted) -> None:
    assert through(office, starttls, "smtp+starttls") == SendingState.ACCEPTED
    assert len(starttls.received) == 1
    assert not any(b"AUTH" in line.upper() or b"MAIL" in line.upper() for line in starttls.bare)


@pytest.mark.usefixtures("trusted")
def test_mail_goes_by_implicit_encryption_and_a_sign_in(office: Office, implicit: Encrypted) -> None:
    assert through(office, implicit, "smtps") == SendingState.ACCEPTED
    assert len(implicit.received) == 1


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_leaves_the_mail_waiting_and_is_said_nowhere(
    office: Office, starttls: Encrypted, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        said = through(office, starttls, "smtp+starttls", password="wrong-word-9182")
    assert said == "scheduled: mail server refused the sign-in"
    out, err = capfd.readouterr()
    with office.database.engine.connect() as held:
        kept = str(held.exec_driver_sql("SELECT * FROM outbox").all())
        kept += str(held.exec_driver_sql("SELECT * FROM audit_events").all())
    assert "wrong-word-9182" not in caplog.text + out + err + kept
    assert starttls.received == []


@pytest.mark.usefixtures("trusted")
def test_a_server_that_offers_no_encryption_gets_nothing(office: Office, bare: Encrypted) -> None:
    assert through(office, bare, "smtp+starttls") == "scheduled: no encryption offered"
    assert bare.received == []
    sent = b"".join(bare.bare).upper()
    assert not any(word in sent for word in (b"AUTH", b"MAIL FROM", b"RCPT", b"DATA", SECRET.encode()))


@pytest.mark.usefixtures("trusted")
def test_a_server_that_speaks_plain_where_encryption_is_expected_gets_nothing(office: Office, bare: Encrypted) -> None:
    assert through(office, bare, "smtps").startswith("scheduled: ")
    assert bare.received == []
    assert SECRET.encode() not in b"".join(bare.bare)


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_a_certificate_nobody_vouches_for_is_not_trusted(
    office: Office, starttls: Encrypted, implicit: Encrypted, scheme: str
) -> None:
    server = implicit if scheme == "smtps" else starttls
    assert through(office, server, scheme) == "scheduled: certificate not trusted"
    assert server.received == []
    assert SECRET.encode() not in b"".join(server.bare)


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_name_is_not_trusted(office: Office, starttls: Encrypted) -> None:
    assert through(office, starttls, "smtp+starttls", host="localhost") == "scheduled: certificate not trusted"


@pytest.mark.usefixtures("trusted")
def test_a_server_that_refuses_the_sign_in_is_asked_once_a_round(office: Office, starttls: Encrypted) -> None:
    url = f"smtp+starttls://{USER}:wrong@127.0.0.1:{starttls.port}?timeout=5"
    office.settings = office.settings.model_copy(update={"smtp_url": url})
    office.sent("H-1001", "H-1002", "H-1003")
    assert office.work() == {SendingState.SCHEDULED: 1}
    office.settings = office.settings.model_copy(update={"smtp_url": url.replace("wrong", SECRET)})
    assert office.work(after=datetime.timedelta(minutes=5)) == {SendingState.ACCEPTED: 3}


def test_a_password_never_goes_over_a_bare_connection_and_is_in_no_text() -> None:
    with pytest.raises(CourierRefused, match="encrypted") as refused:
        Route.parse(f"smtp://{USER}:{SECRET}@mx.example")
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(Route.parse(f"smtps://{USER}:{SECRET}@mx.example"))
    with pytest.raises(CourierRefused) as refused:
        Route.parse(f"smtps://{USER}:{SECRET}@mx.example:port")
    assert SECRET not in str(refused.value)
