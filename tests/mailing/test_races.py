"""Unsubscribing against sending, undoing against sending: exactly one outcome, always."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.audit import Actor
from portal.hcp.actions import record_consent
from portal.hcp.consents import OPTED_IN
from portal.mailing import sendings
from portal.mailing.models import Sending, Unsubscribe
from portal.mailing.pieces import withdraw
from portal.mailing.states import SendingState
from portal.mailing.unsubscribing import unsubscribe
from portal.microsite import post_office
from tests.mailing.conftest import LINKS, TOKENS, Office
from tests.mailing.test_killed_at_every_step import allow_many
from tests.threads import at_once


def stop_at(office: Office, step: str, deed: Callable[[], None]) -> dict[str, int]:
    """Run the worker and do `deed` in another thread when it reaches `step`; wait for it no longer than it takes."""
    done: list[threading.Thread] = []

    def on_step(name: str) -> None:
        if name == step and not done:
            thread = threading.Thread(target=deed)
            done.append(thread)
            thread.start()
            thread.join(0.5)  # within the worker's transaction the other waits for it, so this ends by time

    moment = clock.now() + timedelta(seconds=31)
    counts = post_office.hand_over_due(office.database, TOKENS, office.settings, clock=lambda: moment, on_step=on_step)
    done[0].join(20)
    assert not done[0].is_alive()
    return counts


BEFORE = ("claim", "claimed", "connect", "mail", "rcpt", "data", "message", "question")
AFTER = ("commit", "committed", "dot", "reply", "replied", "settle", "settled")


@pytest.mark.parametrize("step", BEFORE + AFTER)
def test_unsubscribing_at_every_step_of_sending(office: Office, step: str) -> None:
    [sending_id] = office.sent()

    def leave() -> None:
        with office.database.writing() as db:
            unsubscribe(db, sending_id, method="one-click", at=clock.now())

    stop_at(office, step, leave)
    with office.database.reading() as db:
        assert len(db.scalars(select(Unsubscribe.id)).all()) == 1
    row = office.look(sending_id)
    if step in BEFORE:
        assert (row.state, office.server.copies_of(sending_id)) == (SendingState.STOPPED, 0)
    else:
        assert (row.state, office.server.copies_of(sending_id)) == (SendingState.ACCEPTED, 1)


def test_undoing_against_sending(office: Office) -> None:
    allow_many(office)
    for _ in range(15):
        [sending_id] = office.sent()
        undone: list[bool] = []

        def undo(one: str = sending_id, said: list[bool] = undone) -> None:
            with office.database.writing() as db:
                said.append(sendings.undo(db, one, links=LINKS, by=Actor.system("tests"), at=clock.now()))

        at_once(undo, office.work)
        office.work(after=timedelta(minutes=10))
        row, copies = office.look(sending_id), office.server.copies_of(sending_id)
        expected = (SendingState.UNDONE, 0) if undone[0] else (SendingState.ACCEPTED, 1)
        assert (row.state, copies) == expected


def test_unsubscribing_against_sending_many_times(office: Office) -> None:
    allow_many(office)
    for _ in range(15):
        [sending_id] = office.sent()

        def leave(one: str = sending_id) -> None:
            with office.database.writing() as db:
                unsubscribe(db, one, method="one-click", at=clock.now())

        at_once(leave, office.work)
        office.work(after=timedelta(minutes=10))
        row, copies = office.look(sending_id), office.server.copies_of(sending_id)
        assert (row.state, copies) in ((SendingState.STOPPED, 0), (SendingState.ACCEPTED, 1))
        with office.database.writing() as db:
            record_consent(
                db, row.hcp_id, row.site_id, "mail", "given", OPTED_IN, "again", by=Actor.system("t"), at=clock.now()
            )


def test_two_machines_unsubscribing_at_once_count_once(office: Office) -> None:
    [sending_id] = office.sent()

    def leave() -> None:
        with office.database.writing() as db:
            unsubscribe(db, sending_id, method="one-click", at=clock.now())

    at_once(leave, leave, leave)
    with office.database.reading() as db:
        assert len(db.scalars(select(Unsubscribe.id)).all()) == 1


def test_a_template_withdrawn_while_mail_waits_stops_it(office: Office) -> None:
    [sending_id] = office.sent()
    with office.database.writing() as db:
        template = db.get_one(Sending, sending_id).template_id
        withdraw(db, template or "", reason="superseded label", by=Actor.system("tests"), at=clock.now())
    assert office.work() == {SendingState.STOPPED: 1}
    assert office.look(sending_id).reason == "expired"
    assert office.server.received == []
