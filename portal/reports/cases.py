"""Everything kept about one doctor, for compliance: consents, links, visits and pages as seen, as of any moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from portal.access.models import Link, Visit
from portal.content.models import ModuleVersion
from portal.hcp.models import Consent
from portal.hcp.profiles import HcpCard
from portal.hcp.queries import hcp_card
from portal.mailing.outbox import SendingRow, newest
from portal.microsite.models import StoredArrangement
from portal.personalize import Arrangement
from portal.personalize.codec import CodecRefused, arrangement_from_json
from portal.reports.names import site_names
from portal.reports.queries import titles
from portal.rulebook.models import StoredRuleSet
from portal.staff.queries import names_of

PAGES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One decision as it was taken; `in_force` says that no newer one for its purpose and site replaced it."""

    at: datetime
    purpose: str
    decision: str
    site: str
    source: str
    wording: str
    in_force: bool
    ends_at: datetime | None = None
    has_ended: bool = False  # the newest of its purpose, and its time is over


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """One link as it stood at the moment asked for."""

    id: str
    at: datetime
    site: str
    sender: str
    channel: str
    expires_at: datetime
    revoked_at: datetime | None
    reason: str | None
    state: str


@dataclass(frozen=True, slots=True)
class VisitSeen:
    """One visit; `grade` 0 to 4 and `marks` say what it proves."""

    id: str
    link_id: str
    at: datetime
    confidence: str
    grade: int
    marks: tuple[str, ...]
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class PageSeen:
    """One served page and the rules that arranged it; `visit_id` is None for a preview."""

    id: str
    at: datetime
    page: str
    title: str
    site: str
    mode: str
    rule_set_id: str
    rule_set_version: int | None
    visit_id: str | None
    hcp_id: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Case:
    """What was known about one doctor at one moment, newest first; `more_pages` tells that older pages exist."""

    head: HcpCard
    consents: tuple[ConsentRow, ...]
    links: tuple[LinkSeen, ...]
    visits: tuple[VisitSeen, ...]
    mails: tuple[SendingRow, ...]
    pages: tuple[PageSeen, ...]
    more_pages: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """A served page with its decision; `titles` are those of the versions that were served, by version id."""

    page: PageSeen
    arrangement: Arrangement | None
    titles: Mapping[str, str]
    facts: str
    visit: VisitSeen | None


def case_of(db: Session, hcp_id: str, *, as_of: datetime) -> Case | None:
    """Return everything kept about a doctor up to `as_of`; None for an unknown doctor."""
    head = hcp_card(db, hcp_id)
    if head is None:
        return None
    sites = site_names(db)
    pages = _pages(db, StoredArrangement.hcp_id == hcp_id, StoredArrangement.at <= as_of, limit=PAGES_SHOWN + 1)
    return Case(
        head=head,
        consents=_consents(db, hcp_id, sites, as_of),
        links=_links(db, hcp_id, sites, as_of),
        visits=_visits(db, Visit.hcp_id == hcp_id, Visit.opened_at <= as_of),
        mails=tuple(mail for mail in newest(db, hcp_id=hcp_id) if mail.composed_at <= as_of and mail.kind != "test"),
        pages=tuple(pages[:PAGES_SHOWN]),
        more_pages=len(pages) > PAGES_SHOWN,
    )


def replay_of(db: Session, arrangement_id: str) -> Replay | None:
    """Return a served page and why it looked as it did; None for an unknown id."""
    stored = db.scalar(select(StoredArrangement).where(StoredArrangement.id == arrangement_id))
    if stored is None:
        return None
    page = _pages(db, StoredArrangement.id == arrangement_id, limit=1)[0]
    try:
        arrangement = arrangement_from_json(stored.decision)
    except CodecRefused:
        arrangement = None
    visits = _visits(db, Visit.id == stored.visit_id) if stored.visit_id else ()
    titles = _titles(db, arrangement) if arrangement else {}
    return Replay(page, arrangement, titles, stored.facts, visits[0] if visits else None)


def _titles(db: Session, arrangement: Arrangement) -> dict[str, str]:
    versions = {item.version for item in arrangement.items} | {left.version for left in arrangement.not_shown}
    if not versions:
        return {}
    query = select(ModuleVersion.id, ModuleVersion.title).where(ModuleVersion.id.in_(versions))
    return dict(db.execute(query).all())


def _consents(db: Session, hcp_id: str, sites: Mapping[str, str], as_of: datetime) -> tuple[ConsentRow, ...]:
    rows = db.scalars(
        select(Consent)
        .where(Consent.hcp_id == hcp_id, Consent.at <= as_of)
        .order_by(Consent.at.desc(), Consent.id.desc())
    ).all()
    answered: set[tuple[str, str | None]] = set()
    told = []
    for row in rows:
        key = (row.purpose, row.site_id)
        # An opt-out without a site holds for every site.
        is_newest = key not in answered and (row.purpose, None) not in answered
        is_over = row.ends_at is not None and row.ends_at <= as_of
        answered.add(key)
        site = sites.get(row.site_id, row.site_id) if row.site_id else "every site"
        told.append(
            ConsentRow(
                at=row.at,
                purpose=row.purpose,
                decision=row.decision,
                site=site,
                source=row.source,
                wording=row.wording,
                in_force=is_newest and not is_over,
                ends_at=row.ends_at,
                has_ended=is_newest and is_over,
            )
        )
    return tuple(told)


def _links(db: Session, hcp_id: str, sites: Mapping[str, str], as_of: datetime) -> tuple[LinkSeen, ...]:
    rows = db.scalars(
        select(Link)
        .where(Link.hcp_id == hcp_id, Link.created_at <= as_of)
        .order_by(Link.created_at.desc(), Link.id.desc())
    ).all()
    senders = names_of(db, [row.sender_id for row in rows if row.sender_id])
    told = []
    for row in rows:
        revoked_at = row.revoked_at if row.revoked_at is not None and row.revoked_at <= as_of else None
        state = "revoked" if revoked_at else "expired" if row.expires_at <= as_of else "open"
        told.append(
            LinkSeen(
                id=row.id,
                at=row.created_at,
                site=sites.get(row.site_id, row.site_id),
                sender=senders.get(row.sender_id or "", "the portal"),
                channel=row.channel,
                expires_at=row.expires_at,
                revoked_at=revoked_at,
                reason=row.revoked_reason if revoked_at else None,
                state=state,
            )
        )
    return tuple(told)


def _visits(db: Session, *wanted: ColumnElement[bool]) -> tuple[VisitSeen, ...]:
    rows = db.scalars(select(Visit).where(*wanted).order_by(Visit.opened_at.desc(), Visit.id.desc())).all()
    return tuple(
        VisitSeen(row.id, row.link_id, row.opened_at, row.confidence, row.grade, tuple(row.marks), row.ended_at)
        for row in rows
    )


def _pages(db: Session, *wanted: ColumnElement[bool], limit: int) -> list[PageSeen]:
    sites, names = site_names(db), titles(db)
    rows = db.execute(
        select(
            StoredArrangement.id,
            StoredArrangement.at,
            StoredArrangement.page,
            StoredArrangement.site_id,
            StoredArrangement.mode,
            StoredArrangement.rule_set_id,
            StoredRuleSet.version,
            StoredArrangement.visit_id,
            StoredArrangement.hcp_id,
            StoredArrangement.page_sha256,
        )
        .outerjoin(StoredRuleSet, StoredRuleSet.id == StoredArrangement.rule_set_id)
        .where(*wanted)
        .order_by(StoredArrangement.at.desc(), StoredArrangement.id.desc())
        .limit(limit)
    ).all()
    return [
        PageSeen(
            id=row.id,
            at=row.at,
            page=row.page,
            title=names.page(row.site_id, row.page),
            site=sites.get(row.site_id, row.site_id),
            mode=row.mode,
            rule_set_id=row.rule_set_id,
            rule_set_version=row.version,
            visit_id=row.visit_id,
            hcp_id=row.hcp_id,
            sha256=row.page_sha256,
        )
        for row in rows
    ]
