"""Answers to SMTP verbs that no standard foresees: no mail is stuck, called sent, or called failed by mistake."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from portal.mailing.courier import Courier, Route, Verdict
from portal.mailing.states import Failure

STEPS = ("greeting", "ehlo", "mail", "rcpt", "data", "dot")
GOOD = dict(zip(STEPS, (b"220 hi", b"250 hi", b"250 ok", b"250 ok", b"354 go on", b"250 kept"), strict=True))
MESSAGE = b"Subject: x\r\n\r\n.one\r\n"


class Oddity:
    """A server of one connection after the other that answers each step as it is told."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.answers = dict(GOOD)
        self.kept: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with suppress(OSError), connection, connection.makefile("rb") as said:
                    self._talk(connection, said)

    def _talk(self, connection: socket.socket, said: Iterator[bytes]) -> None:
        connection.sendall(self.answers["greeting"] + b"\r\n")
        for line in said:
            verb = line[:4].strip().lower().decode("latin-1")
            if verb == "quit":
                connection.sendall(b"221 bye\r\n")
                return
            if verb == "helo":
                verb = "ehlo"
            connection.sendall(self.answers.get(verb, b"250 ok") + b"\r\n")
            if verb == "data" and self.answers["data"].startswith(b"354"):
                body = b""
                for more in said:
                    if more == b".\r\n":
                        self.kept.append(body)
                        connection.sendall(self.answers["dot"] + b"\r\n")
                        break
                    body += more

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


@pytest.fixture
def oddity() -> Iterator[Oddity]:
    """A server that answers as it is told."""
    server = Oddity()
    yield server
    server.close()


def handed_over(server: Oddity) -> tuple[Verdict, Failure | None, bool]:
    """How an attempt ended, why, and whether the last question was asked."""
    asked: list[bool] = []

    def may_end() -> bool:
        asked.append(True)
        return True

    courier = Courier(Route.parse(f"smtp://127.0.0.1:{server.port}?timeout=5"))
    outcome = courier.deliver(
        "portal@portal.example", "doctor@clinic.example", MESSAGE, envelope_id="0" * 32, may_end=may_end
    )
    courier.close()
    return outcome.verdict, outcome.failure, bool(asked)


def test_the_plain_way(oddity: Oddity) -> None:
    assert handed_over(oddity) == (Verdict.ACCEPTED, None, True)
    assert oddity.kept == [b"Subject: x\r\n\r\n..one\r\n"]


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        (step, answer)
        for step in STEPS[:-1]
        for answer in ("450 4.2.1 later", "554 5.7.1 no", "299 what", "nonsense")
        if answer[:1].encode() != GOOD[step][:1]
    ],
)
def test_before_the_dot_an_odd_answer_leaves_nothing_and_claims_nothing(oddity: Oddity, step: str, answer: str) -> None:
    oddity.answers[step] = answer.encode()
    verdict, failure, asked = handed_over(oddity)
    assert verdict is (Verdict.REFUSED if answer[:1] == "5" and step in ("mail", "rcpt", "data") else Verdict.LATER)
    assert failure is not None
    assert (asked, oddity.kept) == (False, [])


@pytest.mark.parametrize(
    ("answer", "verdict", "failure"),
    [
        (b"451 4.7.1 greylisted", Verdict.LATER, Failure.TRY_LATER),
        (b"554 5.7.1 spam", Verdict.REFUSED, Failure.REFUSED),
        (b"354 go on", Verdict.UNKNOWN, Failure.LOST_REPLY),
        (b"nonsense", Verdict.UNKNOWN, Failure.LOST_REPLY),
        (b"999 x", Verdict.UNKNOWN, Failure.LOST_REPLY),
        (b"250 " + b"x" * 9000, Verdict.UNKNOWN, Failure.LOST_REPLY),
    ],
)
def test_after_the_dot_only_a_plain_answer_settles_it(
    oddity: Oddity, answer: bytes, verdict: Verdict, failure: Failure
) -> None:
    oddity.answers["dot"] = answer
    assert handed_over(oddity) == (verdict, failure, True)
    assert len(oddity.kept) == 1
