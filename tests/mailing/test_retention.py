"""Compositions that were begun and never sent go after their time, to the second; what was sent stays."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.cli.worker import tidy
from portal.mailing import mailings, sendings
from portal.mailing.models import Mailing, Sending
from portal.mailing.retention import COMPOSITION_LIFE
from portal.mailing.sendings import Sender
from tests.mailing.conftest import LINKS, TERMS, Office


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
