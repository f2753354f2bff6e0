"""Nobody but its reader follows a doctor's mail: what staff see of it opens nothing, and codes are not kept."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock, create_app
from portal.access.stepping_up import CODE_LIFE
from portal.audit import Actor
from portal.config import Settings
from portal.content.queries import site_by_key
from portal.db import Database
from portal.hcp.queries import hcp_by_ref
from portal.mailing.models import Sending
from portal.mailing.outbox import MailAsSent
from portal.mailing.showing import for_staff, inert
from portal.mailing.states import SendingKind, SendingState
from portal.microsite import codes, notices
from tests.attacks.world import sign_in
from tests.client import HouseClient
from tests.mailing.conftest import LINKS, SITE, TERMS, Office

SIGNED = re.compile(r"/[vupo]/[a-z2-7]{20,}")


def fill(database: Database) -> dict[str, str]:
    """One mail of every kind to a doctor; their ids by kind."""
    at = clock.now()
    with database.writing() as db:
        card, site = hcp_by_ref(db, "H-1001"), site_by_key(db, SITE)
        assert card is not None
        assert site is not None
        minutes = int(CODE_LIFE / timedelta(minutes=1))
        assert codes.mail_code(db, card.id, site.id, "123456", minutes=minutes, terms=TERMS, at=at)
        assert notices.mail_fresh_links(db, card.email or "", links=LINKS, terms=TERMS, at=at) == 1
        asked = notices.ask_whether_wanted(
            db, card, site, sender="", links=LINKS, terms=TERMS, by=Actor.hcp(card.id), at=at
        )
        assert asked
        return {row.kind: row.id for row in db.scalars(select(Sending))}


@pytest.fixture
def apps(office: Office, settings: Settings) -> Iterator[dict[str, Flask]]:
    """The same database behind three settings."""
    given = {"demo": {"demo": True}, "server": {"demo": True, "smtp_url": "smtp://127.0.0.1:9"}, "plain": {}}
    base = settings.model_dump() | {"database_url": office.database.engine.url.render_as_string(hide_password=False)}
    made = {
        name: create_app(Settings.model_validate(base | {"demo": False, "smtp_url": ""} | more))
        for name, more in given.items()
    }
    yield made
    for app in made.values():
        app.extensions["portal.database"].close()


def read(app: Flask, who: str, *paths: str) -> list[str]:
    client = HouseClient(app)
    sign_in(client, who)
    return [client.raw.get(path, base_url=client.base_url).text for path in paths]


def test_links_are_followed_in_the_demo_and_nowhere_else(office: Office, apps: dict[str, Flask]) -> None:
    office.sent()
    ids = fill(office.database)
    for setting, follows in (("demo", True), ("server", False), ("plain", False)):
        for kind, sending_id in ids.items():
            where = f"/staff/outbox/mail/{sending_id}"
            page, frame = read(apps[setting], "admin@portal.example", where, f"{where}/html")
            shown = SIGNED.search(page + frame) is not None or "123456" in page + frame
            assert shown is follows, (setting, kind)
            if kind != "approved" and not follows:
                assert "For its reader alone" in page
                assert frame == ""
        own = f"/staff/outbox/mine/{ids['approved']}"
        for text in read(apps[setting], "rep@portal.example", own, f"{own}/html"):
            assert SIGNED.search(text) is None
            assert "Dear Dr Meier" in text
        for sending_id in ids.values():
            [text] = read(apps[setting], "compliance@portal.example", f"/staff/audit/mail/{sending_id}")
            assert SIGNED.search(text) is None
            assert "123456" not in text


@pytest.mark.parametrize("purpose", ["v", "u", "p"])
def test_a_sender_reads_no_address_that_works_of_their_own_mail(
    office: Office, apps: dict[str, Flask], purpose: str
) -> None:
    [sending_id] = office.sent()
    address = re.compile(rf"/{purpose}/[a-z2-7]{{20,}}")
    with office.database.reading() as db:
        row = db.get_one(Sending, sending_id)
        html, text, header = row.html or "", row.text or "", row.unsubscribe_url or ""
    found = set(address.findall(html))
    assert found == set(address.findall(text)) != set()
    assert (purpose == "u") is (address.search(header) is not None)
    own = f"/staff/outbox/mine/{sending_id}"
    for setting in ("demo", "server", "plain"):
        page, frame = read(apps[setting], "rep@portal.example", own, f"{own}/html")
        assert not any(token in page + frame for token in found)
        assert f"/{purpose}/preview" in frame
        assert "List-Unsubscribe" not in page


def test_what_is_for_its_reader_alone_is_not_kept_once_a_server_has_it(office: Office) -> None:
    office.sent()
    fill(office.database)
    with office.database.reading() as db:
        assert all(row.html and row.text for row in db.scalars(select(Sending)))
    assert office.work() == {SendingState.ACCEPTED: 4}
    assert any("123456" in str(message.get_body(("plain",))) for message in office.server.received)
    with office.database.reading() as db:
        rows = {row.kind: row for row in db.scalars(select(Sending))}
        db.expunge_all()
    assert rows["approved"].html
    for kind in ("fresh-link", "opt-in", "notice"):
        assert (rows[kind].html, rows[kind].text) == (None, None)
        assert rows[kind].sha256


def test_a_code_is_not_kept_where_its_fate_is_unknown_either(office: Office) -> None:
    fill(office.database)
    office.server.hang_up = "data"
    office.work()
    with office.database.reading() as db:
        rows = db.scalars(select(Sending)).all()
        db.expunge_all()
    assert {row.state for row in rows} == {SendingState.UNCERTAIN}
    assert all(row.html is None and row.text is None for row in rows)


def test_a_mail_loses_its_signed_addresses_and_nothing_else() -> None:
    token = "aeb2" * 20
    html = f'<a href="https://x.example/v/{token}">a</a> /v/short /w/{token} https://x.example/p/{token}.'
    assert (
        inert(html) == f'<a href="https://x.example/v/preview">a</a> /v/short /w/{token} https://x.example/p/preview.'
    )
    sent = MailAsSent("s", html, "123456", "0" * 64)
    for kind in SendingKind:
        shown = for_staff(kind, sent, follow=False)
        assert shown is not None
        assert (shown.text is None) is (kind in ("fresh-link", "opt-in", "notice"))
        assert for_staff(kind, sent, follow=True) is not None
    assert for_staff(SendingKind.NOTICE, None, follow=True) is None
