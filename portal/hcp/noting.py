"""Writing down what a doctor decided on paper or by word: when, what was shown, and where proof of it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.hcp.actions import record_consent
from portal.hcp.consents import ConsentRefused, Purpose, check, end_of, is_yes
from portal.hcp.models import ConsentEvidence, Hcp
from portal.hcp.queries import consent_in_force

LONGEST_VERSION, LONGEST_EVIDENCE = 60, 500
_OLDEST = timedelta(days=3653)


class Source(StrEnum):
    """How a decision came to the office."""

    PAPER = "paper"
    VISIT = "visit"
    PHONE = "phone"


SOURCE_WORDS = {
    Source.PAPER: "paper form",
    Source.VISIT: "by word in a visit",
    Source.PHONE: "by word on the telephone",
}


class NotingRefused(Exception):
    """Decisions that cannot be written down; `faults` are sentences by field."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Told:
    """What a doctor decided elsewhere: decisions by purpose, for a site or (None) for every one.

    `wording` is the version of the text that was shown or read out, `evidence` says where proof of it is.
    """

    site_id: str | None
    decisions: Mapping[str, str]
    source: str
    wording: str
    evidence: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was noted beside one decision; `note` is None once erased."""

    note: str | None
    by_id: str | None
    at: datetime


def note(db: Session, hcp_id: str, told: Told, *, days: Mapping[str, int], by: Actor, at: datetime) -> dict[str, bool]:
    """Write decisions down and return by purpose whether each is in force: a later one of the doctor stands.

    `days` are those of the site for which a yes holds. Raises NotingRefused and writes nothing.
    """
    db.get_one(Hcp, hcp_id, with_for_update=True, populate_existing=True)  # unsubscribing comes before or after
    source, wording, evidence = _checked(told, days, at)
    written: dict[str, bool] = {}
    for purpose, decision in told.decisions.items():
        try:
            consent_id = record_consent(
                db,
                hcp_id,
                told.site_id,
                purpose,
                decision,
                SOURCE_WORDS[source],
                f"Version {wording}",
                decided_at=told.decided_at,
                ends_at=end_of(days, purpose, decision, told.decided_at),
                evidence=evidence,
                by=by,
                at=at,
            )
        except ConsentRefused as refused:
            raise NotingRefused({purpose: str(refused)}) from None
        db.execute(
            insert(ConsentEvidence).values(consent_id=consent_id, hcp_id=hcp_id, note=evidence, by_id=by.id, at=at)
        )
        written[purpose] = _stands(db, hcp_id, told, purpose, at)
    return written


def evidence_of(db: Session, hcp_id: str) -> dict[str, Evidence]:
    """Return what was noted beside the decisions of a doctor, by the id of the decision."""
    rows = db.scalars(select(ConsentEvidence).where(ConsentEvidence.hcp_id == hcp_id))
    return {row.consent_id: Evidence(row.note, row.by_id, row.at) for row in rows}


def erase_evidence(db: Session, hcp_id: str) -> int:
    """Erase what was noted beside the decisions of a doctor and return how many notes; the decisions stay."""
    query = select(ConsentEvidence.consent_id).where(
        ConsentEvidence.hcp_id == hcp_id, ConsentEvidence.note.is_not(None)
    )
    ids = db.scalars(query.with_for_update()).all()
    db.execute(update(ConsentEvidence).where(ConsentEvidence.consent_id.in_(ids)).values(note=None))
    return len(ids)


def _checked(told: Told, days: Mapping[str, int], at: datetime) -> tuple[Source, str, str]:
    faults: dict[str, str] = {}
    wording, evidence = _tidy(told.wording), _tidy(told.evidence)
    if told.source not in set(Source):
        faults["source"] = "Say how the doctor decided."
    if not 1 <= len(wording) <= LONGEST_VERSION:
        faults["wording"] = f"Give the version of the text that was shown, in up to {LONGEST_VERSION} characters."
    if not 3 <= len(evidence) <= LONGEST_EVIDENCE:
        faults["evidence"] = f"Say in 3 to {LONGEST_EVIDENCE} characters where the form is, or who heard it."
    if told.decided_at > at:
        faults["date"] = "This moment has not come yet."
    elif told.decided_at < at - _OLDEST:
        faults["date"] = "This is more than ten years ago."
    if not told.decisions:
        faults["mail"] = "Choose at least one decision."
    for purpose, decision in told.decisions.items():
        try:
            check(purpose, decision)
        except ConsentRefused as refused:
            faults[purpose] = str(refused)
            continue
        if told.site_id is None and is_yes(purpose, decision):
            faults[purpose] = "A yes is for one brand; only a no can be for every brand."
        ends_at = end_of(days, purpose, decision, told.decided_at)
        if ends_at is not None and ends_at <= at:
            faults["date"] = "A yes of that day has ended by the rule of this site; ask the doctor anew."
    if faults:
        raise NotingRefused(faults)
    return Source(told.source), wording, evidence


def _stands(db: Session, hcp_id: str, told: Told, purpose: str, at: datetime) -> bool:
    if told.site_id is None:
        return True  # said per brand on the page that follows
    state = consent_in_force(db, hcp_id, told.site_id, at)
    held = {
        Purpose.MAIL: state.mail_decision,
        Purpose.TRACKING: state.tracking_decision,
        Purpose.PROFILING: state.profiling_decision,
    }[Purpose(purpose)]
    return held is not None and held.at == told.decided_at and held.decision == told.decisions[purpose]


def _tidy(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
