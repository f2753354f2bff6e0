"""Serving a page: decide, compose, store the arrangement, open the page view, record the event."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal.access.evidence import Confidence
from portal.audit import Actor, record
from portal.content.queries import BlockInForce, ModuleInForce, fragments, store_fragment
from portal.db import new_id
from portal.microsite import assemble, notes
from portal.microsite.assemble import Reader
from portal.microsite.events import PageServed
from portal.microsite.models import StoredArrangement
from portal.microsite.pieces import Piece, fragment_hash, hashes, join, use, without_marks
from portal.microsite.shells import Shells
from portal.personalize import Arrangement, Names, arrange
from portal.personalize.codec import arrangement_to_json, candidates_to_json, facts_to_json
from portal.rulebook.queries import LiveRuleSet
from portal.tracking.actions import open_view
from portal.tracking.credential import Mint


@dataclass(frozen=True, slots=True)
class Desk:
    """What serving needs besides the database: shells, the mint of view credentials, settings of measuring."""

    shells: Shells
    mint: Mint
    half_life_days: float
    measuring: tuple[tuple[str, str], ...] = field(default=())  # attributes of the content root, the same for all


@dataclass(frozen=True, slots=True)
class SiteInForce:
    """What a site may serve at one instant."""

    site: Any
    blocks: tuple[BlockInForce, ...]
    modules: tuple[ModuleInForce, ...]
    rules: LiveRuleSet
    topics: tuple[tuple[str, str], ...]

    def module(self, key: str) -> ModuleInForce | None:
        """Return a module in force by its key."""
        return next((module for module in self.modules if module.key == key), None)


@dataclass(frozen=True, slots=True)
class Served:
    """A page that was served: its bytes and the arrangement that explains them."""

    html: bytes
    arrangement_id: str
    arrangement: Arrangement


def decide(db: Session, reader: Reader, in_force: SiteInForce, *, half_life_days: float, at: datetime) -> "Decision":
    """Return the order of the site's modules for a reader, with everything it rests on."""
    facts = assemble.facts(db, reader, half_life_days=half_life_days, at=at)
    candidates = assemble.candidates(in_force.modules)
    names = Names(
        modules={module.key: module.title for module in in_force.modules},
        topics=dict(in_force.topics),
        calculators={module.calculator: module.title for module in in_force.modules if module.calculator},
    )
    return Decision(facts, candidates, arrange(facts, candidates, assemble.compiled(in_force.rules)), names)


@dataclass(frozen=True, slots=True)
class Decision:
    """An arrangement with the facts and candidates it was made from."""

    facts: Any
    candidates: tuple[Any, ...]
    arrangement: Arrangement
    names: Names


def home(db: Session, desk: Desk, reader: Reader, in_force: SiteInForce, *, prepared: str, at: datetime) -> Served:
    """Serve the personal home page; `prepared` says in words who prepared it."""
    decision = decide(db, reader, in_force, half_life_days=desk.half_life_days, at=at)
    by_key = {module.key: module for module in in_force.modules}
    cards: list[Piece] = []
    for item in decision.arrangement.items:
        module = by_key[item.module]
        reason = notes.reason(item, decision.arrangement.mode)
        marks = notes.new_mark(module, decision.facts.last_visit_at)
        cards.append(use(module.card_hash, {"reason": [reason], "marks": [marks]}))
    slots: dict[str, Sequence[Piece]] = {
        "prepared": [notes.prepared(prepared)],
        "note": [notes.order_note(decision.arrangement)],
        "cards": cards,
    }
    return _serve(db, desk, reader, in_force, decision, page="home", template="microsite/home.html", slots=slots, at=at)


def module(
    db: Session, desk: Desk, reader: Reader, in_force: SiteInForce, shown: ModuleInForce, *, at: datetime
) -> Served:
    """Serve one module's page, with the way onward in the reader's own order."""
    decision = decide(db, reader, in_force, half_life_days=desk.half_life_days, at=at)
    by_key = {each.key: each for each in in_force.modules}
    onward = [by_key[item.module] for item in decision.arrangement.items if item.module != shown.key][:3]
    slots: dict[str, Sequence[Piece]] = {
        "body": [use(shown.page_hash)],
        "onward": [notes.onward([(each.key, each.title) for each in onward])],
    }
    return _serve(
        db,
        desk,
        reader,
        in_force,
        decision,
        page=shown.key,
        template="microsite/module.html",
        slots=slots,
        at=at,
        title=without_marks(shown.title),
        calculator=bool(shown.calculator),
    )


def information(
    db: Session, desk: Desk, reader: Reader, in_force: SiteInForce, block: BlockInForce, *, at: datetime
) -> Served:
    """Serve a mandatory block that has a page of its own, such as the full prescribing information."""
    decision = decide(db, reader, in_force, half_life_days=desk.half_life_days, at=at)
    return _serve(
        db,
        desk,
        reader,
        in_force,
        decision,
        page=f"block:{block.key}",
        template="microsite/module.html",
        slots={"body": [use(block.page_hash)], "onward": []},
        at=at,
        title=without_marks(block.title),
        calculator=False,
    )


def _serve(
    db: Session,
    desk: Desk,
    reader: Reader,
    in_force: SiteInForce,
    decision: Decision,
    *,
    page: str,
    template: str,
    slots: dict[str, Sequence[Piece]],
    at: datetime,
    **context: Any,
) -> Served:
    visit, site = reader.visit, in_force.site
    metered = reader.consent.tracking != "none"
    shell_hash, shell_html = desk.shells.shell(
        db, template, site, in_force.blocks, metered=metered, at=at, measuring=desk.measuring, **context
    )
    arrangement_id = new_id()
    if metered:
        slots = slots | _metering(db, desk, reader, in_force, page=page, arrangement_id=arrangement_id, at=at)
    blocks = {f"block:{block.key}": [use(block.card_hash)] for block in in_force.blocks}
    pieces: list[Piece] = [use(shell_hash, {**blocks, **slots})]
    html = join(pieces, fragments(db, sorted(hashes(pieces) - {shell_hash})) | {shell_hash: shell_html}).encode()
    sha256 = hashlib.sha256(html).hexdigest()
    listed = candidates_to_json(decision.candidates)
    store_fragment(db, listed, at)
    arrangement = decision.arrangement
    db.execute(
        insert(StoredArrangement).values(
            id=arrangement_id,
            at=at,
            site_id=site.id,
            visit_id=visit.id,
            hcp_id=visit.hcp_id,
            page=page,
            mode=arrangement.mode,
            rule_set_id=in_force.rules.id,
            facts=facts_to_json(decision.facts),
            candidates=fragment_hash(listed),
            decision=arrangement_to_json(arrangement),
            pieces=pieces,
            page_sha256=sha256,
        )
    )
    event = PageServed(
        arrangement=arrangement_id,
        visit=visit.id,
        hcp=visit.hcp_id,
        site=site.id,
        page=page,
        mode=arrangement.mode,
        rule_set=in_force.rules.id,
        sha256=sha256,
    )
    by = Actor.visitor() if visit.confidence is Confidence.UNKNOWN else Actor.hcp(visit.hcp_id)
    record(db, event, by=by, at=at)
    return Served(html, arrangement_id, arrangement)


def _metering(
    db: Session, desk: Desk, reader: Reader, in_force: SiteInForce, *, page: str, arrangement_id: str, at: datetime
) -> dict[str, Sequence[Piece]]:
    """Open the page view and return the slots that carry its credential."""
    visit = reader.visit
    identified = reader.consent.tracking == "identified"
    view = open_view(
        db,
        hcp_id=visit.hcp_id if identified else None,
        visit_id=visit.id if identified else None,
        site_id=in_force.site.id,
        page=page,
        arrangement_id=arrangement_id if identified else None,
        sections=_sections(in_force, page),
        mode="identified" if identified else "anonymous",
        feeds_profile=reader.may_profile,
        at=at,
    )
    credential = desk.mint.credential(view.id, nonce=new_id()[:12], at=at)
    return {"view": [credential], "journal": ["1" if identified else ""]}


def _sections(in_force: SiteInForce, page: str) -> list[tuple[str, str, str, tuple[str, ...], int]]:
    """Return (section key, module key, version id, topics, words) of everything measurable on a page."""
    found = [(f"block:{b.key}", f"block:{b.key}", b.version_id, (), b.words) for b in in_force.blocks]
    shown = in_force.module(page)
    if shown is None:
        return found + [(m.key, m.key, m.version_id, tuple(m.topics), m.words) for m in in_force.modules]
    topics = tuple(shown.topics)
    own = [(f"{shown.key}#{s['key']}", shown.key, shown.version_id, topics, int(s["words"])) for s in shown.sections]
    return [*found, (shown.key, shown.key, shown.version_id, topics, shown.words), *own]
