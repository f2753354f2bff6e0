"""Serving a page: decide, compose, and make ready all that must be kept before it leaves. Writes nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from sqlalchemy.orm import Session

from portal.access.evidence import Confidence
from portal.audit import Actor
from portal.clock import hour_of
from portal.db import new_id
from portal.microsite import assemble, keeping
from portal.microsite.assemble import Reader
from portal.microsite.events import PageServed
from portal.microsite.keeping import Page, Stamp
from portal.microsite.known import History, Known
from portal.microsite.pieces import Piece, hashes, parts_of, use, written
from portal.microsite.search import Index
from portal.microsite.sheets import Decision, Sheet, sections
from portal.microsite.shells import Shells
from portal.microsite.stock import SiteInForce, Stock
from portal.personalize import arrange
from portal.personalize.codec import arrangement_to_json, facts_to_json
from portal.tracking.actions import new_view, sections_text
from portal.tracking.credential import Mint

_MOST_FOUND = 999


@dataclass(frozen=True, slots=True)
class Desk:
    """What serving needs besides the database: memory, shells, the mint of view credentials, settings of measuring."""

    stock: Stock
    shells: Shells
    index: Index
    mint: Mint
    grace_ms: int = 5000
    measuring: tuple[tuple[str, str], ...] = field(default=())  # attributes of the content root, the same for all

    def keep(self, db: Session, pages: Sequence[Page]) -> list[bool]:
        """Write what pages must leave behind and tell of each whether it may be shown; commits nothing."""
        return keeping.keep(db, self.stock, pages)


@dataclass(frozen=True, slots=True)
class _Credential:
    """What a page carries of its page view: the credential, and whether its beats are kept through a reload."""

    text: str
    journal: str

    def slots(self) -> dict[str, Sequence[Piece]]:
        return {"view": [self.text], "journal": [self.journal]}


_BLANK = _Credential("", "")


def decide(
    reader: Reader, in_force: SiteInForce, known: Known, *, at: datetime, half_life_days: float | None = None
) -> Decision:
    """Return the order of the site's modules for a reader, with everything it rests on.

    Interest fades with the half-life of the rules that decide, unless another is tried.
    """
    used = known.history(half_life_days or in_force.half_life_days) if reader.may_profile else History()
    facts = assemble.facts(reader, used, at=at)
    return Decision(reader, facts, used, in_force, arrange(facts, in_force.candidates, in_force.compiled))


def make(
    db: Session,
    desk: Desk,
    decision: Decision,
    sheet: Sheet,
    *,
    stamp: Stamp,
    found: int | None = None,
    is_file: bool = False,
    at: datetime,
) -> Page:
    """Return a page with its arrangement, page view and audit event, none of them written yet.

    `found` is how many modules a search gave; that, and nothing that was typed, is its event. A file that is taken
    along is served like a page and has no view: nobody can tell how long it is read. Where consent is to
    counting without identity, the stored page holds no credential: nothing leads from who was served to what was
    counted.
    """
    reader, in_force, visit = decision.reader, decision.in_force, decision.reader.visit
    named, metered = reader.consent.tracking == "identified", reader.consent.tracking != "none" and not is_file
    arrangement_id, arrangement = new_id(), decision.arrangement
    credential, view = _BLANK, None
    if metered:
        view = new_view(
            hcp_id=visit.hcp_id,
            visit_id=visit.id,
            site_id=in_force.site.id,
            page=sheet.page,
            arrangement_id=arrangement_id,
            sections=_sections_text(in_force, sheet.page),
            mode="identified" if named else "anonymous",
            feeds_profile=reader.may_profile,
            at=at if named else hour_of(at),  # without a name, only the hour is kept
            grace_ms=desk.grace_ms,
            half_life_days=in_force.half_life_days,
        )
        text = desk.mint.credential(view["id"], nonce=new_id()[:12], at=at)
        credential = _Credential(text, "1" if named else "")
    pieces, fresh = compose(desk, in_force, sheet, metered=metered, credential=credential)
    parts = _parts(db, desk, pieces, fresh)
    html = "".join(parts).encode()
    kept, stored = pieces, html
    if metered and not named:
        kept, _ = compose(desk, in_force, sheet, metered=True, credential=_BLANK)
        stored = "".join(_parts(db, desk, kept, fresh)).encode()
    sha256 = hashlib.sha256(stored).hexdigest()
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
    return Page(
        html=html,
        parts=parts,
        visit_id=visit.id,
        stamp=stamp,
        arrangement={
            "id": arrangement_id,
            "at": at,
            "site_id": in_force.site.id,
            "visit_id": visit.id,
            "hcp_id": visit.hcp_id,
            "page": sheet.page,
            "mode": arrangement.mode,
            "rule_set_id": in_force.rules.id,
            "facts": facts_to_json(decision.facts),
            "candidates": in_force.listed_hash,
            "decision": arrangement_to_json(arrangement),
            "pieces": written(kept),
            "page_sha256": sha256,
        },
        view=view,
        event=event,
        by=Actor.visitor() if visit.confidence is Confidence.UNKNOWN else Actor.hcp(visit.hcp_id),
        at=at,
        fragments={**fresh, in_force.listed_hash: in_force.listed},
        found=None if found is None else min(found, _MOST_FOUND),
    )


def preview(db: Session, desk: Desk, decision: Decision, sheet: Sheet, *, strip: str) -> bytes:
    """Return the page as the doctor would get it; nothing is measured, and nothing at all is written."""
    marked = Sheet(sheet.page, sheet.template, sheet.slots, {**sheet.context, "strip": strip})
    pieces, fresh = compose(desk, decision.in_force, marked, metered=False, credential=_BLANK)
    return "".join(_parts(db, desk, pieces, fresh)).encode()


def compose(
    desk: Desk, in_force: SiteInForce, sheet: Sheet, *, metered: bool, credential: _Credential
) -> tuple[list[Piece], dict[str, str]]:
    """Return the tree of pieces of a page, and the shell it needs beside what is stored, by its hash."""
    shell, html = desk.shells.shell(
        sheet.template, in_force, metered=metered, measuring=desk.measuring, page=sheet.page, **sheet.context
    )
    blocks = {f"block:{block.key}": [use(block.card_hash)] for block in in_force.blocks}
    return [use(shell, {**blocks, **sheet.slots, **credential.slots()})], {shell: html}


def _parts(db: Session, desk: Desk, pieces: Sequence[Piece], fresh: Mapping[str, str]) -> list[str]:
    return parts_of(pieces, {**fresh, **desk.stock.fragments(db, hashes(pieces) - fresh.keys())})


@lru_cache(maxsize=512)
def _sections_text(in_force: SiteInForce, page: str) -> str:
    return sections_text(sections(in_force, page))
