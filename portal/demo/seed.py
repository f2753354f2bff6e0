"""Puts the demo in: every step through the actions that staff use, with two different people where two are needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from portal.access import presets
from portal.access.actions import issue_link
from portal.access.expiry import ending
from portal.access.presets import PresetContent
from portal.access.queries import links_of
from portal.audit import Actor
from portal.calculators import registry
from portal.content import actions as content
from portal.content import queries as contents
from portal.content.approval import Render, approve
from portal.content.beginnings import begin_module
from portal.content.import_label import CalculatorModule, import_label
from portal.content.sites import create_site
from portal.content.states import Kind
from portal.demo import people, rules
from portal.demo.mail import approved_mail
from portal.hcp import actions as hcp
from portal.hcp import queries as hcps
from portal.hcp.consents import end_of
from portal.rulebook import actions as rulebook
from portal.rulebook import releases
from portal.staff.actions import create_user
from portal.staff.demo_logins import DEMO_LOGINS, DEMO_PHRASE

SITE = "atorvastatin-us-en"
CONSENT_DAYS = {"mail": 730, "tracking": 395, "profiling": 395}
PRESET = PresetContent("Congress visit", "After a talk at a congress stand", 14, "dosing", ("dosing", "warnings"))
# Names topics of the label, and claims nothing.
QUESTION = {
    "key": "helpful-topic",
    "title": "Which topic would help you most next time?",
    "summary": "One press. You can change your answer at any time.",
    "body": "",
    "answers": "dosing: Dosing\nsafety: Safety\ninteractions: Drug interactions\npopulations: Specific populations\n"
    "efficacy: Efficacy\npatient-support: Patient support",
}
LABEL = Path(__file__).parent / "labels" / "openfda-lipitor-orig.xml"
_SYSTEM = Actor.system("demo")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the demo is entered by."""

    was_there: bool
    link_id: str


def seed(db: Session, *, render: Render, link_days: int, at: datetime) -> Seeded:
    """Put the demo in unless it is there; return the id of a link for the first doctor that is still open."""
    was_there = contents.site_by_key(db, SITE) is not None
    if not was_there:
        users = _staff(db, at)
        site_id = _site(db, users, render=render, at=at)
        _doctors(db, users, site_id, at=at)
        _rules(db, users, site_id, at=at)
        marketer, reviewer = (Actor.staff(users[f"{role}@portal.example"]) for role in ("marketer", "reviewer"))
        approved_mail(db, site_id, author=marketer, reviewer=reviewer, at=at)
        keys = {module.key for module in contents.modules_in_force(db, site_id, at)}
        presets.make(db, site_id, PRESET, modules=keys, most_days=max(link_days, PRESET.days), by=marketer, at=at)
    return Seeded(was_there, _open_link(db, days=link_days, at=at))


def _staff(db: Session, at: datetime) -> dict[str, str]:
    return {
        login.email: create_user(
            db, login.email, name=login.name, password=DEMO_PHRASE, roles=[login.role], by=_SYSTEM, at=at
        )
        for login in DEMO_LOGINS
    }


def _site(db: Session, users: dict[str, str], *, render: Render, at: datetime) -> str:
    marketer, reviewer = Actor.staff(users["marketer@portal.example"]), Actor.staff(users["reviewer@portal.example"])
    site_id = create_site(
        db,
        SITE,
        brand="Lipitor",
        generic="atorvastatin calcium tablets",
        market="US",
        language="en",
        settings={
            "audience": "For US healthcare professionals",
            "sender": "Demonstration only; no company stands behind this page",
            "demo": "Demonstration with a superseded label (version 11, 13 January 2014). Not for use in practice.",
            "declaration": "By opening it you confirm that you are a US healthcare professional.",
            "consent_days": CONSENT_DAYS,
        },
        by=marketer,
        at=at,
    )
    report = import_label(db, site_id, LABEL.read_bytes(), calculators=_calculators(), by=marketer, at=at)
    question = begin_module(db, site_id, kind=Kind.QUESTION, **QUESTION, by=marketer, at=at)
    for number, version_id in enumerate((*(made.version_id for made in report.drafts), question), start=1):
        content.submit(db, version_id, by=marketer, at=at)
        code = f"DEMO-ATV-US-{number:04d}"
        approve(db, version_id, approval_code=code, render=render, confirmed=True, by=reviewer, at=at)
    return site_id


def _calculators() -> tuple[CalculatorModule, ...]:
    """Return one module per shipped calculator that belongs beside a lipid-lowering medicine."""
    topics = {
        "ascvd_pce": ("cardiovascular-risk",),
        "prevent_base": ("cardiovascular-risk",),
        "ldl_friedewald": ("lipids",),
        "ckd_epi_2021_cr": ("populations",),
        "cockcroft_gault": ("populations",),
    }
    found = []
    for name in topics:
        calculator = registry.get(name)
        found.append(
            CalculatorModule(
                key="calc-" + name.replace("_", "-"),
                calculator=name,
                version=calculator.version,
                title=calculator.definition.title,
                summary=calculator.definition.purpose,
                topics=topics[name],
                definition=registry.source(name),
            )
        )
    return tuple(found)


def _doctors(db: Session, users: dict[str, str], site_id: str, *, at: datetime) -> None:
    for key, name in people.TERRITORIES.items():
        hcp.ensure_territory(db, key, name=name)
    for doctor in people.DOCTORS:
        hcp_id = hcp.create_hcp(db, doctor.ref, profile=doctor.profile, by=_SYSTEM, at=at)
        hcp.assign(db, hcp_id, user_id=users[doctor.rep], by=_SYSTEM, at=at)
        decided = {"mail": doctor.mail, "tracking": doctor.tracking, "profiling": doctor.profiling}
        for purpose, decision in decided.items():
            if decision is not None:
                wording = f"Demonstration consent form, {purpose}: {decision}"
                hcp.record_consent(
                    db,
                    hcp_id,
                    site_id,
                    purpose,
                    decision,
                    "paper form",
                    wording,
                    ends_at=end_of(CONSENT_DAYS, purpose, decision, at),
                    by=Actor.hcp(hcp_id),
                    at=at,
                )


def _rules(db: Session, users: dict[str, str], site_id: str, *, at: datetime) -> None:
    marketer, reviewer = Actor.staff(users["marketer@portal.example"]), Actor.staff(users["reviewer@portal.example"])
    draft = rulebook.draft_from(db, site_id, by=marketer, at=at)
    rulebook.edit_draft(db, draft, body=rules.rule_set(SITE), note="First rules", by=marketer, at=at)
    rulebook.submit(db, draft, note="First rules of the demonstration", by=marketer, at=at)
    rulebook.approve(db, draft, note="Checked", by=reviewer, at=at)
    releases.go_live(db, draft, by=reviewer, at=at)


def _open_link(db: Session, *, days: int, at: datetime) -> str:
    card = hcps.hcp_by_ref(db, people.DOCTORS[0].ref)
    site = contents.site_by_key(db, SITE)
    if card is None or site is None:
        raise LookupError("the demo's first doctor or site is gone")
    for link in links_of(db, card.id):
        if link.state(at) == "open" and link.expires_at - at > timedelta(days=1):
            return link.id
    rep = next(iter(hcps.assigned_staff(db, card.id, at)), None)
    until = ending(db, card.id, site.id, modules=(), most_days=days, at=at)
    return issue_link(
        db,
        card.id,
        site.id,
        sender_id=rep.user_id if rep else None,
        expires_at=until.at,
        ends_by=until.cause,
        by=_SYSTEM,
        at=at,
    )
