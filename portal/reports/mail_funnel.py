"""One funnel per mailing: what the mail server took, who opened, robots apart, each call to action, who left."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.access.evidence import Grade, is_confirmed
from portal.access.models import Link, LinkActivity, Visit
from portal.content.models import Site
from portal.mailing.models import DeliveryReport, Mailing, MailPieceVersion, Sending, Unsubscribe
from portal.mailing.states import ReportKind, SendingKind, SendingState

FEWEST = 5


@dataclass(frozen=True, slots=True)
class CallRow:
    """What came of one call to action; people counted once each."""

    action: str
    confirmed: int
    unconfirmed: int
    automatic: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """What came of a mailing. Opened counts doctors, automatic counts fetches; every number is of doctors or mails."""

    mails: int = 0
    waiting: int = 0
    accepted: int = 0
    failed: int = 0
    stopped: int = 0
    undone: int = 0
    uncertain: int = 0
    confirmed: int = 0
    unconfirmed: int = 0
    automatic: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
    calls: tuple[CallRow, ...] = ()
    grades: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallFigure:
    """How many doctors opened one call to action; None where that is not told."""

    action: str
    opened: int | None


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """One template in one month over all senders; numbers are None where fewer than `FEWEST` doctors stand behind."""

    template: str
    site: str
    month: str
    doctors: int | None
    accepted: int | None
    failed: int | None
    opened: int | None
    unsubscribed: int | None
    calls: tuple[CallFigure, ...] = ()


def funnel_of(db: Session, mailing_id: str) -> Funnel:
    """Return the funnel of one mailing; tests to colleagues are left out."""
    query = select(Sending.id, Sending.hcp_id, Sending.state).where(
        Sending.mailing_id == mailing_id, Sending.kind == SendingKind.APPROVED
    )
    return _funnel(db, [(row[0], row[1], row[2]) for row in db.execute(query)])


def by_template(db: Session) -> list[TemplateRow]:
    """Return what came of each template by month, newest first; groups of fewer than five doctors say nothing."""
    query = (
        select(Sending.id, Sending.hcp_id, Sending.state, Sending.due_at, MailPieceVersion.title, Site.brand)
        .join(MailPieceVersion, MailPieceVersion.id == Sending.template_id)
        .join(Mailing, Mailing.id == Sending.mailing_id)
        .join(Site, Site.id == Sending.site_id)
        .where(Sending.kind == SendingKind.APPROVED)
    )
    groups: dict[tuple[str, str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for sending_id, hcp_id, state, due_at, title, brand in db.execute(query):
        groups[(_month(due_at), title, brand)].append((sending_id, hcp_id, state))
    rows = []
    for (month, title, brand), members in sorted(groups.items(), reverse=True):
        doctors = len({hcp_id for _, hcp_id, _ in members})
        if doctors < FEWEST:
            rows.append(TemplateRow(title, brand, month, None, None, None, None, None))
            continue
        found = _funnel(db, members)
        opened = found.confirmed + found.unconfirmed
        small = (found.accepted, found.failed, opened, found.unsubscribed)
        accepted, failed, opened_shown, left = (count if count == 0 or count >= FEWEST else None for count in small)
        if failed is None:
            accepted = None  # the doctors less those accepted would tell how many failed
        calls = figures_of({call.action: call.confirmed + call.unconfirmed for call in found.calls}, opened)
        rows.append(TemplateRow(title, brand, month, doctors, accepted, failed, opened_shown, left, calls))
    return rows


def figures_of(by_call: Mapping[str, int], opened: int) -> tuple[CallFigure, ...]:
    """Return doctors by call to action: all numbers, or none but zeros where one of them would tell a small group.

    `opened` doctors opened at least one. Those who opened a call and those who opened only others add up to them, so
    that each of the two has to be large or none; with two calls so have those who opened both.
    """
    counts = [count for count in by_call.values() if count]
    groups = [*counts, *(opened - count for count in counts)]
    if len(counts) == 2:
        groups.append(sum(counts) - opened)
    is_told = all(group == 0 or group >= FEWEST for group in groups)
    return tuple(CallFigure(action, count if is_told or count == 0 else None) for action, count in by_call.items())


def _funnel(db: Session, members: Sequence[tuple[str, str, str]]) -> Funnel:
    ids = [sending_id for sending_id, _, _ in members]
    states: dict[str, int] = defaultdict(int)
    for _, _, state in members:
        states[state] += 1
    people, calls, grades = _openings(db, ids)
    reports = dict(
        db.execute(
            select(DeliveryReport.kind, func.count(DeliveryReport.sending_id.distinct()))
            .where(DeliveryReport.sending_id.in_(ids))
            .group_by(DeliveryReport.kind)
        ).all()
    )
    left = db.scalar(
        select(func.count(Unsubscribe.hcp_id.distinct())).where(
            Unsubscribe.sending_id.in_(ids), Unsubscribe.method != "complaint"
        )
    )
    return Funnel(
        mails=len(members),
        waiting=states[SendingState.SCHEDULED] + states[SendingState.SENDING] + states[SendingState.HANDING_OVER],
        accepted=states[SendingState.ACCEPTED],
        failed=states[SendingState.FAILED],
        stopped=states[SendingState.STOPPED],
        undone=states[SendingState.UNDONE],
        uncertain=states[SendingState.UNCERTAIN],
        confirmed=sum(people.values()),
        unconfirmed=len(people) - sum(people.values()),
        automatic=sum(call.automatic for call in calls),
        bounced=reports.get(ReportKind.FAILED, 0),
        complained=reports.get(ReportKind.COMPLAINT, 0),
        unsubscribed=left or 0,
        calls=tuple(calls),
        grades=grades,
    )


def _openings(db: Session, ids: Iterable[str]) -> tuple[dict[str, bool], list[CallRow], dict[int, int]]:
    """Return doctors who opened with whether confirmed, the calls to action, and visits by grade."""
    links = {
        link_id: (action or "", hcp_id)
        for link_id, action, hcp_id in db.execute(
            select(Link.id, Link.action, Link.hcp_id).where(Link.sending_id.in_(set(ids)))
        )
    }
    people: dict[str, bool] = {}
    by_call: dict[str, dict[str, bool]] = {action: {} for action, _ in links.values()}
    automatic: dict[str, int] = defaultdict(int)
    grades: dict[int, int] = defaultdict(int)
    visits = select(Visit.link_id, Visit.grade, Visit.marks).where(Visit.link_id.in_(set(links)))
    for link_id, grade, marks in db.execute(visits):
        action, hcp_id = links[link_id]
        sure = is_confirmed(grade, list(marks))
        grades[grade] += 1
        automatic[action] -= 1  # whoever presses the button has fetched the page before
        people[hcp_id] = people.get(hcp_id, False) or sure
        by_call[action][hcp_id] = by_call[action].get(hcp_id, False) or sure
    fetched = (
        select(LinkActivity.link_id, func.count())
        .where(
            LinkActivity.link_id.in_(set(links)),
            LinkActivity.grade < int(Grade.GESTURE),
            LinkActivity.visit_id.is_(None),
            LinkActivity.kind != "staff",
        )
        .group_by(LinkActivity.link_id)
    )
    for link_id, count in db.execute(fetched):
        automatic[links[link_id][0]] += count
    rows = [
        CallRow(action, sum(found.values()), len(found) - sum(found.values()), max(0, automatic[action]))
        for action, found in sorted(by_call.items())
    ]
    return people, rows, dict(grades)


def _month(at: datetime) -> str:
    return f"{at:%Y-%m}"
