"""Serving a page: decide, compose, store the arrangement, open the page view, record the event."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from portal.access.evidence import Confidence
from portal.audit import Actor, record
from portal.db import new_id
from portal.microsite import assemble, known
from portal.microsite.assemble import Reader
from portal.microsite.events import PageServed
from portal.microsite.known import History
from portal.microsite.models import StoredArrangement
from portal.microsite.pieces import Piece, hashes, join, use
from portal.microsite.search import Index
from portal.microsite.sheets import Decision, Sheet, sections
from portal.microsite.shells import Shells
from portal.microsite.stock import SiteInForce, Stock
from portal.personalize import Arrangement, arrange
from portal.personalize.codec import arrangement_to_json, facts_to_json
from portal.tracking.actions import open_view
from portal.tracking.choices import record_choice
from portal.tracking.credential import Mint

_MOST_FOUND = 999
_KEEP = insert(cast(Table, StoredArrangement.__table__))


@dataclass(frozen=True, slots=True)
class Desk:
    """What serving needs besides the database: memory, shells, the mint of view credentials, settings of measuring."""

    stock: Stock
    shells: Shells
    index: Index
    mint: Mint
    grace_ms: int = 5000
    measuring: tuple[tuple[str, str], ...] = field(default=())  # attributes of the content root, the same for all


@dataclass(frozen=True, slots=True)
class Served:
    """A page that was served: its bytes and the arrangement that explains them."""

    html: bytes
    arrangement_id: str
    arrangement: Arrangement


@dataclass(frozen=True, slots=True)
class _Credential:
    """What a page carries of its page view: the credential, and whether its beats are kept through a reload."""

    text: str
    journal: str

    def slots(self) -> dict[str, Sequence[Piece]]:
        return {"view": [self.text], "journal": [self.journal]}


_BLANK = _Credential("", "")


def decide(
    db: Session, reader: Reader, in_force: SiteInForce, *, at: datetime, half_life_days: float | None = None
) -> Decision:
    """Return the order of the site's modules for a reader, with everything it rests on.

    Interest fades with the half-life of the rules that decide, unless another is tried.
    """
    history = History()
    if reader.may_profile:
        visit = reader.visit
        half_life = half_life_days or in_force.half_life_days
        history = known.history(
            db, visit.hcp_id, visit.site_id, before=visit.opened_at, at=at, half_life_days=half_life
        )
    facts = assemble.facts(reader, history, at=at)
    return Decision(reader, facts, history, in_force, arrange(facts, in_force.candidates, in_force.compiled))


def serve(
    db: Session, desk: Desk, decision: Decision, sheet: Sheet, *, found: int | None = None, at: datetime
) -> Served:
    """Serve a page: the arrangement, the page view and the audit event are written in this transaction.

    `found` is how many modules a search gave; that, and nothing that was typed, is its event. Where consent is to
    counting without identity, the stored page holds no credential: nothing leads from who was served to what was
    counted.
    """
    reader, in_force, visit = decision.reader, decision.in_force, decision.reader.visit
    named, metered = reader.consent.tracking == "identified", reader.consent.tracking != "none"
    arrangement_id = new_id()
    credential = _BLANK
    if metered:
        credential = _open(db, desk, decision, sheet, named=named, arrangement_id=arrangement_id, found=found, at=at)
    pieces = compose(db, desk, in_force, sheet, metered=metered, credential=credential, at=at)
    html = _joined(db, desk, pieces)
    kept = pieces
    if metered and not named:
        kept = compose(db, desk, in_force, sheet, metered=True, credential=_BLANK, at=at)
    sha256 = hashlib.sha256(html if kept is pieces else _joined(db, desk, kept)).hexdigest()
    arrangement = decision.arrangement
    db.execute(
        _KEEP,
        {
            "id": arrangement_id,
            "at": at,
            "site_id": in_force.site.id,
            "visit_id": visit.id,
            "hcp_id": visit.hcp_id,
            "page": sheet.page,
            "mode": arrangement.mode,
            "rule_set_id": in_force.rules.id,
            "facts": facts_to_json(decision.facts),
            "candidates": desk.stock.store(db, in_force.listed, at),
            "decision": arrangement_to_json(arrangement),
            "pieces": kept,
            "page_sha256": sha256,
        },
    )
    event = PageServed(
        arrangement=arrangement_id,
        visit=visit.id,
        hcp=visit.hcp_id,
        site=in_force.site.id,
        page=sheet.page,
        mode=arrangement.mode,
        rule_set=in_force.rules.id,
        sha256=sha256,
    )
    by = Actor.visitor() if visit.confidence is Confidence.UNKNOWN else Actor.hcp(visit.hcp_id)
    record(db, event, by=by, at=at)
    return Served(html, arrangement_id, arrangement)


def preview(db: Session, desk: Desk, decision: Decision, sheet: Sheet, *, strip: str, at: datetime) -> bytes:
    """Return the page as the doctor would get it; nothing is measured, and no arrangement or event is written."""
    marked = Sheet(sheet.page, sheet.template, sheet.slots, {**sheet.context, "strip": strip})
    return _joined(db, desk, compose(db, desk, decision.in_force, marked, metered=False, credential=_BLANK, at=at))


def compose(
    db: Session,
    desk: Desk,
    in_force: SiteInForce,
    sheet: Sheet,
    *,
    metered: bool,
    credential: _Credential,
    at: datetime,
) -> list[Piece]:
    """Return the tree of pieces of a page."""
    shell, _ = desk.shells.shell(
        db,
        sheet.template,
        in_force,
        metered=metered,
        at=at,
        measuring=desk.measuring,
        page=sheet.page,
        **sheet.context,
    )
    blocks = {f"block:{block.key}": [use(block.card_hash)] for block in in_force.blocks}
    return [use(shell, {**blocks, **sheet.slots, **credential.slots()})]


def _joined(db: Session, desk: Desk, pieces: Sequence[Piece]) -> bytes:
    return join(pieces, desk.stock.fragments(db, hashes(pieces))).encode()


def _open(
    db: Session,
    desk: Desk,
    decision: Decision,
    sheet: Sheet,
    *,
    named: bool,
    arrangement_id: str,
    found: int | None,
    at: datetime,
) -> _Credential:
    """Open the page view and return its credential; without a name, only the hour is kept."""
    visit = decision.reader.visit
    view = open_view(
        db,
        hcp_id=visit.hcp_id if named else None,
        visit_id=visit.id if named else None,
        site_id=decision.in_force.site.id,
        page=sheet.page,
        arrangement_id=arrangement_id if named else None,
        sections=sections(decision.in_force, sheet.page),
        mode="identified" if named else "anonymous",
        feeds_profile=decision.reader.may_profile,
        at=at if named else at.replace(minute=0, second=0, microsecond=0),
        grace_ms=desk.grace_ms,
        half_life_days=decision.in_force.half_life_days,
    )
    if found is not None:
        record_choice(
            db,
            view.id,
            visit_id=visit.id,
            site_id=visit.site_id,
            type="search.done",
            subject="module",
            value=str(min(found, _MOST_FOUND)),
            at=at,
        )
    return _Credential(desk.mint.credential(view.id, nonce=new_id()[:12], at=at), "1" if named else "")
