"""Compositions never sent, and codes and links that no server took, go after their time, to the second."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.cli.worker import tidy
from portal.mailing import mailings, sendings
from portal.mailing.models import Mailing, Outbox, Sending
from portal.mailing.retention import COMPOSITION_LIFE, WAITING_LIFE
from portal.mailing.sendings import Sender
from portal.mailing.states import READERS_ONLY, SendingKind, SendingState
from tests.mailing.conftest import LINKS, TERMS, Office
from tests.mailing.test_what_staff_may_read import fill


def test_an_abandoned_composition_goes_after_its_time_and_nothing_else(office: Office) -> None:
    at = clock.now()
    abandoned, tried, sent = office.compose(at=at), office.compose(at=at), office.compose(at=at)
    younger = office.compose(at=at + timedelta(days=1))
    [sending_id] = office.send(sent, at=at)
    with office.database.writing() as db:
        composed = mailings.composition(db, tried, at)
        assert composed is not None
        rep = Sender(composed.sender_id, "Anna Keller", "rep@portal.example")
        by = Actor.staff(rep.id)
        test_id = sendings.send_test(
            db, composed, composed.cards[0], sender=rep, links=LINKS, terms=TERMS, by=by, at=at
        )
    tidy(office.database, at=at + COMPOSITION_LIFE)
    with office.database.reading() as db:
        assert set(db.scalars(select(Mailing.id))) == {abandoned, tried, sent, younger}
    tidy(office.database, at=at + COMPOSITION_LIFE + timedelta(seconds=1))
    with office.database.reading() as db:
        assert set(db.scalars(select(Mailing.id))) == {sent, younger}
        kept = dict(db.execute(select(Sending.id, Sending.mailing_id)).all())
        assert kept == {sending_id: sent, test_id: None}
        assert db.scalars(select(AuditEvent.name).where(AuditEvent.name == "compositions.purged")).all() != []


def test_what_is_for_its_reader_alone_does_not_wait_for_ever(office: Office) -> None:
    assert set(WAITING_LIFE) == READERS_ONLY
    office.sent()
    ids = fill(office.database)
    for kinds in (("notice",), ("fresh-link", "opt-in")):
        ends = {office.look(ids[kind]).due_at + WAITING_LIFE[SendingKind(kind)] for kind in kinds}
        for at, state in (
            (min(ends), SendingState.SCHEDULED),
            (max(ends) + timedelta(seconds=1), SendingState.STOPPED),
        ):
            tidy(office.database, at=at)
            assert {office.look(ids[kind]).state for kind in kinds} == {state}
    with office.database.reading() as db:
        rows = {row.kind: row for row in db.scalars(select(Sending))}
        assert rows["approved"].html
        assert rows["approved"].state == SendingState.SCHEDULED
        assert {rows[kind].html for kind in READERS_ONLY} == {rows[kind].text for kind in READERS_ONLY} == {None}
        assert all(rows[kind].sha256 for kind in READERS_ONLY)
        assert set(db.scalars(select(Outbox.sending_id))) == {rows["approved"].id}
        purged = db.scalars(select(AuditEvent.name).where(AuditEvent.name == "waiting-mail.purged")).all()
    assert len(purged) == 2  # the codes, then both others
