"""What one process remembers of the database: fragments, which never change, and what a site may serve.

A fragment is known by its hash and kept by the database for ever. What a site may serve is remembered with the
site's revision, which every approval and withdrawal raises in its own transaction and every page reads afresh: a
change holds at the next request of every process. Dates of beginning and end are looked at for every page.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.content import queries as content
from portal.content.queries import BlockInForce, ModuleInForce, SiteRecord
from portal.microsite.assemble import candidates, compiled
from portal.microsite.pieces import fragment_hash
from portal.personalize import Candidate, CompiledRules, Names
from portal.personalize.codec import candidates_to_json
from portal.rulebook.queries import LiveRuleSet, live_rule_set

_MOST_CHARACTERS = 32_000_000
_MOST_SITES = 64


@dataclass(frozen=True, slots=True, eq=False)
class SiteInForce:
    """What a site may serve at one instant, ready for deciding and composing."""

    site: SiteRecord
    blocks: tuple[BlockInForce, ...]
    modules: tuple[ModuleInForce, ...]
    rules: LiveRuleSet
    topics: tuple[tuple[str, str], ...]
    compiled: CompiledRules = field(init=False)
    candidates: tuple[Candidate, ...] = field(init=False)
    listed: str = field(init=False)  # the candidates as canonical JSON
    listed_hash: str = field(init=False)
    names: Names = field(init=False)
    by_key: dict[str, ModuleInForce] = field(init=False)
    block_versions: tuple[str, ...] = field(init=False)
    has_calculators: bool = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what follows from the fields."""
        object.__setattr__(self, "compiled", compiled(self.rules))
        object.__setattr__(self, "candidates", candidates(self.modules))
        object.__setattr__(self, "listed", candidates_to_json(self.candidates))
        names = Names(
            modules={module.key: module.title for module in self.modules},
            topics=dict(self.topics),
            calculators={module.calculator: module.title for module in self.modules if module.calculator},
        )
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "listed_hash", fragment_hash(self.listed))
        object.__setattr__(self, "by_key", {module.key: module for module in reversed(self.modules)})
        object.__setattr__(self, "block_versions", tuple(block.version_id for block in self.blocks))
        object.__setattr__(self, "has_calculators", any(module.calculator for module in self.modules))

    def module(self, key: str) -> ModuleInForce | None:
        """Return a module in force by its key."""
        return self.by_key.get(key)

    @property
    def half_life_days(self) -> float:
        """Return the half-life of interest: a setting of the rules that decide."""
        return self.compiled.rule_set.settings.half_life_days

    def titles(self) -> dict[str, str]:
        """Return the title of every module in force by its key."""
        return {module.key: module.title for module in self.modules}


@dataclass(frozen=True, slots=True, eq=False)
class _Edition:
    """A site at one revision: everything approved that has not ended."""

    site: SiteRecord
    blocks: tuple[BlockInForce, ...]
    modules: tuple[ModuleInForce, ...]
    topics: tuple[tuple[str, str], ...]


class Stock:
    """The memory of one process; safe to lose at any moment."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._fragments: dict[str, str] = {}
        self._characters = 0
        self._stored: set[str] = set()
        self._editions: dict[str, _Edition] = {}
        self._rules: dict[str, LiveRuleSet] = {}
        self._in_force: dict[str, SiteInForce] = {}

    def fragments(self, db: Session, hashes: Collection[str]) -> dict[str, str]:
        """Return fragments by hash; only those not remembered are asked for, in one statement."""
        found = {each: html for each in hashes if (html := self._fragments.get(each)) is not None}
        missing = [each for each in hashes if each not in found]
        if missing:
            fresh = content.fragments(db, missing)
            self._remember(fresh)
            found |= fresh
        return found

    def store(self, db: Session, fragments: Mapping[str, str], at: datetime) -> None:
        """Keep fragments, given by their hashes; those known to be committed cost no statement."""
        for digest in sorted(fragments.keys() - self._stored):
            content.store_fragment(db, fragments[digest], at)
            # Remembered only when the transaction that stores it has been committed.
            event.listen(db, "after_commit", partial(self._has_stored, digest), once=True)

    def _has_stored(self, digest: str, _db: Session) -> None:
        self._stored.add(digest)

    def in_force(
        self, db: Session, site_id: str, *, revision: int, rule_set_id: str | None, at: datetime
    ) -> SiteInForce | None:
        """Return what a site may serve at `at`; None without rules or without all of its mandatory blocks."""
        rules = self._live_rules(db, site_id, rule_set_id, at)
        edition = self._edition(db, site_id, revision, at)
        if rules is None or edition is None:
            return None
        blocks = tuple(block for block in edition.blocks if _is_in_force(block, at))
        modules = tuple(module for module in edition.modules if _is_in_force(module, at))
        held = self._in_force.get(site_id)
        if held is None or held.site is not edition.site or held.rules is not rules or not _same(held, blocks, modules):
            if content.missing_among(edition.site, (block.key for block in blocks)):
                return None
            held = SiteInForce(edition.site, blocks, modules, rules, edition.topics)
            self._in_force[site_id] = held
        return held

    def _edition(self, db: Session, site_id: str, revision: int, at: datetime) -> _Edition | None:
        held = self._editions.get(site_id)
        if held is None or held.site.revision != revision:
            site = content.site_by_id(db, site_id)
            if site is None:
                return None
            topics = tuple((topic.key, topic.name) for topic in content.topics(db, site_id))
            blocks, modules = content.blocks_from(db, site_id, at), content.modules_from(db, site_id, at)
            held = _Edition(site, tuple(blocks), tuple(modules), topics)
            if len(self._editions) >= _MOST_SITES:
                self._editions.clear()
                self._in_force.clear()
            self._editions[site_id] = held
        return held

    def _live_rules(self, db: Session, site_id: str, rule_set_id: str | None, at: datetime) -> LiveRuleSet | None:
        held = self._rules.get(site_id)
        if rule_set_id is None or (held is not None and held.id == rule_set_id):
            return held if rule_set_id else None
        live = live_rule_set(db, site_id, at)
        if live is not None:
            self._rules[site_id] = live
        return live

    def _remember(self, fresh: dict[str, str]) -> None:
        self._characters += sum(map(len, fresh.values()))
        if self._characters > _MOST_CHARACTERS:
            self._fragments, self._characters = {}, sum(map(len, fresh.values()))
        self._fragments |= fresh


def at_instant(db: Session, site_id: str, *, at: datetime) -> SiteInForce | None:
    """Return what a site may serve at any instant, remembering nothing: for previews."""
    site, rules = content.site_by_id(db, site_id), live_rule_set(db, site_id, at)
    blocks = tuple(content.blocks_in_force(db, site_id, at))
    if site is None or rules is None or content.missing_among(site, (block.key for block in blocks)):
        return None
    topics = tuple((topic.key, topic.name) for topic in content.topics(db, site_id))
    return SiteInForce(site, blocks, tuple(content.modules_in_force(db, site_id, at)), rules, topics)


def _is_in_force(version: BlockInForce | ModuleInForce, at: datetime) -> bool:
    return version.in_force_from <= at and (version.in_force_until is None or version.in_force_until > at)


def _same(held: SiteInForce, blocks: tuple[BlockInForce, ...], modules: tuple[ModuleInForce, ...]) -> bool:
    return (
        len(held.blocks) == len(blocks)
        and len(held.modules) == len(modules)
        and all(mine is yours for mine, yours in zip(held.blocks, blocks, strict=True))
        and all(mine is yours for mine, yours in zip(held.modules, modules, strict=True))
    )
