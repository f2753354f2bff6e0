"""Unsubscribing, preferences, confirming: by machines, by people, not by scanners; and never too late."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.access.tokens import Purpose
from portal.audit import Actor
from portal.content.queries import site_by_key
from portal.hcp.models import Consent, DeclaredInterest
from portal.hcp.queries import consent_in_force, hcp_by_ref
from portal.mailing.models import MailPreference, OptIn, Sending, Unsubscribe
from portal.mailing.states import SendingState
from portal.microsite.notices import ask_whether_wanted
from tests.client import HouseClient
from tests.mailing.conftest import LINKS, SITE, TERMS, Office
from tests.mailing.test_writing import begun, desk, hcp_id

CLICK = {"List-Unsubscribe": "One-Click"}


def mailed(app: Flask, ref: str = "H-1001") -> str:
    """The id of a mail that waits for a doctor."""
    client = desk(app)
    path = begun(app, client, ref)
    assert client.submit(path, path, {"value-occasion": "As you asked,", "act": "send"}).status_code == 303
    with app.extensions["portal.database"].reading() as db:
        return str(db.scalars(select(Sending.id).order_by(Sending.composed_at.desc())).first())


def address(app: Flask, purpose: Purpose, row_id: str) -> str:
    letter = {Purpose.UNSUBSCRIBE: "u", Purpose.PREFERENCES: "p", Purpose.OPT_IN: "o"}[purpose]
    return f"/{letter}/{app.extensions['portal.tokens'].for_id(purpose, row_id)}"


def count(app: Flask, model: type) -> int:
    with app.extensions["portal.database"].reading() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def gets_mail(app: Flask, ref: str = "H-1001") -> bool:
    with app.extensions["portal.database"].reading() as db:
        card, site = hcp_by_ref(db, ref), site_by_key(db, SITE)
        assert card is not None
        assert site is not None
        return consent_in_force(db, card.id, site.id, clock.now()).mail


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_needs_no_cookie_no_origin_and_answers_without_redirect(demo_app: Flask, encoding: str) -> None:
    path = address(demo_app, Purpose.UNSUBSCRIBE, mailed(demo_app))
    machine = demo_app.test_client()
    for _ in range(3):  # idempotent
        answer = machine.post(path, data=CLICK, content_type=encoding)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        assert "Location" not in answer.headers
    assert count(demo_app, Unsubscribe) == 1
    assert not gets_mail(demo_app)
    with demo_app.extensions["portal.database"].reading() as db:
        assert db.scalars(select(Sending.state)).all() == [SendingState.STOPPED]


def test_a_post_without_the_one_click_body_and_every_get_changes_nothing(demo_app: Flask) -> None:
    sending_id = mailed(demo_app)
    before = count(demo_app, Consent)
    client = HouseClient(demo_app)
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES):
        path = address(demo_app, purpose, sending_id)
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200
        assert "Set-Cookie" not in client.get(path).headers
    path = address(demo_app, Purpose.UNSUBSCRIBE, sending_id)
    machine = demo_app.test_client()
    for body in (
        {},
        {"List-Unsubscribe": "one-click"},
        {"list-unsubscribe": "One-Click"},
        {"a": "List-Unsubscribe=One-Click"},
    ):
        assert machine.post(path, data=body).status_code == 200
    assert machine.post(path, data=b"\xff" * 50, content_type="application/octet-stream").status_code == 200
    assert (count(demo_app, Unsubscribe), count(demo_app, Consent)) == (0, before)
    assert gets_mail(demo_app)


def test_a_robot_that_submits_every_form_as_it_is_says_nothing(demo_app: Flask) -> None:
    sending_id = mailed(demo_app)
    opt_in = _asked(demo_app, "H-1006")
    before = count(demo_app, Consent)
    client = HouseClient(demo_app)
    for purpose, row_id in (
        (Purpose.UNSUBSCRIBE, sending_id),
        (Purpose.PREFERENCES, sending_id),
        (Purpose.OPT_IN, opt_in),
    ):
        path = address(demo_app, purpose, row_id)
        page = client.get(path).text
        action = re.search(r'<form method="post" action="([^"]+)"', page)
        assert action
        as_it_is = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"[^>]* checked', page))
        assert client.post(action[1], data=as_it_is).status_code in (200, 422)
    assert (count(demo_app, Unsubscribe), count(demo_app, Consent), count(demo_app, MailPreference)) == (0, before, 0)
    assert count(demo_app, DeclaredInterest) == 0


def test_a_person_chooses_what_to_stop(demo_app: Flask) -> None:
    path = address(demo_app, Purpose.UNSUBSCRIBE, mailed(demo_app))
    client = HouseClient(demo_app)
    assert "Meier" not in client.get(path).text
    assert client.post(path + "/stop").status_code == 422
    assert "Choose what should stop." in client.post(path + "/stop").text
    assert "You are unsubscribed" in client.post(path + "/stop", data={"what": "all"}).text
    with demo_app.extensions["portal.database"].reading() as db:
        assert db.scalars(select(Unsubscribe.site_id)).all() == [None]
    assert not gets_mail(demo_app)


def test_unsubscribing_outlives_every_link(sqlite_demo_app: Flask) -> None:
    start = clock.now()
    path = address(sqlite_demo_app, Purpose.UNSUBSCRIBE, mailed(sqlite_demo_app))
    with time_machine.travel(start + timedelta(days=400), tick=False):
        assert sqlite_demo_app.test_client().post(path, data=CLICK).status_code == 200
    assert not gets_mail(sqlite_demo_app)


def test_tokens_of_one_purpose_open_nothing_of_another(sqlite_demo_app: Flask) -> None:
    sending_id = mailed(sqlite_demo_app)
    tokens, client = sqlite_demo_app.extensions["portal.tokens"], HouseClient(sqlite_demo_app)
    for purpose in Purpose:
        token = tokens.for_id(purpose, sending_id)
        for letter, own in (
            ("u", Purpose.UNSUBSCRIBE),
            ("p", Purpose.PREFERENCES),
            ("o", Purpose.OPT_IN),
            ("v", Purpose.LINK),
        ):
            wanted = 200 if purpose is own and letter in "up" else 404
            assert client.get(f"/{letter}/{token}").status_code == wanted, (purpose, letter)
            for mangled in (token[:-1], token + "a", token.upper(), token + "%27"):
                assert client.get(f"/{letter}/{mangled}").status_code == 404
    assert (
        sqlite_demo_app.test_client().post(f"/u/{tokens.for_id(Purpose.LINK, sending_id)}", data=CLICK).status_code
        == 404
    )
    assert count(sqlite_demo_app, Unsubscribe) == 0


def test_preferences_hold_and_mail_starts_again_only_by_a_confirmation_in_the_mailbox(demo_app: Flask) -> None:
    sending_id = mailed(demo_app)
    path = address(demo_app, Purpose.PREFERENCES, sending_id)
    client = HouseClient(demo_app)
    saved = client.post(path, data={"mail": "stop", "frequency": "quarterly", "channel": "visit", "topics": ["dosing"]})
    assert "Saved" in saved.text
    assert not gets_mail(demo_app)
    with demo_app.extensions["portal.database"].reading() as db:
        assert db.scalars(select(MailPreference.frequency)).all() == ["quarterly"]
        assert db.scalars(select(DeclaredInterest.topic)).all() == ["dosing"]
        card = hcp_by_ref(db, "H-1001")
        assert card is not None
        assert card.channel == "visit"
    assert 'value="dosing" checked' not in client.get(path).text  # this device is nobody's
    assert client.post(path, data={"mail": "start", "frequency": "quarterly"}).status_code == 200
    assert client.post(path, data={"mail": "start", "frequency": "quarterly"}).status_code == 200
    assert not gets_mail(demo_app)
    with demo_app.extensions["portal.database"].reading() as db:
        question = db.scalars(select(Sending).where(Sending.kind == "opt-in")).one()  # asked once
        found = re.search(r"/o/[a-z2-7]+", question.text or "")
        assert question.to_address == "karin.meier@clinic.example"
    assert found
    client.get(found[0])
    assert not gets_mail(demo_app)
    assert client.post(found[0], data={"wanted": "no"}).status_code == 200
    assert not gets_mail(demo_app)
    for _ in range(2):
        assert "confirmed" in client.post(found[0], data={"wanted": "yes"}).text
    assert gets_mail(demo_app)
    blocked = desk(demo_app).get(f"/staff/mail/new?doctor={hcp_id(demo_app, 'H-1001')}").text
    assert "mail at most quarterly" not in blocked  # the mail before was stopped, so the first may go at once


def test_no_after_yes_stops_mail_and_an_old_question_does_not_bring_it_back(demo_app: Flask) -> None:
    path = address(demo_app, Purpose.OPT_IN, _asked(demo_app, "H-9001"))
    client = HouseClient(demo_app)
    assert "confirmed" in client.post(path, data={"wanted": "yes"}).text
    assert gets_mail(demo_app, "H-9001")
    assert "Nothing will be sent" in client.post(path, data={"wanted": "no"}).text
    assert not gets_mail(demo_app, "H-9001")
    again = client.post(path, data={"wanted": "yes"}).text
    assert "It stays stopped." in again
    assert "You will receive email" not in again
    assert not gets_mail(demo_app, "H-9001")


def test_no_to_the_question_is_a_decision_with_its_source(demo_app: Flask) -> None:
    path = address(demo_app, Purpose.OPT_IN, _asked(demo_app, "H-9001"))
    client, database = HouseClient(demo_app), demo_app.extensions["portal.database"]
    before = count(demo_app, Consent)
    for _ in range(2):
        assert "Nothing will be sent" in client.post(path, data={"wanted": "no"}).text
    assert count(demo_app, Consent) == before + 1
    with database.reading() as db:
        last = db.scalars(select(Consent).order_by(Consent.at.desc())).first()
        assert (last.purpose, last.decision, last.source) == ("mail", "refused", "question by mail")
    blocked = desk(demo_app).get(f"/staff/mail/new?doctor={hcp_id(demo_app, 'H-9001')}").text
    assert "never asked" not in blocked
    assert "confirmed" in client.post(path, data={"wanted": "yes"}).text  # a change of mind while it is open
    assert gets_mail(demo_app, "H-9001")


def test_a_no_on_paper_does_not_swallow_the_unsubscribing_that_follows(office: Office) -> None:
    from portal.hcp.actions import record_consent
    from portal.hcp.consents import ConsentRefused
    from portal.mailing.unsubscribing import unsubscribe

    [sending_id] = office.sent()
    by, at = Actor.system("tests"), clock.now()
    with office.database.writing() as db:
        sending = db.get_one(Sending, sending_id)
        who = (sending.hcp_id, sending.site_id)
        record_consent(db, *who, "mail", "refused", "paper form", "No mail", by=by, at=at)
        assert unsubscribe(db, sending_id, method="one-click", at=at + timedelta(seconds=1))
        assert not unsubscribe(db, sending_id, method="one-click", at=at + timedelta(seconds=2))
        with pytest.raises(ConsentRefused, match="unsubscribed"):
            record_consent(db, *who, "mail", "given", "paper form", "Yes", by=by, at=at + timedelta(days=1))


def test_a_question_expires_to_the_second(sqlite_demo_app: Flask) -> None:
    start = clock.now().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as now:
        path = address(sqlite_demo_app, Purpose.OPT_IN, _asked(sqlite_demo_app, "H-1006"))
        client = HouseClient(sqlite_demo_app)
        now.move_to(start + timedelta(days=7) - timedelta(seconds=1))
        assert client.get(path).status_code == 200
        now.move_to(start + timedelta(days=7))
        assert client.get(path).status_code == 404
        assert client.post(path, data={"wanted": "yes"}).status_code == 404
        now.move_to(start + timedelta(days=7) - timedelta(seconds=1))
        assert client.post(path, data={"wanted": "yes"}).status_code == 200


def _asked(app: Flask, ref: str) -> str:
    """The id of a question that was mailed to a doctor who never decided on mail."""
    from portal.hcp.actions import create_hcp
    from portal.hcp.profiles import Profile

    with app.extensions["portal.database"].writing() as db:
        system, at = Actor.system("tests"), clock.now()
        profile = Profile(first_name="Nora", last_name="Unasked", email="nora@clinic.example")
        create_hcp(db, "H-9001", profile=profile, by=system, at=at)
        card, site = hcp_by_ref(db, "H-9001"), site_by_key(db, SITE)
        assert card is not None
        assert site is not None
        assert ask_whether_wanted(db, card, site, sender="Anna", links=LINKS, terms=TERMS, by=system, at=at)
        assert not ask_whether_wanted(db, card, site, sender="Anna", links=LINKS, terms=TERMS, by=system, at=at)
        return db.scalars(select(OptIn.id)).one()


def test_a_doctor_who_unsubscribed_is_not_asked_again_by_a_representative(office: Office) -> None:
    from portal.mailing.unsubscribing import unsubscribe

    [sending_id] = office.sent()
    with office.database.writing() as db:
        assert unsubscribe(db, sending_id, method="one-click", at=clock.now())
        assert not unsubscribe(db, sending_id, method="one-click", at=clock.now())
        card, site = hcp_by_ref(db, "H-1001"), site_by_key(db, SITE)
        assert card is not None
        assert site is not None
        by = Actor.system("tests")
        assert not ask_whether_wanted(db, card, site, sender="Anna", links=LINKS, terms=TERMS, by=by, at=clock.now())
    assert office.work() == {}
    assert office.server.received == []
