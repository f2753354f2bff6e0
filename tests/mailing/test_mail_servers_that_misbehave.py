"""Refusals, slowness and broken connections of a real SMTP server."""

from datetime import timedelta

import pytest

from portal import clock
from portal.mailing.courier import CourierRefused, Route
from portal.mailing.handover import PATIENCE
from portal.mailing.states import SendingState
from tests.mailing.conftest import Office


@pytest.mark.parametrize(
    ("where", "answer", "reason"),
    [
        ("rcpt", "550 5.1.1 no such user", "no such address"),
        ("rcpt", "550 no such user", "no such address"),
        ("rcpt", "552 5.2.2 mailbox full", "mailbox full"),
        ("mail", "553 5.7.1 not from you", "refused by the mail server"),
        ("data", "554 5.7.1 looks like spam", "refused by the mail server"),
        ("data", "552 5.3.4 too big", "too large"),
    ],
)
def test_a_final_refusal_is_final(office: Office, where: str, answer: str, reason: str) -> None:
    [sending_id] = office.sent()
    setattr(office.server, f"{where}_answer", answer)
    assert office.work() == {SendingState.FAILED: 1}
    row = office.look(sending_id)
    assert (row.state, row.reason, row.handed_over_at) == (SendingState.FAILED, reason, None)
    setattr(office.server, f"{where}_answer", None)
    assert office.work(after=timedelta(days=1)) == {}
    assert office.server.received == []


@pytest.mark.parametrize(
    ("where", "answer", "reason"),
    [
        ("rcpt", "452 4.2.2 over quota", "mailbox full"),
        ("mail", "451 4.3.0 busy", "try later"),
        ("data", "451 4.7.1 greylisted", "try later"),
    ],
)
def test_a_passing_refusal_is_tried_again_with_growing_pauses(
    office: Office, where: str, answer: str, reason: str
) -> None:
    at = clock.now()
    [sending_id] = office.sent(at=at)
    setattr(office.server, f"{where}_answer", answer)
    at += timedelta(seconds=31)
    assert office.work(at=at) == {SendingState.SCHEDULED: 1}
    row = office.look(sending_id)
    assert (row.reason, row.attempts, row.next_at, row.handed_over_at) == (reason, 1, at + timedelta(minutes=1), None)
    assert office.work(at=at + timedelta(seconds=59)) == {}
    at += timedelta(minutes=1)
    assert office.work(at=at) == {SendingState.SCHEDULED: 1}
    assert office.look(sending_id).next_at == at + timedelta(minutes=5)
    setattr(office.server, f"{where}_answer", None)
    assert office.work(at=at + timedelta(minutes=5)) == {SendingState.ACCEPTED: 1}
    assert office.server.copies_of(sending_id) == 1


def test_after_a_day_it_gives_up(office: Office) -> None:
    at = clock.now()
    [sending_id] = office.sent(at=at)
    office.server.rcpt_answer = "450 4.2.1 try later"
    due = office.look(sending_id).due_at
    office.work(at=due)
    assert office.work(at=due + PATIENCE - timedelta(seconds=1)) == {SendingState.SCHEDULED: 1}
    assert office.work(at=due + PATIENCE + timedelta(hours=7)) == {SendingState.FAILED: 1}
    assert office.look(sending_id).reason == "gave up after a day"


def test_a_server_that_is_not_there_loses_nothing(office: Office) -> None:
    [sending_id] = office.sent()
    office.settings = office.settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:9?timeout=1"})
    assert office.work() == {SendingState.SCHEDULED: 1}
    assert office.look(sending_id).reason == "mail server not reached"


@pytest.mark.parametrize(
    ("hang_up", "state", "copies"),
    [
        ("rcpt", SendingState.SCHEDULED, 0),
        ("before", SendingState.UNCERTAIN, 0),
        ("data", SendingState.UNCERTAIN, 1),
    ],
)
def test_a_connection_that_breaks(office: Office, hang_up: str, state: SendingState, copies: int) -> None:
    [sending_id] = office.sent()
    office.server.hang_up = hang_up
    assert office.work() == {state: 1}
    office.server.hang_up = ""
    office.work(after=timedelta(hours=2))
    row = office.look(sending_id)
    assert office.server.copies_of(sending_id) == (copies if state is SendingState.UNCERTAIN else 1)
    assert row.state is (state if state is SendingState.UNCERTAIN else SendingState.ACCEPTED)


def test_an_answer_that_comes_too_late_leaves_it_uncertain_and_one_copy(office: Office) -> None:
    [sending_id] = office.sent()
    office.settings = office.settings.model_copy(
        update={"smtp_url": office.server.url.replace("timeout=3", "timeout=0.5")}
    )
    office.server.seconds = 1.5
    assert office.work() == {SendingState.UNCERTAIN: 1}
    assert office.work(after=timedelta(days=1)) == {}
    assert office.server.copies_of(sending_id) <= 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://mx.example",
        "smtp://",
        "smtp://h:notaport",
        "smtp://h?timeout=x",
        "smtp://h/path",
        "smtp://h?timeout=0",
    ],
)
def test_an_address_of_a_server_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(CourierRefused):
        Route.parse(url)


def test_the_address_of_a_server_is_read_whole() -> None:
    route = Route.parse("smtp+starttls://us%40er:pa%3Ass@mx.example")
    assert (route.host, route.port, route.user, route.password, route.timeout) == (
        "mx.example",
        587,
        "us@er",
        "pa:ss",
        30.0,
    )
