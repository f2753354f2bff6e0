"""The list of doctors a rep starts from: last touch, what changed since the rep last looked, what can be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from portal.hcp.profiles import HcpCard
from portal.reports import queries
from portal.reports.visits import Standing, VisitRow, Whose, allows, decisions_on_tracking, nameable, visits_since

LOOKED_BACK = timedelta(days=365)


class Show(StrEnum):
    """Which doctors the list is narrowed to."""

    ALL = "all"
    CHANGED = "changed"  # something happened since the rep last looked
    UNOPENED = "unopened"  # a link is open and nobody has used it
    NO_LINK = "no-link"  # no link is valid now


class Sort(StrEnum):
    """How the list is ordered."""

    NEWS = "news"
    NAME = "name"
    TOUCH = "touch"


@dataclass(frozen=True, slots=True)
class Since:
    """What happened since a moment: the doctor's own confirmed visits, unconfirmed ones apart, dwell in ms."""

    visits: int = 0
    dwell_ms: int = 0
    unconfirmed: int = 0
    unconfirmed_ms: int = 0
    others: int = 0
    last_at: datetime | None = None

    @property
    def is_something(self) -> bool:
        """Tell whether anything happened that a person did."""
        return bool(self.visits or self.unconfirmed or self.others)


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One doctor in the list; `looked_at` is when the person last opened the doctor's page.

    `last_visit_at` is the doctor's own and confirmed, `last_opened_at` anybody's who is not a machine.
    """

    card: HcpCard
    looked_at: datetime | None
    news: Since
    last_visit_at: datetime | None
    last_opened_at: datetime | None
    link_issued_at: datetime | None
    link_until: datetime | None
    is_named: bool

    @property
    def touched_at(self) -> datetime | None:
        """Return the newest of: link issued, confirmed visit."""
        return max((at for at in (self.last_visit_at, self.link_issued_at) if at is not None), default=None)

    def has_link(self, at: datetime) -> bool:
        """Tell whether a link is valid at `at`."""
        return self.link_until is not None and self.link_until > at

    def is_unopened(self, at: datetime) -> bool:
        """Tell whether a valid link waits to be opened; not known of a doctor who is not measured by name."""
        issued, opened = self.link_issued_at, self.last_opened_at
        return self.is_named and self.has_link(at) and issued is not None and (opened is None or opened < issued)


def doctor_rows(
    db: Session, cards: Sequence[HcpCard], *, everybody: bool, user_id: str, at: datetime
) -> list[DoctorRow]:
    """Return the rows for `cards` in their order; `everybody` says that they are all doctors there are."""
    ids = None if everybody else [card.id for card in cards]
    since = at - LOOKED_BACK
    looks, links = queries.last_looks(db, user_id), queries.newest_links(db, ids)
    decisions, sites = decisions_on_tracking(db, ids), list(queries.brands(db))
    visits: dict[str, list[VisitRow]] = {}
    for visit in nameable(db, visits_since(db, ids, since), decisions, at=at):
        visits.setdefault(visit.hcp_id, []).append(visit)
    dwell: dict[str, list[queries.Dwelt]] = {}
    for view in queries.dwell_since(db, ids, since):
        dwell.setdefault(view.hcp_id, []).append(view)
    rows = []
    for card in cards:
        mine, looked = visits.get(card.id, []), looks.get(card.id)
        issued, until = links.get(card.id, (None, None))
        rows.append(
            DoctorRow(
                card=card,
                looked_at=looked,
                news=_news(mine, dwell.get(card.id, []), looked),
                last_visit_at=next((visit.opened_at for visit in mine if visit.counts), None),
                last_opened_at=next((visit.opened_at for visit in mine if _is_humane(visit)), None),
                link_issued_at=issued,
                link_until=until,
                is_named=any(allows(decisions.get(card.id, ()), site_id, at=at) for site_id in sites),
            )
        )
    return rows


def narrowed(rows: Sequence[DoctorRow], *, text: str, show: Show, sort: Sort, at: datetime) -> list[DoctorRow]:
    """Return the rows whose doctor holds every word of `text`, of one kind, in one order."""
    words = text.lower().split()
    kept = [row for row in rows if all(word in _searched(row.card) for word in words) and is_shown(row, show, at)]
    if sort is Sort.NAME:
        return kept
    oldest = datetime.min.replace(tzinfo=at.tzinfo)
    if sort is Sort.TOUCH:
        return sorted(kept, key=lambda row: row.touched_at or oldest, reverse=True)
    return sorted(kept, key=lambda row: (row.news.last_at or oldest, row.touched_at or oldest), reverse=True)


def is_shown(row: DoctorRow, show: Show, at: datetime) -> bool:
    """Tell whether a row belongs to a kind."""
    if show is Show.CHANGED:
        return row.news.is_something
    if show is Show.UNOPENED:
        return row.is_unopened(at)
    if show is Show.NO_LINK:
        return not row.has_link(at)
    return True


def _searched(card: HcpCard) -> str:
    return " ".join(
        part for part in (card.display, card.ref, card.specialty, card.territory_name, card.segment, card.npi) if part
    ).lower()


def _is_humane(visit: VisitRow) -> bool:
    return visit.standing is not Standing.AUTOMATIC and visit.whose is not Whose.STAFF


def _news(visits: Sequence[VisitRow], dwell: Sequence[queries.Dwelt], looked: datetime | None) -> Since:
    fresh = [visit for visit in visits if looked is None or visit.opened_at > looked]
    own = {visit.id: visit.standing for visit in visits if visit.whose is Whose.DOCTOR}
    read = [view for view in dwell if looked is None or view.opened_at > looked]
    humane = [visit for visit in fresh if _is_humane(visit)]
    return Since(
        visits=sum(visit.counts for visit in fresh),
        dwell_ms=sum(view.eng_ms or 0 for view in read if own.get(view.visit_id) is Standing.CONFIRMED),
        unconfirmed_ms=sum(view.eng_ms or 0 for view in read if own.get(view.visit_id) is Standing.UNCONFIRMED),
        unconfirmed=sum(visit.whose is Whose.DOCTOR and not visit.counts for visit in humane),
        others=sum(visit.whose is Whose.OTHER for visit in humane),
        last_at=max((visit.opened_at for visit in humane), default=None),
    )
