"""A demo to send from, and a real mail server that can be told to misbehave."""

import asyncio
import email
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from portal import clock
from portal.access.tokens import TokenBox
from portal.audit import Actor
from portal.config import Settings
from portal.content.queries import site_by_key
from portal.db import Database
from portal.hcp.queries import hcp_by_ref
from portal.mailing import mailings, sendings
from portal.mailing.outbox import SendingRow, sending
from portal.mailing.queries import pieces_in_force
from portal.mailing.sendings import Sender, Terms
from portal.mailing.states import PieceKind
from portal.microsite.mail_links import MailLinks
from portal.microsite.post_office import hand_over_due
from portal.staff.queries import ids_by_email
from tests.conftest import KEY

SITE = "atorvastatin-us-en"
BASE = "http://127.0.0.1:8190"
TOKENS = TokenBox((KEY,))
LINKS = MailLinks(TOKENS, BASE)
TERMS = Terms("portal@portal.example", 30)


@dataclass
class MailServer:
    """What a real SMTP server received, and how it answers."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    mail_answer: str | None = None
    rcpt_answer: str | None = None
    data_answer: str | None = None  # the answer after the whole message; the message is kept only if None
    seconds: float = 0.0  # silence before the answer to the whole message
    hang_up: str = ""  # rcpt: at RCPT; data: after the whole message was kept; before: after it arrived, not kept

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?timeout=3"

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.mail_answer or "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.hang_up == "rcpt":
            server.transport.abort()
            return "421 bye"
        if self.rcpt_answer:
            return self.rcpt_answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if self.hang_up == "before":
            server.transport.abort()
            return "421 bye"
        if self.data_answer:
            return self.data_answer
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        if self.hang_up == "data":
            server.transport.abort()
        return "250 2.0.0 kept"

    def copies_of(self, sending_id: str) -> int:
        """How many copies of a sending the server keeps."""
        return sum(f"<{sending_id}@" in str(message["Message-ID"]) for message in self.received)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A real SMTP server on a free port."""
    told = MailServer()
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def begin() -> asyncio.Server:
        return await loop.create_server(
            lambda: SMTP(told, hostname="mx.example", enable_SMTPUTF8=False, loop=loop), "127.0.0.1", 0
        )

    holder: list[asyncio.Server] = []

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(begin())
        holder.append(server)
        told.port = server.sockets[0].getsockname()[1]
        started.set()
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    yield told

    async def finish() -> None:
        holder[0].close()
        holder[0].close_clients()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    with suppress(AttributeError):
        asyncio.run_coroutine_threadsafe(finish(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@dataclass
class Office:
    """A representative of the demo with everything that sending takes."""

    database: Database
    settings: Settings
    server: MailServer

    def compose(
        self,
        *refs: str,
        rep: str = "rep@portal.example",
        fragments: tuple[str, ...] = ("dosing",),
        modules: tuple[str, ...] = ("warnings",),
        note: str = "",
        at: datetime | None = None,
    ) -> str:
        """Put a composition together and return its id."""
        at = at or clock.now()
        with self.database.writing() as db:
            site = site_by_key(db, SITE)
            assert site is not None
            rep_id = ids_by_email(db)[rep]
            template = pieces_in_force(db, site.id, PieceKind.TEMPLATE, at)[0]
            known = {piece.key: piece.id for piece in pieces_in_force(db, site.id, PieceKind.FRAGMENT, at)}
            cards = [hcp_by_ref(db, ref) for ref in refs or ("H-1001",)]
            mailing_id = mailings.begin(
                db, template.id, sender_id=rep_id, hcp_ids=[card.id for card in cards if card], at=at
            )
            values = {"occasion": "As you asked,", "note": note}
            picked = [known[key] for key in fragments]
            mailings.change(
                db, mailing_id, fragments=picked, modules=modules, values=values, by=Actor.staff(rep_id), at=at
            )
        return mailing_id

    def send(
        self,
        mailing_id: str,
        *,
        rep: str = "rep@portal.example",
        not_before: datetime | None = None,
        at: datetime | None = None,
    ) -> list[str]:
        """Send a composition; the sendings are due after the time for undoing."""
        at = at or clock.now()
        with self.database.writing() as db:
            rep_id = ids_by_email(db)[rep]
            sender = Sender(rep_id, "Anna Keller", rep)
            return sendings.send(
                db,
                mailing_id,
                sender=sender,
                links=LINKS,
                terms=TERMS,
                not_before=not_before,
                by=Actor.staff(rep_id),
                at=at,
            )

    def sent(self, *refs: str, at: datetime | None = None) -> list[str]:
        """Compose and send; the sendings wait."""
        return self.send(self.compose(*refs, at=at), at=at)

    def work(self, *, after: timedelta = timedelta(seconds=31), at: datetime | None = None) -> dict[str, int]:
        """Run the worker once, `after` from now."""
        moment = at or clock.now() + after
        return hand_over_due(self.database, TOKENS, self.settings, clock=lambda: moment)

    def look(self, sending_id: str) -> SendingRow:
        with self.database.reading() as db:
            found = sending(db, sending_id)
        assert found is not None
        return found


@pytest.fixture
def office(demo_database: Database, settings: Settings, mail_server: MailServer) -> Office:
    """An office on each kind of database."""
    return Office(
        demo_database, settings.model_copy(update={"smtp_url": mail_server.url, "base_url": BASE}), mail_server
    )
