"""Every fact that a rule may ask about is supplied to pages from what is stored: one doctor has something of each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.access.evidence import Confidence, Grade
from portal.access.models import Link, Visit
from portal.access.states import CurrentVisit
from portal.audit import Actor
from portal.db import Database, new_id
from portal.hcp.discussions import note_discussion
from portal.hcp.models import Consent, DeclaredInterest, Hcp, Territory
from portal.hcp.queries import hcp_card
from portal.mailing.models import Sending
from portal.microsite import assemble, known
from portal.personalize import FACTS, Facts, FactSpec, Of
from portal.tracking.choices import forget_history
from portal.tracking.models import CalculatorUse, DailyDwell, Interest, NotRelevant, PageView
from tests.insights.population import a_site

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
REP = Actor.staff("r" * 32)
ABOUT = {Of.MODULE: "renal", Of.TOPIC: "safety", Of.CALCULATOR: "cockcroft_gault"}


def a_doctor_with_everything(database: Database) -> tuple[str, str]:
    """Write a doctor who has done and been told something of each kind; return the doctor and the site."""
    hcp_id, site_id, territory = new_id(), "", new_id()
    with database.writing() as db:
        site_id = a_site(db)
        mine = {"hcp_id": hcp_id, "site_id": site_id}
        db.add(Territory(id=territory, key="north", name="North"))
        db.flush()
        doctor = Hcp(id=hcp_id, ref="H-1", territory_id=territory, market="DE", language="de", audience="nurse")
        doctor.specialty, doctor.segment, doctor.decile, doctor.channel = "cardiology", "A", 3, "email"
        doctor.adoption_step, doctor.knowledge_level, doctor.created_at = "trial", "expert", AT
        db.add(doctor)
        db.flush()
        for purpose, decision in (("profiling", "given"), ("tracking", "identified")):
            said = {"decision": decision, "source": "paper form", "wording": "I agree", "at": AT - 90 * DAY}
            db.add(Consent(id=new_id(), purpose=purpose, **mine, **said))
        db.add(DeclaredInterest(id=new_id(), topic="safety", at=AT, **mine))
        db.add(Interest(topic="safety", value_ms=60_000.0, at=AT - DAY, **mine))
        db.add(NotRelevant(module_key="renal", at=AT, **mine))
        day = DailyDwell(module_key="renal", day=(AT - 5 * DAY).date().isoformat(), profiled=True, **mine)
        day.eng_ms, day.reads, day.skips, day.downloads, day.last_at = 5_000, 1, 1, 1, AT - 5 * DAY
        day.completed, day.useful, day.answers = True, True, "a\n"
        db.add(day)
        db.add(a_mail(hcp_id, site_id))
        db.flush()
        visit_id = a_visit_from_mail(db, hcp_id, site_id)
        view = a_view(hcp_id, site_id, visit_id, AT - 5 * DAY)
        db.add(view)
        use = CalculatorUse(view_id=view.id, calculator="cockcroft_gault", version="1", band="low", **mine)
        use.opened_at, use.completed_at, use.profiled, use.last_no = AT - 5 * DAY, AT - 5 * DAY, True, 1
        db.add(use)
        today = AT.date()
        note_discussion(db, hcp_id, site_id, modules=["renal"], day=today, today=today, by=REP, at=AT)
    return hcp_id, site_id


def a_mail(hcp_id: str, site_id: str) -> Sending:
    """Return a mail that a server took, with one module."""
    mail = Sending(id=new_id(), kind="approved", hcp_id=hcp_id, site_id=site_id, state="accepted", from_name="A")
    mail.fragments, mail.modules, mail.sha256, mail.message_id = [], [{"key": "renal", "version": "v"}], "", new_id()
    mail.composed_at = mail.due_at = AT - 6 * DAY
    mail.handed_over_at = AT - 6 * DAY
    return mail


def a_visit_from_mail(db: Any, hcp_id: str, site_id: str) -> str:
    """Write a confirmed visit through the link of a mail and return its id."""
    link_id, visit_id = new_id(), new_id()
    link = Link(id=link_id, hcp_id=hcp_id, site_id=site_id, modules=[], channel="email", sending_id=new_id())
    link.created_at, link.expires_at = AT - 6 * DAY, AT + DAY
    db.add(link)
    db.flush()
    visit = Visit(id=visit_id, token_hash=visit_id, link_id=link_id, hcp_id=hcp_id, site_id=site_id, marks=[])
    visit.confidence, visit.grade, visit.opened_at, visit.expires_at = "device", int(Grade.ENGAGED), AT - 5 * DAY, AT
    db.add(visit)
    return visit_id


def a_view(hcp_id: str, site_id: str, visit_id: str, opened_at: datetime) -> PageView:
    """Return a confirmed page view that feeds the profile."""
    view = PageView(id=new_id(), hcp_id=hcp_id, site_id=site_id, visit_id=visit_id, page="home", mode="identified")
    view.feeds_profile, view.staff, view.sections, view.grace_ms = True, False, [], 0
    view.opened_at, view.confirmed, view.refused = opened_at, True, []
    return view


def facts_of(database: Database, hcp_id: str, site_id: str, at: datetime = AT) -> Facts:
    """Return what a page would know of the doctor, who came with a link that has one module picked."""
    with database.reading() as db:
        card = hcp_card(db, hcp_id)
        found = known.of(db, hcp_id, site_id, before=at, at=at)
        assert card is not None
        assert found is not None
        visit = CurrentVisit(
            id=new_id(),
            link_id=new_id(),
            hcp_id=hcp_id,
            site_id=site_id,
            sender_id=None,
            confidence=Confidence.DEVICE,
            grade=2,
            standard_order=False,
            landing=None,
            link_modules=("renal",),
            link_created_at=at,
            opened_at=at,
        )
        return assemble.facts(assemble.Reader(card, found.consent, visit), found.history(30.0), at=at)


def test_every_declared_fact_is_supplied_and_every_window_is_kept(database: Database) -> None:
    facts = facts_of(database, *a_doctor_with_everything(database))
    blank = Facts(at=AT)
    unsupplied, unwindowed = [], []
    for spec in FACTS.values():
        about = ABOUT[spec.of] if spec.of is not None else ""
        if spec.source == "clock":
            assert spec.read(facts, "", None) != spec.read(Facts(at=AT + DAY * 31 + DAY / 4), "", None), spec.name
            continue
        known_now, nothing = spec.read(facts, about, None), spec.read(blank, about, None)
        if known_now == nothing:
            unsupplied.append(spec.name)
        # What happened five days ago is within thirty days and not within two.
        if spec.windowed and not (spec.read(facts, about, 30) == known_now != spec.read(facts, about, 2)):
            unwindowed.append(spec.name)
    assert (unsupplied, unwindowed) == ([], [])


def test_what_each_new_fact_says(database: Database) -> None:
    hcp_id, site_id = a_doctor_with_everything(database)
    facts = facts_of(database, hcp_id, site_id)
    assert (facts.profile.region, facts.sent, facts.discussed) == ("DE", {"renal"}, {"renal"})
    assert (facts.mail_clicks, facts.visits) == (1, 1)
    assert [(entry.day, entry.times) for entry in facts.visit_days] == [((AT - 5 * DAY).date(), 1)]
    assert facts.mail_click_days == facts.visit_days


@pytest.mark.parametrize(("grade", "marks"), [(2, []), (3, ["too-soon"]), (3, ["headless"])])
def test_an_opening_that_is_not_confirmed_is_no_click(database: Database, grade: int, marks: list[str]) -> None:
    hcp_id, site_id = a_doctor_with_everything(database)
    with database.writing() as db:
        visit = db.query(Visit).filter(Visit.hcp_id == hcp_id).one()
        visit.grade, visit.marks = grade, marks
    assert facts_of(database, hcp_id, site_id).mail_clicks == 0


def test_a_visit_through_a_copied_link_is_no_click_and_one_over_midnight_is_one(database: Database) -> None:
    hcp_id, site_id = a_doctor_with_everything(database)
    with database.writing() as db:
        visit_id = db.query(Visit).filter(Visit.hcp_id == hcp_id).one().id
        db.add(a_view(hcp_id, site_id, visit_id, AT - 4 * DAY))
    facts = facts_of(database, hcp_id, site_id)
    assert (facts.visits, facts.mail_clicks, len(facts.visit_days)) == (1, 1, 1)
    assert facts.last_visit_at == AT - 4 * DAY
    with database.writing() as db:
        db.query(Link).filter(Link.hcp_id == hcp_id).update({"sending_id": None})
    assert facts_of(database, hcp_id, site_id).mail_clicks == 0


def test_a_mail_that_no_server_took_or_that_was_a_test_was_not_sent(database: Database) -> None:
    hcp_id, site_id = a_doctor_with_everything(database)
    for changed in ({"kind": "test"}, {"kind": "approved", "handed_over_at": None}):
        with database.writing() as db:
            db.query(Sending).filter(Sending.hcp_id == hcp_id).update(changed)
        assert facts_of(database, hcp_id, site_id).sent == frozenset()


def test_what_was_before_forgetting_is_never_a_fact_again(database: Database) -> None:
    hcp_id, site_id = a_doctor_with_everything(database)
    with database.writing() as db:
        forget_history(db, hcp_id, site_id, by=Actor.hcp(hcp_id), at=AT)
    facts = facts_of(database, hcp_id, site_id, AT + DAY)
    blank = Facts(at=AT + DAY)
    done = [spec for spec in FACTS.values() if spec.source not in ("clock", "business data", "representative")]
    left = [spec.name for spec in done if _read(spec, facts) != _read(spec, blank)]
    assert left == []
    with database.writing() as db:
        later = a_mail(hcp_id, site_id)
        later.handed_over_at = AT + DAY / 2
        db.add(later)
    assert facts_of(database, hcp_id, site_id, AT + DAY).sent == {"renal"}


def _read(spec: FactSpec, facts: Facts) -> object:
    return spec.read(facts, ABOUT[spec.of] if spec.of is not None else "", None)
