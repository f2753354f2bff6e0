"""From a composition to a doctor's mailbox, over real SMTP."""

import re
from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.access.models import Link
from portal.audit.models import AuditEvent
from portal.mailing.models import Outbox
from portal.mailing.outbox import as_sent
from portal.mailing.rendering import foreign_addresses
from portal.mailing.states import SendingState
from tests.mailing.conftest import BASE, Office


def test_a_mail_arrives_as_it_was_stored(office: Office) -> None:
    [sending_id] = office.sent()
    assert office.work(after=timedelta(seconds=29)) == {}  # it can still be undone
    assert office.work() == {SendingState.ACCEPTED: 1}
    [message] = office.server.received
    with office.database.reading() as db:
        stored = as_sent(db, sending_id)
    assert stored is not None
    html = message.get_body(("html",))
    text = message.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert html.get_content().replace("\r\n", "\n").strip() == (stored.html or "").strip()
    assert text.get_content().replace("\r\n", "\n").strip() == (stored.text or "").strip()
    assert message["Subject"] == "Sections of the Lipitor label for you"
    assert message["To"] == "karin.meier@clinic.example"
    assert message["Reply-To"] == "rep@portal.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{sending_id}@portal.example>"
    assert message["Feedback-ID"].endswith(":approved:portal")
    assert re.fullmatch(rf"<{re.escape(BASE)}/u/[a-z2-7]+>", message["List-Unsubscribe"])
    assert office.server.raw[0].startswith(b"List-Unsubscribe: <http")  # not folded, not encoded
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for needed in ("Dear Dr Meier", "As you asked,", "1 Example Street", "Anna Keller", "Dosage and administration"):
        assert needed in html.get_content(), needed
        assert needed in text.get_content(), needed
    assert "{{" not in html.get_content() + text.get_content()


def test_nothing_in_a_mail_comes_from_elsewhere(office: Office) -> None:
    [sending_id] = office.sent()
    with office.database.reading() as db:
        stored = as_sent(db, sending_id)
    assert stored is not None
    assert all(url.startswith(BASE + "/") for url in foreign_addresses(stored.html or ""))
    for fetched in ("<img", "src=", "url(", "@import", "<link", "<script"):
        assert fetched not in (stored.html or "").lower()


def test_every_call_to_action_has_one_link_of_its_own(office: Office) -> None:
    [sending_id] = office.sent()
    with office.database.reading() as db:
        columns = select(Link.action, Link.landing, Link.channel, Link.handed_over_at)
        links = db.execute(columns.where(Link.sending_id == sending_id)).all()
        stored = as_sent(db, sending_id)
    assert stored is not None
    assert {link.action: link.landing for link in links} == {
        "after-visit/home/1": None,
        "after-visit/warnings/1": "warnings",
        "after-visit/indications/1": "indications",
        "dosing/dosing/1": "dosing",
        "pick/warnings/1": "warnings",
    }
    assert all(link.channel == "mail" and link.handed_over_at is None for link in links)
    in_html = re.findall(r'href="[^"]*/v/([a-z2-7]+)"', stored.html or "")
    in_text = re.findall(r"/v/([a-z2-7]+)", stored.text or "")
    assert len(in_html) == len(set(in_html)) == len(links)
    assert set(in_html) == set(in_text)
    office.work()
    with office.database.reading() as db:
        at = office.look(sending_id).handed_over_at
        assert at is not None
        assert set(db.scalars(select(Link.handed_over_at).where(Link.sending_id == sending_id))) == {at}


def test_what_was_done_is_on_record_and_the_outbox_is_empty(office: Office) -> None:
    office.sent("H-1001", "H-1002")
    assert office.work() == {SendingState.ACCEPTED: 2}
    with office.database.reading() as db:
        assert db.scalars(select(Outbox)).all() == []
        names = list(db.scalars(select(AuditEvent.name).where(AuditEvent.name.like("email.%"))))
    assert sorted(names) == sorted(["email.composed", "email.handing-over", "email.sent"] * 2)
    assert office.work() == {}


def test_a_second_press_sends_nothing_more(office: Office) -> None:
    mailing_id = office.compose()
    first = office.send(mailing_id)
    assert office.send(mailing_id) == first
    office.work()
    office.work(at=clock.now() + timedelta(days=1))
    assert len(office.server.received) == 1
