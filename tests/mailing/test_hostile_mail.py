"""Names and texts that try to break out of a mail, and what is withdrawn while it waits."""

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.audit import Actor
from portal.config import Settings
from portal.content.actions import withdraw
from portal.content.models import ModuleVersion
from portal.content.queries import site_by_key, version_in_force
from portal.hcp.actions import record_consent
from portal.hcp.models import Hcp
from portal.mailing.outbox import as_sent
from portal.mailing.states import SendingState
from tests.mailing.conftest import BASE, SITE, Office
from tests.mailing.test_writing import begun, desk
from tests.mailserver import MailServer

BY = Actor.system("tests")


@pytest.fixture
def office(sqlite_demo_app: Flask, settings: Settings, mail_server: MailServer) -> Office:
    """An office on SQLite."""
    changed = settings.model_copy(update={"smtp_url": mail_server.url, "base_url": BASE})
    return Office(sqlite_demo_app.extensions["portal.database"], changed, mail_server)


@pytest.mark.parametrize(
    "name",
    [
        "Meier\r\nBcc: x@evil.example",
        "<script>alert(1)</script>",
        "\u202egnp.reieM\u202c",
        "Me\u200bier",
        "{{link.home}}",
        "x" * 150,
    ],
    ids=["lines", "html", "right-to-left", "hidden", "braces", "long"],
)
def test_a_name_stays_a_name(office: Office, name: str) -> None:
    with office.database.writing() as db:
        hcp = db.scalars(select(Hcp).where(Hcp.ref == "H-1001")).one()
        hcp.last_name = name
    [sending_id] = office.sent()
    assert office.work() == {SendingState.ACCEPTED: 1}
    [message] = office.server.received
    assert message["Bcc"] is None
    assert message["To"] == "karin.meier@clinic.example"
    with office.database.reading() as db:
        stored = as_sent(db, sending_id)
    assert stored is not None
    assert "<script" not in (stored.html or "")
    assert not set("\u202e\u202c\u200b\r") & set((stored.html or "") + (stored.text or "") + (stored.subject or ""))


def test_a_module_withdrawn_while_mail_waits_stops_it(office: Office) -> None:
    [sending_id] = office.sent()
    with office.database.writing() as db:
        site = site_by_key(db, SITE)
        assert site is not None
        module = version_in_force(db, site.id, "warnings", clock.now())
        assert module is not None
        assert db.get(ModuleVersion, module.version_id) is not None
        withdraw(db, module.version_id, reason="superseded", by=BY, at=clock.now())
    assert office.work() == {SendingState.STOPPED: 1}
    assert office.look(sending_id).reason == "expired"
    assert office.server.received == []


def test_consent_withdrawn_while_mail_waits_stops_it(office: Office) -> None:
    [sending_id] = office.sent()
    with office.database.writing() as db:
        hcp = office.look(sending_id).hcp_id
        record_consent(db, hcp, None, "mail", "refused", "phone", "no", by=BY, at=clock.now())
    assert office.work() == {SendingState.STOPPED: 1}
    assert office.look(sending_id).reason == "no-consent"
    assert office.server.received == []


def test_ten_million_characters_of_free_text_are_refused(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client)
    data = {"value-occasion": "As you asked,", "value-note": "x" * 10_000_000, "act": "send"}
    answer = client.submit(path, path, data)
    assert answer.status_code in (413, 422)
