"""Questions about links and visits."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache

from sqlalchemy import ColumnElement, Dialect, Select, String, Text, and_, bindparam, cast, func, or_, select
from sqlalchemy.orm import Session

from portal.access.evidence import Confidence, Grade
from portal.access.models import Device, Link, Visit
from portal.access.states import CurrentVisit, LinkReason, LinkRefused, LinkRow, LiveLink
from portal.access.tokens import TokenBox, TokenRefused, digest
from portal.db import UtcDateTime
from portal.db.prepared import PreparedRead, ids_given, places
from portal.hcp.consents import Purpose
from portal.hcp.models import Hcp, Territory
from portal.hcp.profiles import HcpCard
from portal.hcp.queries import CARD, IN_TERRITORY, decision_in_force
from portal.staff.models import User


def by_mail() -> ColumnElement[bool]:
    """Return the clause that is true of a visit, joined with its link, that a person began from a mail."""
    unmarked = and_(Visit.grade >= Grade.ENGAGED, cast(Visit.marks, Text) == "[]")
    # Marks that speak against a code from the mailbox keep a visit from feeding the profile in the first place.
    return and_(Link.sending_id.is_not(None), or_(Visit.grade >= Grade.STEPPED_UP, unmarked))


def live_link(db: Session, tokens: TokenBox, token: str, *, at: datetime, locked: bool = False) -> LiveLink:
    """Return the link behind a token if it may be opened at `at`; raises LinkRefused.

    `locked` holds doctor and link until the transaction ends: whoever revokes or opens at once comes before or after.
    """
    try:
        link_id, key_mark = tokens.read_link(token)
    except TokenRefused:
        # A mangled token costs the same query as a good one, so that time tells nothing.
        link_id, key_mark, mangled = "0" * 32, "", True
    else:
        mangled = False
    row = db.execute(
        select(Link, Hcp.access_revoked_at, Hcp.erased_at).join(Hcp, Hcp.id == Link.hcp_id).where(Link.id == link_id)
    ).first()
    if row is None:
        raise LinkRefused(LinkReason.MANGLED if mangled else LinkReason.MISSING)
    link, hcp_revoked_at, erased_at = row
    if locked:
        # The doctor first, as whoever sends or erases does. No key changes, so that access records need not wait.
        gently = {"key_share": True}
        hcp = db.get_one(Hcp, link.hcp_id, with_for_update=gently, populate_existing=True)
        link = db.get_one(Link, link_id, with_for_update=gently, populate_existing=True)
        hcp_revoked_at, erased_at = hcp.access_revoked_at, hcp.erased_at
    if hcp_revoked_at is not None or erased_at is not None:
        raise LinkRefused(LinkReason.HCP_REVOKED)
    if link.revoked_at is not None:
        raise LinkRefused(LinkReason.REVOKED)
    if link.expires_at <= at:
        raise LinkRefused(LinkReason.EXPIRED)
    return LiveLink(
        id=link.id,
        hcp_id=link.hcp_id,
        site_id=link.site_id,
        sender_id=link.sender_id,
        device_id=link.device_id,
        landing=link.landing,
        handed_over_at=link.handed_over_at,
        expires_at=link.expires_at,
        sending_id=link.sending_id,
        key_mark=key_mark,
    )


def current_visit(
    db: Session, secret: str, *, at: datetime, key_marks: Collection[str] | None = None
) -> CurrentVisit | None:
    """Return the open visit of a cookie's secret; None once it, its link, its key or the doctor's access has ended.

    `key_marks` are those of the ring (`TokenBox.key_marks`); None asks for no key.
    """
    connection = db.connection()
    rows = _current_visit(connection.dialect).ask(connection, {"token_hash": digest(secret), "at": at})
    if not rows:
        return None
    mark, confidence, modules, *visit = rows[0][: len(_VISIT)]
    sender, *card = rows[0][len(_VISIT) :]
    if not _is_signed(mark, key_marks):
        return None
    visit_id, link_id, hcp_id, site_id, sender_id, grade, standard_order, landing, created_at, opened_at, device = visit
    return CurrentVisit(
        id=visit_id,
        link_id=link_id,
        hcp_id=hcp_id,
        site_id=site_id,
        sender_id=sender_id,
        confidence=Confidence(confidence),
        grade=grade,
        standard_order=standard_order,
        landing=landing,
        link_modules=tuple(modules),
        link_created_at=created_at,
        opened_at=opened_at,
        device_id=device,
        card=HcpCard(*card),
        sender=sender,
    )


_V, _L, _H = Visit.__table__.c, Link.__table__.c, Hcp.__table__.c
_VISIT = (
    *(_V.key_mark, _V.confidence, _L.modules, _V.id, _V.link_id, _V.hcp_id, _V.site_id, _L.sender_id, _V.grade),
    *(_V.standard_order, _L.landing, _L.created_at, _V.opened_at, _V.device_id),
)


@lru_cache(maxsize=8)
def _current_visit(dialect: Dialect) -> PreparedRead:
    at = bindparam("at", type_=UtcDateTime())
    sender = User.__table__
    question = (
        select(*_VISIT, sender.c.name, *CARD)
        .select_from(Visit.__table__)
        .join(Link.__table__, _L.id == _V.link_id)
        .join(Hcp.__table__, _H.id == _V.hcp_id)
        .outerjoin(Territory.__table__, IN_TERRITORY)
        .outerjoin(sender, sender.c.id == _L.sender_id)
        .where(
            _V.token_hash == bindparam("token_hash", type_=String()),
            _V.ended_at.is_(None),
            _V.expires_at > at,
            _L.revoked_at.is_(None),
            _L.expires_at > at,
            _H.access_revoked_at.is_(None),
            _H.erased_at.is_(None),
        )
    )
    return PreparedRead(question, dialect)


def _is_signed(key_mark: str | None, ring: Collection[str] | None) -> bool:
    return key_mark is None or ring is None or key_mark in ring


def reporting_visits(
    db: Session, visit_ids: Collection[str], *, at: datetime, key_marks: Collection[str] | None = None
) -> dict[str, tuple[str | None, str | None]]:
    """Return of some visits those that may still report, with the decisions on tracking and profiling in force.

    Left out is a visit whose link or key, or whose doctor's access, was revoked.
    """
    connection, wanted = db.connection(), sorted(visit_ids)
    given = {**ids_given(wanted), "at": at}
    rows = _reporting_visits(connection.dialect, len(wanted)).ask(connection, given) if wanted else []
    return {visit_id: (how, fed) for visit_id, mark, how, fed in rows if _is_signed(mark, key_marks)}


@lru_cache(maxsize=256)
def _reporting_visits(dialect: Dialect, count: int) -> PreparedRead:
    v, at = Visit.__table__.c, bindparam("at", type_=UtcDateTime())
    question = (
        select(
            Visit.id,
            Visit.key_mark,
            decision_in_force(Purpose.TRACKING, hcp_id=v.hcp_id, site_id=v.site_id, at=at).label("tracking"),
            decision_in_force(Purpose.PROFILING, hcp_id=v.hcp_id, site_id=v.site_id, at=at).label("profiling"),
        )
        .join(Link, Link.id == Visit.link_id)
        .join(Hcp, Hcp.id == Visit.hcp_id)
        .where(
            Visit.id.in_(places(count)),
            Link.revoked_at.is_(None),
            Hcp.access_revoked_at.is_(None),
            Hcp.erased_at.is_(None),
        )
    )
    return PreparedRead(question, dialect)


def visits_by_id(db: Session, visit_ids: Collection[str]) -> dict[str, tuple[str, int]]:
    """Return confidence and evidence grade of visits by id."""
    rows = db.execute(select(Visit.id, Visit.confidence, Visit.grade).where(Visit.id.in_(visit_ids)))
    return {visit_id: (confidence, grade) for visit_id, confidence, grade in rows}


def device_of(db: Session, secret: str) -> Device | None:
    """Return the device of a cookie's secret."""
    return db.scalar(select(Device).where(Device.token_hash == digest(secret)))


def links_of(db: Session, hcp_id: str) -> list[LinkRow]:
    """Return every link of a doctor, newest first."""
    return _rows(db, _links().where(Link.hcp_id == hcp_id))


def last_expiry(db: Session, *, at: datetime) -> datetime | None:
    """Return when the last link that may still be opened ends; None where none is open."""
    return db.scalar(select(func.max(Link.expires_at)).where(Link.revoked_at.is_(None), Link.expires_at > at))


def link_of(db: Session, link_id: str) -> LinkRow | None:
    """Return one link."""
    rows = _rows(db, _links().where(Link.id == link_id))
    return rows[0] if rows else None


def _links() -> Select[Link, int, datetime | None]:
    visits = func.count(Visit.id)
    return (
        select(Link, visits, func.max(Visit.opened_at))
        .outerjoin(Visit, Visit.link_id == Link.id)
        .group_by(Link.id)
        .order_by(Link.created_at.desc(), Link.id)
    )


def _rows(db: Session, query: Select[Link, int, datetime | None]) -> list[LinkRow]:
    return [
        LinkRow(
            id=link.id,
            hcp_id=link.hcp_id,
            site_id=link.site_id,
            sender_id=link.sender_id,
            channel=link.channel,
            modules=tuple(link.modules),
            landing=link.landing,
            created_at=link.created_at,
            expires_at=link.expires_at,
            revoked_at=link.revoked_at,
            revoked_reason=link.revoked_reason,
            visits=visits,
            last_opened_at=last,
        )
        for link, visits, last in db.execute(query).all()
    ]
