"""A representative's minute: doctor, template, picks, preview, send, undo; and everything that stands in the way."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.access.models import Link
from portal.audit import Actor
from portal.hcp.actions import record_consent, revoke_access
from portal.hcp.models import Hcp
from portal.hcp.queries import hcp_by_ref
from portal.mailing.models import Mailing, Outbox, Sending
from portal.mailing.states import SendingState
from portal.staff.demo_logins import DEMO_PHRASE
from tests.client import HouseClient

SYSTEM = Actor.system("tests")


def desk(app: Flask, email: str = "rep@portal.example") -> HouseClient:
    client = HouseClient(app)
    assert client.post("/staff/sign-in", data={"email": email, "password": DEMO_PHRASE}).status_code == 303
    return client


def hcp_id(app: Flask, ref: str) -> str:
    with app.extensions["portal.database"].reading() as db:
        card = hcp_by_ref(db, ref)
    assert card is not None
    return card.id


def begun(app: Flask, client: HouseClient, *refs: str) -> str:
    """The address of a fresh composition."""
    page = client.get("/staff/mail/new")
    template = re.search(r'name="template" value="([0-9a-f]{32})"', page.text)
    assert template
    ids = [hcp_id(app, ref) for ref in refs or ("H-1001",)]
    answer = client.submit("/staff/mail/new", "/staff/mail/new", {"doctor": ids, "template": template[1]})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def values_of(client: HouseClient, path: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)"', client.get(path).text)


def test_a_mail_is_written_previewed_sent_and_undone(demo_app: Flask) -> None:
    client = desk(demo_app)
    path = begun(demo_app, client)
    fragments, modules = values_of(client, path, "fragments"), values_of(client, path, "modules")
    assert len(fragments) == 3
    picked = {
        "fragments": fragments[:2],
        "modules": modules[:1],
        "value-occasion": "As you asked,",
        "value-note": "See you <soon>",
    }
    assert client.submit(path, path, {**picked, "act": "save"}).status_code == 303
    page = client.get(path)
    assert "Send 1 email to Dr Karin Meier" in page.text
    frame = re.search(r'<iframe[^>]*src="([^"]+)" sandbox>', page.text)
    assert frame
    preview = client.raw.get(frame[1].replace("&amp;", "&"), base_url=client.base_url)
    assert "See you &lt;soon&gt;" in preview.text
    assert "/v/preview" in preview.text
    policy = preview.headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert "See you &lt;soon&gt;" in client.get(path + "?view=text").text
    answer = client.submit(path, path, {**picked, "act": "send"})
    assert answer.status_code == 303, answer.text
    sent = client.get(answer.headers["Location"])
    assert "Undo" in sent.text
    assert client.submit(answer.headers["Location"], path + "/undo").status_code == 303
    with demo_app.extensions["portal.database"].reading() as db:
        assert db.scalars(select(Sending.state)).all() == [SendingState.UNDONE]
        assert db.scalars(select(Outbox.sending_id)).all() == []
        assert None not in db.scalars(select(Link.revoked_at).where(Link.channel == "mail")).all()


def test_order_is_what_the_sender_makes_it(demo_app: Flask) -> None:
    client = desk(demo_app)
    path = begun(demo_app, client)
    fragments = values_of(client, path, "fragments")
    client.submit(path, path, {"fragments": fragments, "move": f"fragments:up:{fragments[1]}"})
    assert values_of(client, path, "fragments") == [fragments[1], fragments[0], fragments[2]]
    client.submit(path, path, {"fragments": fragments, "move": f"fragments:down:{fragments[2]}"})
    assert values_of(client, path, "fragments") == fragments


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"value-occasion": ""}, "Occasion: choose one."),
        ({"value-occasion": "Hello"}, "choose one of the options"),
        ({"value-note": "It is guaranteed to work"}, "may not be used in free text"),
        ({"value-note": "g\u0075ar\u00adanteed"}, "may not be used in free text"),
        ({"value-note": "look at https://evil.example"}, "addresses and links are not allowed"),
        ({"value-note": "x" * 201}, "at most 200 characters; this has 201"),
        ({"value-note": "{{link.home}}"}, "double braces"),
        ({"when": "yesterday"}, "Write a day and a time"),
        ({"when": "2020-01-01T09:00"}, "This moment has passed"),
        ({"when": "2099-01-01T09:00"}, "Schedule within 90 days"),
    ],
)
def test_what_is_not_allowed_is_said_beside_its_field_and_nothing_is_sent(
    sqlite_demo_app: Flask, given: dict[str, str], sentence: str
) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client)
    answer = client.submit(path, path, {"value-occasion": "As you asked,", **given, "act": "send"})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "There is a problem" in answer.text or "cannot be sent yet" in answer.text
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        assert db.scalars(select(Sending.id)).all() == []


def test_more_than_the_bounds_is_refused(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client)
    modules = values_of(client, path, "modules")
    answer = client.submit(path, path, {"value-occasion": "As you asked,", "modules": modules[:6], "act": "send"})
    assert answer.status_code == 422
    assert "Pick between 0 and 5 modules; 6 are picked." in answer.text


def consent_is_refused(app: Flask) -> None:
    with app.extensions["portal.database"].writing() as db:
        record_consent(db, hcp_id(app, "H-1001"), None, "mail", "refused", "phone", "no", by=SYSTEM, at=clock.now())


def access_is_revoked(app: Flask) -> None:
    with app.extensions["portal.database"].writing() as db:
        revoke_access(db, hcp_id(app, "H-1001"), reason="left", by=SYSTEM, at=clock.now())


def address_is_missing(app: Flask) -> None:
    with app.extensions["portal.database"].writing() as db:
        db.get_one(Hcp, hcp_id(app, "H-1001")).email = None


def was_mailed_four_times(app: Flask) -> None:
    client = desk(app)
    for _ in range(4):
        path = begun(app, client)
        assert client.submit(path, path, {"value-occasion": "As you asked,", "act": "send"}).status_code == 303


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (consent_is_refused, "The doctor refused mail."),
        (access_is_revoked, "access is revoked"),
        (address_is_missing, "There is no address on file"),
        (was_mailed_four_times, "4 mails within 30 days; this site allows 4."),
    ],
)
def test_what_blocks_stands_before_the_form_with_who_can_mend_it(
    sqlite_demo_app: Flask, cause: Callable[[Flask], None], sentence: str
) -> None:
    cause(sqlite_demo_app)
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client)
    page = client.get(path).text
    assert sentence in page
    assert page.index(sentence) < page.index('name="value-occasion"')
    # What comes too often may be scheduled for a later time; everything else shuts the button.
    assert bool(re.search(r'<button[^>]*value="send" disabled', page)) is ("mails within" not in sentence)
    assert client.submit(path, path, {"value-occasion": "As you asked,", "act": "send"}).status_code == 422
    assert sentence in client.get(f"/staff/mail/new?doctor={hcp_id(sqlite_demo_app, 'H-1001')}").text


def test_somebody_elses_doctor_composition_and_mail_are_as_good_as_missing(sqlite_demo_app: Flask) -> None:
    mine = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, mine)
    assert mine.submit(path, path, {"value-occasion": "As you asked,", "act": "send"}).status_code == 303
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        sending_id = db.scalars(select(Sending.id)).one()
    other = desk(sqlite_demo_app, "rep2@portal.example")
    for address in (
        path,
        path + "/preview",
        path + "/sent",
        f"/staff/outbox/mine/{sending_id}",
        f"/staff/outbox/mine/{sending_id}/html",
    ):
        assert other.get(address).status_code == 404, address
        assert other.get(address.replace(sending_id, "0" * 32)).status_code == 404
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', other.get("/staff/mail/new").text)
    assert token
    foreign = {"csrf_token": token[1], "doctor": hcp_id(sqlite_demo_app, "H-1001"), "template": "0" * 32}
    for address in ("/staff/mail/new", path, path + "/undo", path + "/revoke", f"/staff/outbox/mine/{sending_id}/undo"):
        assert other.post(address, data=foreign).status_code == 404, address
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        assert db.scalars(select(Mailing.revoked_at)).all() == [None]
        assert db.scalars(select(Sending.state)).all() == [SendingState.SCHEDULED]


def test_a_test_goes_to_the_sender_with_links_that_open_nothing(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client)
    assert client.submit(path, path, {"value-occasion": "As you asked,", "act": "test"}).status_code == 303
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        row = db.scalars(select(Sending)).one()
        assert (row.kind, row.to_address, row.unsubscribe_url) == ("test", "rep@portal.example", None)
        assert "/v/preview" in (row.html or "")
        assert db.scalars(select(Link.id).where(Link.channel == "mail")).all() == []
    assert client.get("/v/preview").status_code == 404


def test_undo_ends_with_its_thirty_seconds_and_a_schedule_is_kept_to_the_second(sqlite_demo_app: Flask) -> None:
    from portal.config import Settings
    from portal.microsite.post_office import hand_over_due

    start = clock.now().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as now:
        client = desk(sqlite_demo_app)
        path = begun(sqlite_demo_app, client)
        when = (start + timedelta(hours=2)).replace(second=0)
        data = {"value-occasion": "As you asked,", "act": "send", "when": when.strftime("%Y-%m-%dT%H:%M")}
        assert client.submit(path, path, data).status_code == 303
        database = sqlite_demo_app.extensions["portal.database"]
        dead = Settings(secret_key=("k" * 40,), smtp_url="smtp://127.0.0.1:9?timeout=1")

        def due(at: object) -> dict[str, int]:
            return hand_over_due(database, sqlite_demo_app.extensions["portal.tokens"], dead, clock=clock.now)

        now.move_to(when - timedelta(seconds=1))
        assert due(None) == {}
        client = desk(sqlite_demo_app)
        assert "Take it back" in client.get(f"/staff/outbox/mine/{_only(sqlite_demo_app)}").text
        now.move_to(when)
        assert "Take it back" not in client.get(f"/staff/outbox/mine/{_only(sqlite_demo_app)}").text
        assert due(None) == {"scheduled": 1}  # it tried; nobody listens there


def _only(app: Flask) -> str:
    with app.extensions["portal.database"].reading() as db:
        return str(db.scalars(select(Sending.id)).one())


def test_the_outbox_shows_administrators_what_waits_and_marketers_see_no_names(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app)
    path = begun(sqlite_demo_app, client)
    client.submit(path, path, {"value-occasion": "As you asked,", "act": "send"})
    admin = desk(sqlite_demo_app, "admin@portal.example")
    listed = admin.get("/staff/outbox/")
    assert "Dr Karin Meier" in listed.text
    found = re.search(r"/staff/outbox/mail/[0-9a-f]{32}", listed.text)
    assert found
    assert admin.get(found[0]).status_code == 200
    marketer = desk(sqlite_demo_app, "marketer@portal.example")
    assert marketer.get("/staff/outbox/").status_code == 403
    figures = marketer.get("/staff/outbox/figures").text
    assert "fewer than 5" in figures
    assert "Meier" not in figures
