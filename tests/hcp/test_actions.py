"""Doctors in the database: profiles, assignments, consents, access, each with its audit event."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from portal.audit import Actor
from portal.audit.models import AuditEvent, AuditPersonal
from portal.db import Database
from portal.hcp import actions, queries
from portal.hcp.consents import ConsentRefused, Tracking
from portal.hcp.profiles import Profile
from portal.staff.actions import create_user
from portal.staff.roles import Role

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(days=1)
BY = Actor.system("tests")
MEIER = Profile(
    first_name="Karin",
    last_name="Meier",
    email="Karin.Meier@clinic.example",
    npi="1234567893",
    specialty="cardiology",
    adoption_step="aware",
    territory="NE-1",
)


@pytest.fixture
def hcp(database: Database) -> str:
    with database.writing() as db:
        return actions.create_hcp(db, "H-1", profile=MEIER, by=BY, at=AT)


def rep(database: Database, email: str = "rep@portal.example") -> str:
    with database.writing() as db:
        return create_user(db, email, name="Rep", password="correct horse battery", roles=[Role.REP], by=BY, at=AT)


def names(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(AuditEvent.name).order_by(AuditEvent.seq)).all())


def test_a_doctor_is_found_by_reference_and_by_address(database: Database, hcp: str) -> None:
    with database.reading() as db:
        card = queries.hcp_by_ref(db, "H-1")
        assert card is not None
        assert (card.id, card.display, card.masked) == (hcp, "Dr Karin Meier", "Dr K. M.")
        assert (card.territory_key, card.adoption_step) == ("NE-1", "aware")
        assert [found.id for found in queries.hcps_by_email(db, "KARIN.meier@clinic.example")] == [hcp]
        assert queries.hcp_card(db, "0" * 32) is None
        assert queries.hcp_by_ref(db, "H-2") is None


def test_a_reference_is_given_once(database: Database, hcp: str) -> None:
    with pytest.raises(actions.HcpRefused, match="taken"), database.writing() as db:
        actions.create_hcp(db, "H-1", profile=MEIER, by=BY, at=AT)


def test_no_name_address_or_number_stands_in_an_event(database: Database, hcp: str) -> None:
    with database.writing() as db:
        actions.update_profile(db, hcp, changes={"last_name": "Meier-Voss"}, by=BY, at=AT)
    with database.reading() as db:
        bodies = " ".join(db.scalars(select(AuditEvent.body)).all())
        personal = str(db.scalars(select(AuditPersonal.fields)).all())
    for secret in ("Meier", "Karin", "clinic.example", "1234567893"):
        assert secret not in bodies
        assert secret.lower() in personal.lower()


def test_a_change_names_its_fields_and_an_equal_profile_changes_nothing(database: Database, hcp: str) -> None:
    with database.writing() as db:
        assert actions.update_profile(db, hcp, changes={"decile": 7, "segment": "A"}, by=BY, at=AT)
        assert not actions.update_profile(db, hcp, changes={"decile": 7}, by=BY, at=AT)
        with pytest.raises(actions.HcpRefused, match="no such field"):
            actions.update_profile(db, hcp, changes={"shoe_size": 42}, by=BY, at=AT)
    with database.reading() as db:
        card = queries.hcp_card(db, hcp)
        assert card is not None
        assert (card.decile, card.segment) == (7, "A")
        assert [event for event in names(database) if event == "hcp.updated"] == ["hcp.updated"]


def test_the_adoption_step_can_go_down_and_keeps_its_history(database: Database, hcp: str) -> None:
    with database.writing() as db:
        actions.set_adoption_step(db, hcp, step="usage", by=BY, at=LATER)
        actions.update_profile(db, hcp, changes={"adoption_step": "trial"}, by=BY, at=LATER + timedelta(days=1))
        with pytest.raises(actions.HcpRefused, match="no step"):
            actions.set_adoption_step(db, hcp, step="hero", by=BY, at=LATER)
    with database.reading() as db:
        assert [step.step for step in queries.adoption_history(db, hcp)] == ["trial", "usage", "aware"]


def test_an_assignment_holds_from_its_day_until_it_ends(database: Database, hcp: str) -> None:
    user, other = rep(database), rep(database, "other@portal.example")
    with database.writing() as db:
        assert actions.assign(db, hcp, user_id=user, by=BY, at=AT)
        assert not actions.assign(db, hcp, user_id=user, by=BY, at=LATER)
    with database.reading() as db:
        assert queries.is_assigned(db, user, hcp, AT)
        assert not queries.is_assigned(db, user, hcp, AT - timedelta(seconds=1))
        assert not queries.is_assigned(db, other, hcp, AT)
        assert [card.id for card in queries.doctors_of(db, user, AT)] == [hcp]
        assert queries.doctors_of(db, other, AT) == []
        assert [each.user_id for each in queries.assigned_staff(db, hcp, AT)] == [user]
    with database.writing() as db:
        assert actions.unassign(db, hcp, user_id=user, by=BY, at=LATER)
        assert not actions.unassign(db, hcp, user_id=user, by=BY, at=LATER + timedelta(hours=1))
    with database.reading() as db:
        assert queries.is_assigned(db, user, hcp, LATER - timedelta(seconds=1))
        assert not queries.is_assigned(db, user, hcp, LATER)


def test_consent_is_three_decisions_with_history(database: Database, hcp: str) -> None:
    def decide(purpose: str, decision: str, site: str | None, at: datetime) -> None:
        with database.writing() as db:
            actions.record_consent(db, hcp, site, purpose, decision, "letter", "I agree.", by=BY, at=at)

    decide("mail", "given", "s1", AT)
    decide("tracking", "identified", "s1", AT)
    decide("profiling", "given", "s1", AT)
    decide("mail", "refused", None, LATER)
    with database.reading() as db:
        state = queries.consent_in_force(db, hcp, "s1", LATER)
        assert (state.mail, state.tracking, state.profiling) == (False, Tracking.IDENTIFIED, True)
        assert state.mail_decision is not None
        assert (state.mail_decision.source, state.mail_decision.at) == ("letter", LATER)
        assert queries.consents_in_force(db, [hcp], "s1", LATER) == {hcp: state}
        assert len(queries.consent_history(db, hcp)) == 4
        assert [row.purpose for row in queries.consent_history(db, hcp, "s2")] == ["mail"]
    with pytest.raises(ConsentRefused), database.writing() as db:
        actions.record_consent(db, hcp, "s1", "mail", "perhaps", "letter", "", by=BY, at=LATER)
    assert names(database).count("consent.recorded") == 4


def test_access_is_revoked_and_restored_with_a_reason(database: Database, hcp: str) -> None:
    with database.writing() as db:
        with pytest.raises(actions.HcpRefused, match="Say why"):
            actions.revoke_access(db, hcp, reason=" ", by=BY, at=AT)
        assert actions.revoke_access(db, hcp, reason="asked by phone", by=BY, at=AT)
        assert not actions.revoke_access(db, hcp, reason="again", by=BY, at=AT)
    with database.reading() as db:
        card = queries.hcp_card(db, hcp)
        assert card is not None
        assert card.is_access_revoked
    with database.writing() as db:
        assert actions.restore_access(db, hcp, reason="asked again", by=BY, at=LATER)
        assert not actions.restore_access(db, hcp, reason="asked again", by=BY, at=LATER)


def test_declared_interests_are_a_complete_list(database: Database, hcp: str) -> None:
    with database.writing() as db:
        assert actions.declare_interests(db, hcp, "s1", topics=["renal", "dosing"], by=BY, at=AT)
        assert actions.declare_interests(db, hcp, "s1", topics=["renal", "safety"], by=BY, at=AT)
        assert not actions.declare_interests(db, hcp, "s1", topics=["safety", "renal"], by=BY, at=AT)
    with database.reading() as db:
        assert queries.declared_interests(db, hcp, "s1") == ("renal", "safety")
        assert queries.declared_interests(db, hcp, "s2") == ()


def test_a_doctor_nobody_knows_cannot_be_changed(database: Database) -> None:
    with database.writing() as db:
        for act in (actions.revoke_access, actions.restore_access):
            with pytest.raises(actions.HcpRefused, match="no such doctor"):
                act(db, "0" * 32, reason="why", by=BY, at=AT)
    assert names(database) == []
