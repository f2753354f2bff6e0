"""A real mail server that can be told to misbehave."""

import asyncio
import email
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session


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
