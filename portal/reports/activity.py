"""What one doctor did, as who looks after them may see it: the doctor's own, and only what may be named."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.access.queries import links_of
from portal.access.states import LinkRow
from portal.content.queries import fragment
from portal.hcp.consents import ConsentRow, ConsentState
from portal.hcp.discussions import DiscussionRow, discussions_of
from portal.hcp.queries import consent_history, consent_in_force, declared_interests
from portal.mailing.outbox import SendingRow, newest
from portal.mailing.states import SendingKind
from portal.microsite.models import StoredArrangement
from portal.personalize import Arrangement
from portal.personalize.codec import CodecRefused, arrangement_from_json, candidates_from_json
from portal.personalize.compiling import in_standard_order
from portal.reports.queries import BLOCK, Fetched, Titles, brands, fetched, titles
from portal.reports.visits import Standing, VisitRow, Whose, decisions_on_tracking, nameable, visits_of
from portal.rulebook.queries import half_life_days
from portal.tracking import queries as tracking
from portal.tracking.events import REGISTRY, Viewer
from portal.tracking.records import CalculatorRow, InteractionRow, ViewRow, united_ms

_MAIL = (SendingKind.APPROVED, SendingKind.FRESH)
_FOR_REPS = frozenset(name for name, kind in REGISTRY.items() if Viewer.REP in kind.viewers and not kind.derived)


@dataclass(frozen=True, slots=True)
class Share:
    """What one module or topic got: attention in ms, in how many page views, when last."""

    label: str
    ms: int
    views: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SiteState:
    """One site as it concerns the doctor: consent in force, declared topics, interest in minutes by topic now."""

    id: str
    brand: str
    consent: ConsentState
    declared: tuple[str, ...]
    interest: tuple[tuple[str, float], ...]
    half_life_days: float


@dataclass(frozen=True, slots=True)
class Placed:
    """One module in an order: its title, why it stands there, its place the time before (None: not there)."""

    title: str
    reason: str
    before: int | None


@dataclass(frozen=True, slots=True)
class LastOrder:
    """The order of the last home page the doctor was shown, against the one before.

    `moved` tells whether it differs from the standard order of what is shown; None where that cannot be read.
    """

    at: datetime
    before_at: datetime | None
    mode: str
    moved: bool | None
    placed: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """Everything a doctor's page shows; `views` are the doctor's own, `counted` those that stand in totals.

    `unconfirmed` are views with input of visits that may be a machine's: told apart, never in totals.
    """

    links: tuple[LinkRow, ...]
    visits: tuple[VisitRow, ...]
    views: tuple[ViewRow, ...]
    counted: tuple[ViewRow, ...]
    unconfirmed: tuple[ViewRow, ...]
    calculators: tuple[CalculatorRow, ...]
    interactions: tuple[InteractionRow, ...]
    fetched: tuple[Fetched, ...]
    mails: tuple[SendingRow, ...]
    decisions: tuple[ConsentRow, ...]
    discussed: tuple[DiscussionRow, ...]
    sites: tuple[SiteState, ...]
    names: Titles

    @property
    def dwell_ms(self) -> int:
        """Return the ms read on counted views, no second counted twice."""
        return united_ms(self.counted)

    @property
    def unconfirmed_ms(self) -> int:
        """Return the ms read on unconfirmed views, no second counted twice."""
        return united_ms(self.unconfirmed)

    @property
    def confirmed(self) -> tuple[VisitRow, ...]:
        """Return the visits that stand in totals."""
        return tuple(visit for visit in self.visits if visit.counts)

    @property
    def is_named(self) -> bool:
        """Tell whether the doctor lets visits to any site be measured by name."""
        return any(site.consent.tracking == "identified" for site in self.sites)

    def by_module(self, views: Sequence[ViewRow]) -> list[Share]:
        """Return attention on `views` by module and mandatory block, most first."""
        return _shares(
            (self.names.module(view.site_id, section.module_key), section.attention_ms, view)
            for view in views
            for section in view.sections
        )

    def by_topic(self, views: Sequence[ViewRow]) -> list[Share]:
        """Return attention on `views` by topic, most first; a module on two topics counts for both."""
        return _shares(
            (self.names.topic(view.site_id, topic), section.attention_ms, view)
            for view in views
            for section in view.sections
            if not section.module_key.startswith(BLOCK)
            for topic in self.names.topics_of.get(section.module_version, ())
        )


def activity_of(db: Session, hcp_id: str, *, at: datetime) -> Activity:
    """Return what a doctor did, newest first, as of `at`."""
    named = nameable(db, visits_of(db, hcp_id), decisions_on_tracking(db, [hcp_id]), at=at)
    own = {visit.id: visit for visit in named if visit.whose is Whose.DOCTOR}
    views = [view for view in tracking.views_of(db, hcp_id) if view.visit_id in own]
    counted = [view for view in views if view.confirmed and own[str(view.visit_id)].counts]
    doubted = [view for view in views if view.confirmed and own[str(view.visit_id)].standing is Standing.UNCONFIRMED]
    shown = {view.id for view in views}
    links = links_of(db, hcp_id)
    return Activity(
        links=tuple(links),
        visits=tuple(named),
        views=tuple(views),
        counted=tuple(counted),
        unconfirmed=tuple(doubted),
        calculators=tuple(use for use in tracking.calculators_of(db, hcp_id) if use.view_id in shown),
        interactions=tuple(
            each for each in tracking.interactions_of(db, hcp_id) if each.view_id in shown and each.type in _FOR_REPS
        ),
        fetched=tuple(fetched(db, [link.id for link in links])),
        mails=tuple(mail for mail in newest(db, hcp_id=hcp_id) if mail.kind in _MAIL),
        decisions=tuple(consent_history(db, hcp_id)),
        discussed=tuple(discussions_of(db, hcp_id)),
        sites=tuple(_sites(db, hcp_id, at)),
        names=titles(db),
    )


def last_order(db: Session, hcp_id: str, *, visits: Sequence[VisitRow], names: Titles) -> LastOrder | None:
    """Return the order of the doctor's last home page and why; None where none was shown to the doctor."""
    own = {visit.id for visit in visits if visit.whose is Whose.DOCTOR}
    rows = db.scalars(
        select(StoredArrangement)
        .where(
            StoredArrangement.hcp_id == hcp_id,
            StoredArrangement.page == "home",
            StoredArrangement.visit_id.in_(own),
        )
        .order_by(StoredArrangement.at.desc(), StoredArrangement.id.desc())
        .limit(20)
    ).all()
    if not rows:
        return None
    last = _arrangement(rows[0])
    if last is None:
        return None
    # Reloading a page is no news: the order before is the newest that differs, else the one before.
    others = [row for row in rows[1:] if row.site_id == rows[0].site_id]
    differing = (row for row in others if (old := _arrangement(row)) is not None and old.order() != last.order())
    earlier = next(differing, others[0] if others else None)
    before = _arrangement(earlier) if earlier is not None else None
    places = {item.module: item.place for item in before.items} if before else {}
    placed = tuple(
        Placed(names.module(rows[0].site_id, item.module), item.reason, places.get(item.module)) for item in last.items
    )
    moved = _moved(db, rows[0].candidates, last)
    return LastOrder(rows[0].at, earlier.at if earlier is not None else None, str(last.mode), moved, placed)


def _moved(db: Session, candidates: str, last: Arrangement) -> bool | None:
    try:
        listed = in_standard_order(candidates_from_json(fragment(db, candidates) or ""))
    except CodecRefused:
        return None
    shown = set(last.order())
    return tuple(dict.fromkeys(one.module for one in listed if one.module in shown)) != last.order()


def _arrangement(row: StoredArrangement) -> Arrangement | None:
    try:
        return arrangement_from_json(row.decision)
    except CodecRefused:
        return None


def _sites(db: Session, hcp_id: str, at: datetime) -> list[SiteState]:
    found = []
    for site_id, brand in sorted(brands(db).items(), key=lambda item: item[1]):
        consent = consent_in_force(db, hcp_id, site_id, at)
        interest: Mapping[str, float] = {}
        half_life = half_life_days(db, site_id, at)
        if consent.profiling and consent.tracking == "identified":
            interest = tracking.profile(db, hcp_id, site_id, at=at, half_life_days=half_life)
        kept = sorted(((topic, minutes) for topic, minutes in interest.items() if minutes > 0), key=lambda kv: -kv[1])
        found.append(
            SiteState(site_id, brand, consent, declared_interests(db, hcp_id, site_id), tuple(kept), half_life)
        )
    return found


def _shares(parts: Iterable[tuple[str, int, ViewRow]]) -> list[Share]:
    ms: dict[str, int] = {}
    views: dict[str, set[str]] = {}
    last: dict[str, datetime] = {}
    for label, part, view in parts:
        if part <= 0:
            continue
        ms[label] = ms.get(label, 0) + part
        views.setdefault(label, set()).add(view.id)
        last[label] = max(last.get(label, view.opened_at), view.opened_at)
    shares = [Share(label, total, len(views[label]), last[label]) for label, total in ms.items()]
    return sorted(shares, key=lambda share: (-share.ms, share.label))
