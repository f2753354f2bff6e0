"""Questions that serving asks: what is in force for a site at a moment, and what it looks like."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.content.models import Block, BlockVersion, Fragment, Module, ModuleVersion, Site, Topic
from portal.content.states import State


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """One site."""

    id: str
    key: str
    brand: str
    generic: str
    market: str
    language: str
    settings: Mapping[str, Any]
    revision: int

    @property
    def required_blocks(self) -> tuple[str, ...]:
        """Return the keys of the blocks without which this site serves nothing."""
        return tuple(self.settings.get("required_blocks", ()))

    @property
    def consent_days(self) -> Mapping[str, int]:
        """Return for how many days a yes holds, by purpose; a purpose without an entry holds until it is taken back."""
        return dict(self.settings.get("consent_days", {}))


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """One topic of a site."""

    id: str
    key: str
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class ModuleInForce:
    """The version of a module that is served at one moment; hashes name its rendered fragments."""

    module_id: str
    key: str
    kind: str
    version_id: str
    number: int
    title: str
    topics: tuple[str, ...]
    audiences: tuple[str, ...]
    position: int
    words: int
    sections: tuple[Mapping[str, Any], ...]
    calculator: str | None
    calculator_version: str | None
    card_hash: str
    page_hash: str
    approval_code: str
    approved_at: datetime
    in_force_from: datetime
    in_force_until: datetime | None
    source: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BlockInForce:
    """The version of a mandatory block that is served at one moment."""

    block_id: str
    key: str
    kind: str
    version_id: str
    number: int
    title: str
    position: int
    words: int
    card_hash: str
    page_hash: str
    approval_code: str
    approved_at: datetime
    in_force_from: datetime
    in_force_until: datetime | None
    source: Mapping[str, Any]


_MODULE = (
    Module.id,
    Module.key,
    Module.kind,
    ModuleVersion.id,
    ModuleVersion.number,
    ModuleVersion.title,
    ModuleVersion.topics,
    ModuleVersion.audiences,
    ModuleVersion.position,
    ModuleVersion.words,
    ModuleVersion.sections,
    ModuleVersion.calculator,
    ModuleVersion.calculator_version,
    ModuleVersion.card_hash,
    ModuleVersion.page_hash,
    ModuleVersion.approval_code,
    ModuleVersion.approved_at,
    ModuleVersion.in_force_from,
    ModuleVersion.in_force_until,
    ModuleVersion.source,
)
_BLOCK = (
    Block.id,
    Block.key,
    Block.kind,
    BlockVersion.id,
    BlockVersion.number,
    BlockVersion.title,
    BlockVersion.position,
    BlockVersion.words,
    BlockVersion.card_hash,
    BlockVersion.page_hash,
    BlockVersion.approval_code,
    BlockVersion.approved_at,
    BlockVersion.in_force_from,
    BlockVersion.in_force_until,
    BlockVersion.source,
)


def site_by_key(db: Session, key: str) -> SiteRecord | None:
    """Return the site called `key`, or nothing."""
    return next(iter(_sites(db, Site.key == key)), None)


def site_by_id(db: Session, site_id: str) -> SiteRecord | None:
    """Return one site, or nothing."""
    return next(iter(_sites(db, Site.id == site_id)), None)


def sites(db: Session) -> list[SiteRecord]:
    """Return every site, by key."""
    return _sites(db, Site.id.is_not(None))


def topics(db: Session, site_id: str) -> list[TopicRecord]:
    """Return the topics of a site in their order."""
    rows = db.execute(
        select(Topic.id, Topic.key, Topic.name, Topic.position).where(Topic.site_id == site_id).order_by(Topic.position)
    )
    return [TopicRecord(*row) for row in rows]


def modules_in_force(db: Session, site_id: str, at: datetime) -> list[ModuleInForce]:
    """Return the modules that may be served at `at`, in the standard order: position, then key."""
    return _modules(db, and_(Module.site_id == site_id, served(ModuleVersion, at)))


def modules_from(db: Session, site_id: str, at: datetime) -> list[ModuleInForce]:
    """Return the modules that may be served at `at` or, as approved until now, at some time after it."""
    return _modules(db, and_(Module.site_id == site_id, _not_ended(ModuleVersion, at)))


def version_in_force(db: Session, site_id: str, key: str, at: datetime) -> ModuleInForce | None:
    """Return the version of the module `key` that may be served at `at`, or nothing."""
    wanted = and_(Module.site_id == site_id, Module.key == key, served(ModuleVersion, at))
    return next(iter(_modules(db, wanted)), None)


def blocks_in_force(db: Session, site_id: str, at: datetime) -> list[BlockInForce]:
    """Return the mandatory blocks that are in force at `at`, in their order."""
    return _blocks(db, and_(Block.site_id == site_id, served(BlockVersion, at)))


def blocks_from(db: Session, site_id: str, at: datetime) -> list[BlockInForce]:
    """Return the mandatory blocks in force at `at` or, as approved until now, at some time after it."""
    return _blocks(db, and_(Block.site_id == site_id, _not_ended(BlockVersion, at)))


def missing_blocks(db: Session, site: SiteRecord, at: datetime) -> tuple[str, ...]:
    """Return the required blocks that are not in force; while there is one, the site serves nothing."""
    rows = db.scalars(
        select(Block.key)
        .join(BlockVersion, Block.id == BlockVersion.block_id)
        .where(Block.site_id == site.id, served(BlockVersion, at))
    )
    return missing_among(site, rows)


def missing_among(site: SiteRecord, present: Iterable[str]) -> tuple[str, ...]:
    """Return the required blocks that are not among the keys `present`."""
    keys = set(present)
    return tuple(key for key in site.required_blocks if key not in keys)


def earliest_expiry(db: Session, site_id: str, keys: Collection[str], at: datetime) -> datetime | None:
    """Return when the first of the modules `keys` ends, of those in force at `at`; None if none ends."""
    return db.scalar(
        select(func.min(ModuleVersion.in_force_until))
        .join(Module, Module.id == ModuleVersion.module_id)
        .where(Module.site_id == site_id, Module.key.in_(keys), served(ModuleVersion, at))
    )


def fragment(db: Session, fragment_hash: str) -> str | None:
    """Return a stored fragment, or nothing."""
    return db.scalar(select(Fragment.html).where(Fragment.hash == fragment_hash))


def fragments(db: Session, hashes: Collection[str]) -> dict[str, str]:
    """Return the stored fragments among `hashes`, in one statement."""
    rows = db.execute(select(Fragment.hash, Fragment.html).where(Fragment.hash.in_(set(hashes))))
    return dict(rows.all())


def store_fragment(db: Session, html: str, at: datetime) -> str:
    """Keep a piece of served HTML and return its SHA-256 (hex); the same bytes are kept once."""
    digest = hashlib.sha256(html.encode()).hexdigest()
    dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    row = dialect.insert(Fragment).values(hash=digest, html=html, created_at=at)
    db.execute(row.on_conflict_do_nothing(index_elements=["hash"]))
    return digest


def served(version: type[ModuleVersion] | type[BlockVersion], at: datetime) -> ColumnElement[bool]:
    """Return the condition for being in force at `at`; the moment of the end is excluded."""
    return and_(_not_ended(version, at), version.in_force_from <= at)


def _not_ended(version: type[ModuleVersion] | type[BlockVersion], at: datetime) -> ColumnElement[bool]:
    return and_(
        version.state == State.APPROVED,
        or_(version.in_force_until.is_(None), version.in_force_until > at),
    )


def _sites(db: Session, condition: ColumnElement[bool]) -> list[SiteRecord]:
    columns = (Site.id, Site.key, Site.brand, Site.generic, Site.market, Site.language, Site.settings, Site.revision)
    return [SiteRecord(*row) for row in db.execute(select(*columns).where(condition).order_by(Site.key))]


def _blocks(db: Session, condition: ColumnElement[bool]) -> list[BlockInForce]:
    rows = db.execute(
        select(*_BLOCK)
        .join(Block, Block.id == BlockVersion.block_id)
        .where(condition)
        .order_by(BlockVersion.position, Block.key)
    )
    return [BlockInForce(*row) for row in rows]


def _modules(db: Session, condition: ColumnElement[bool]) -> list[ModuleInForce]:
    rows = db.execute(
        select(*_MODULE)
        .join(Module, Module.id == ModuleVersion.module_id)
        .where(condition)
        .order_by(ModuleVersion.position, Module.key)
    )
    found: list[ModuleInForce] = []
    for row in rows:
        values = list(row)
        values[6], values[7], values[10] = tuple(values[6]), tuple(values[7]), tuple(values[10])
        found.append(ModuleInForce(*values))
    return found
