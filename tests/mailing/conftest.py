"""A demo to send from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

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
from tests.mailserver import MailServer

SITE = "atorvastatin-us-en"
BASE = "http://127.0.0.1:8190"
TOKENS = TokenBox((KEY,))
LINKS = MailLinks(TOKENS, BASE)
TERMS = Terms("portal@portal.example", 30)


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
