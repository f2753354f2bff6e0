"""Questions that reports ask of several rooms at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.access.evidence import Grade
from portal.access.models import Link, LinkActivity
from portal.audit.models import AuditEvent
from portal.content.models import Block, BlockVersion, Module, ModuleVersion, Site, Topic
from portal.content.questions import answers_of
from portal.hcp.models import Hcp, Territory
from portal.tracking.models import DailyDwell, PageView

BLOCK = "block:"


@dataclass(frozen=True, slots=True)
class Titles:
    """What modules, blocks and topics are called, by (site id, key), and the topics of module versions by id.

    Answers are called by (site id, key, key of the answer).
    """

    modules: Mapping[tuple[str, str], str]
    topics: Mapping[tuple[str, str], str]
    topics_of: Mapping[str, tuple[str, ...]]
    answers: Mapping[tuple[str, str, str], str]

    def answer(self, site_id: str, key: str, answer: str) -> str:
        """Return the newest words of an answer to a question, its key in words where it has none."""
        return self.answers.get((site_id, key, answer)) or answer.replace("-", " ")

    def page(self, site_id: str, page: str) -> str:
        """Return the title of a page: the home page, a module, or a mandatory block."""
        return "Home page" if page == "home" else self.module(site_id, page)

    def module(self, site_id: str, key: str) -> str:
        """Return the newest title of a module or block, its key in words where it has none."""
        return self.modules.get((site_id, key)) or key.removeprefix(BLOCK).replace("-", " ").capitalize()

    def topic(self, site_id: str, key: str) -> str:
        """Return the name of a topic."""
        return self.topics.get((site_id, key)) or key.replace("-", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Fetched:
    """How often a link was fetched by machines on one day, before or without anybody pressing its button."""

    link_id: str
    day: date
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class WeekRow:
    """What the doctors of one territory gave one module on one day: engaged ms, and whose."""

    territory: str
    site_id: str
    module_key: str
    day: str
    hcp_id: str
    eng_ms: int


@dataclass(frozen=True, slots=True)
class Dwelt:
    """One measured page view of a visit; `eng_ms` None is unknown."""

    hcp_id: str
    visit_id: str
    opened_at: datetime
    eng_ms: int | None


def titles(db: Session) -> Titles:
    """Return the newest titles of everything that can be shown; one short statement for each kind."""
    modules: dict[tuple[str, str], str] = {}
    topics_of: dict[str, tuple[str, ...]] = {}
    answers: dict[tuple[str, str, str], str] = {}
    rows = db.execute(
        select(Module.site_id, Module.key, ModuleVersion.id, ModuleVersion.title, ModuleVersion.topics)
        .add_columns(ModuleVersion.source)
        .join(Module, Module.id == ModuleVersion.module_id)
        .order_by(ModuleVersion.number)
    )
    for site_id, key, version_id, title, topics, source in rows:
        modules[site_id, key] = title
        answers |= {(site_id, key, each.key): each.text for each in answers_of(source)}
        topics_of[version_id] = tuple(topics)
    blocks = db.execute(
        select(Block.site_id, Block.key, BlockVersion.title)
        .join(Block, Block.id == BlockVersion.block_id)
        .order_by(BlockVersion.number)
    )
    for site_id, key, title in blocks:
        modules[site_id, f"{BLOCK}{key}"] = title
    named = {(row.site_id, row.key): row.name for row in db.execute(select(Topic.site_id, Topic.key, Topic.name)).all()}
    return Titles(modules, named, topics_of, answers)


def module_topics(db: Session) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the topics of the newest version of every module by (site id, key)."""
    rows = db.execute(
        select(Module.site_id, Module.key, ModuleVersion.topics)
        .join(Module, Module.id == ModuleVersion.module_id)
        .order_by(ModuleVersion.number)
    )
    return {(site_id, key): tuple(topics) for site_id, key, topics in rows}


def topic_names(db: Session) -> dict[str, str]:
    """Return the names of topics by key, whatever their site."""
    return dict(db.execute(select(Topic.key, Topic.name).order_by(Topic.site_id)).all())


def brands(db: Session) -> dict[str, str]:
    """Return the brand of every site by id."""
    return dict(db.execute(select(Site.id, Site.brand)).all())


def fetched(db: Session, link_ids: Collection[str]) -> list[Fetched]:
    """Return what machines did with links: one row per link and day (UTC), newest first.

    Who presses the button has fetched the page first: fetches from the address of a press of that link are left out,
    and so are those of colleagues who were signed in.
    """
    rows = db.execute(
        select(LinkActivity.link_id, LinkActivity.at, LinkActivity.grade, LinkActivity.address_hash)
        .where(LinkActivity.link_id.in_(link_ids), LinkActivity.kind != "staff")
        .order_by(LinkActivity.at)
    ).all()
    people = {(row.link_id, row.address_hash) for row in rows if row.grade >= Grade.GESTURE}
    days: dict[tuple[str, date], list[datetime]] = {}
    for row in rows:
        if row.grade < Grade.GESTURE and (row.link_id, row.address_hash) not in people:
            days.setdefault((row.link_id, row.at.date()), []).append(row.at)
    told = [Fetched(link_id, day, len(times), times[-1]) for (link_id, day), times in days.items()]
    return sorted(told, key=lambda row: (row.last_at, row.link_id), reverse=True)


def newest_links(db: Session, hcp_ids: Collection[str] | None) -> dict[str, tuple[datetime, datetime]]:
    """Return by doctor when their newest link was issued and until when any unrevoked link of theirs is valid."""
    query = (
        select(Link.hcp_id, func.max(Link.created_at), func.max(Link.expires_at))
        .where(Link.revoked_at.is_(None))
        .group_by(Link.hcp_id)
    )
    if hcp_ids is not None:
        query = query.where(Link.hcp_id.in_(hcp_ids))
    return {hcp_id: (issued, until) for hcp_id, issued, until in db.execute(query).all()}


def last_looks(db: Session, user_id: str) -> dict[str, datetime]:
    """Return by doctor when a member of staff last opened the doctor's page."""
    query = (
        select(AuditEvent.hcp_id, func.max(AuditEvent.at))
        .where(AuditEvent.actor_kind == "staff", AuditEvent.actor_id == user_id, AuditEvent.name == "doctor.read")
        .group_by(AuditEvent.hcp_id)
    )
    return {hcp_id: at for hcp_id, at in db.execute(query).all() if hcp_id is not None}


def dwell_since(db: Session, hcp_ids: Collection[str] | None, since: datetime) -> list[Dwelt]:
    """Return the confirmed page views of doctors (None: of all) since a moment."""
    query = select(PageView.hcp_id, PageView.visit_id, PageView.opened_at, PageView.eng_ms).where(
        PageView.hcp_id.is_not(None),
        PageView.visit_id.is_not(None),
        PageView.opened_at >= since,
        PageView.confirmed.is_(True),
        PageView.staff.is_(False),
    )
    if hcp_ids is not None:
        query = query.where(PageView.hcp_id.in_(hcp_ids))
    return [Dwelt(str(hcp_id), str(visit_id), at, ms) for hcp_id, visit_id, at, ms in db.execute(query).all()]


def territory_days(db: Session, *, since: str, hcp_ids: Collection[str] | None) -> list[WeekRow]:
    """Return what doctors (None: all) read since a day (YYYY-MM-DD), per territory, doctor, module and day."""
    query = (
        select(
            func.coalesce(Territory.name, "No territory"),
            DailyDwell.site_id,
            DailyDwell.module_key,
            DailyDwell.day,
            DailyDwell.hcp_id,
            func.sum(DailyDwell.eng_ms),
        )
        .join(Hcp, Hcp.id == DailyDwell.hcp_id)
        .outerjoin(Territory, Territory.id == Hcp.territory_id)
        .where(DailyDwell.day >= since, DailyDwell.module_key.not_like(f"{BLOCK}%"))
        .group_by(Territory.name, DailyDwell.site_id, DailyDwell.module_key, DailyDwell.day, DailyDwell.hcp_id)
    )
    if hcp_ids is not None:
        query = query.where(DailyDwell.hcp_id.in_(hcp_ids))
    return [WeekRow(*row[:5], int(row[5])) for row in db.execute(query).all()]
