"""Decisions on paper or by word: written down with their proof, never over a later one, never over an unsubscribe."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.content.queries import site_by_key
from portal.hcp.actions import record_consent
from portal.hcp.consents import ConsentRefused, ConsentState
from portal.hcp.models import Consent, ConsentEvidence
from portal.hcp.noting import erase_evidence
from portal.hcp.queries import consent_in_force, hcp_by_ref
from tests.attacks.world import sign_in
from tests.client import HouseClient

BY = Actor.system("tests")


class Desk:
    """The demo with one doctor, and a signed-in colleague."""

    def __init__(self, app: Flask, who: str = "rep@portal.example") -> None:
        self.database = app.extensions["portal.database"]
        self.client = HouseClient(app)
        sign_in(self.client, who)
        with self.database.reading() as db:
            card, site = hcp_by_ref(db, "H-1001"), site_by_key(db, "atorvastatin-us-en")
            assert card is not None
            assert site is not None
        self.id, self.site_id = card.id, site.id
        self.page = f"/staff/doctors/{card.id}/consents"

    def form(self, **given: str) -> dict[str, str]:
        now = clock.now()
        says = {
            "site": self.site_id,
            "source": "paper",
            "date": now.date().isoformat(),
            "time": "",
            "wording": "2026-1",
            "evidence": "Form 17 in the office in Boston",
        }
        return says | given

    def note(self, **given: str) -> int:
        return self.client.submit(self.page, self.page, self.form(**given)).status_code

    def decided(self, purpose: str, decision: str, source: str = "privacy page", at: datetime | None = None) -> None:
        with self.database.writing() as db:
            by, moment = Actor.hcp(self.id), at or clock.now()
            record_consent(db, self.id, self.site_id, purpose, decision, source, "words", by=by, at=moment)

    def state(self) -> ConsentState:
        with self.database.reading() as db:
            return consent_in_force(db, self.id, self.site_id, clock.now())

    def count(self, model: type) -> int:
        with self.database.reading() as db:
            return db.scalar(select(func.count()).select_from(model)) or 0


def two_days_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the office work two days after the demo was made: what happened then is a day that is over."""
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(days=2))


def test_three_decisions_with_their_proof_hold_at_once(demo_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    two_days_on(monkeypatch)
    desk = Desk(demo_app)
    assert desk.note(mail="refused", tracking="anonymous", profiling="refused") == 303
    state = desk.state()
    assert (state.mail, state.tracking, state.profiling) == (False, "anonymous", False)
    assert state.tracking_decision is not None
    assert state.tracking_decision.source == "paper form"
    assert state.tracking_decision.ends_at == state.tracking_decision.at + timedelta(days=395)
    page = desk.client.get(desk.page).text
    assert "Form 17 in the office in Boston" in page
    assert "Version 2026-1" in page
    with desk.database.reading() as db:
        bodies = db.scalars(select(AuditEvent.body).where(AuditEvent.name == "consent.recorded")).all()
    assert not any("Form 17" in body for body in bodies)  # personal: erasable, in the log as a commitment only
    assert sum('"decided_at":"20' in body for body in bodies) == 3


def test_a_later_decision_of_the_doctor_stands(demo_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    two_days_on(monkeypatch)
    desk = Desk(demo_app)
    desk.decided("tracking", "none")
    day = (clock.now() - timedelta(days=3)).date().isoformat()
    answer = desk.client.submit(desk.page, desk.page, desk.form(tracking="identified", date=day))
    assert answer.status_code == 303
    assert "a later or more careful decision of the doctor stands" in desk.client.get(desk.page).text
    assert desk.state().tracking == "none"
    assert desk.note(tracking="identified") == 303  # of the same day, hour unknown: what the doctor pressed stands
    assert desk.state().tracking == "none"


@pytest.mark.parametrize("scope", ["this", "every"])
def test_only_the_doctor_brings_back_mail_after_unsubscribing(demo_app: Flask, scope: str) -> None:
    desk = Desk(demo_app)
    with desk.database.writing() as db:
        site = desk.site_id if scope == "this" else None
        out = {"by": Actor.hcp(desk.id), "at": clock.now()}
        record_consent(db, desk.id, site, "mail", "refused", "unsubscribe (one-click)", "words", **out)
    time = {"time": f"{clock.now():%H:%M}"}
    assert desk.note(mail="given") == 422
    assert desk.note(mail="refused", **time) == 303  # a no by word in between opens no way round
    assert desk.note(mail="given", **time) == 422
    assert (
        "Only the doctor can bring mail back" in desk.client.submit(desk.page, desk.page, desk.form(mail="given")).text
    )
    with desk.database.writing() as db, pytest.raises(ConsentRefused):
        record_consent(db, desk.id, None, "mail", "given", "letter", "words", by=BY, at=clock.now())
    desk.decided("mail", "given", "double opt-in", clock.now() + timedelta(seconds=1))
    with desk.database.writing() as db:
        moment = clock.now() + timedelta(seconds=2)
        record_consent(db, desk.id, desk.site_id, "mail", "given", "letter", "words", by=BY, at=moment)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"site": "x"}, "site"), ({"site": "0" * 32}, "site"), ({"site": "every", "mail": "given"}, "mail-0"),
        ({"source": "rumour"}, "source-0"), ({"date": "yesterday"}, "date"), ({"date": "9999-12-31"}, "date"),
        ({"date": "1999-01-01"}, "date"), ({"time": "25:00"}, "date"), ({"wording": " "}, "wording"),
        ({"wording": "v" * 61}, "wording"), ({"evidence": "ok"}, "evidence"), ({"mail": "maybe"}, "mail-0"),
        ({"tracking": "given"}, "tracking-0"), ({"mail": ""}, "mail-0"), ({"date": "2020-02-30"}, "date"),
    ],
    ids=lambda value: "-".join(map(str, value.items())) if isinstance(value, Mapping) else str(value),
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_written(
    sqlite_demo_app: Flask, wrong: dict[str, str], field: str
) -> None:
    desk = Desk(sqlite_demo_app)
    before = desk.count(Consent)
    answer = desk.client.submit(desk.page, desk.page, desk.form(mail="refused") | wrong)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert "Form 17" in answer.text or "evidence" in wrong
    assert (desk.count(Consent), desk.count(ConsentEvidence)) == (before, 0)


def test_a_no_for_every_brand_and_a_yes_that_has_ended(sqlite_demo_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    two_days_on(monkeypatch)
    desk = Desk(sqlite_demo_app, "manager@portal.example")
    old = (clock.now() - timedelta(days=800)).date().isoformat()
    assert desk.note(mail="given", date=old) == 422  # 730 days are over
    assert desk.note(site="every", profiling="refused", time=f"{clock.now():%H:%M}") == 303
    assert desk.client.get(desk.page).text.count("every brand") >= 2


def test_erasing_takes_what_was_noted_and_leaves_the_decision(demo_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    two_days_on(monkeypatch)
    desk = Desk(demo_app)
    assert desk.note(mail="refused", profiling="refused") == 303
    before = desk.count(Consent)
    with desk.database.writing() as db:
        assert erase_evidence(db, "0" * 32) == 0
        assert erase_evidence(db, desk.id) == 2
        assert erase_evidence(db, desk.id) == 0
        assert set(db.scalars(select(ConsentEvidence.note))) == {None}
    assert desk.count(Consent) == before
    assert desk.state().mail is False
    page = desk.client.get(desk.page).text
    assert "Form 17" not in page
    assert ": erased" in page
