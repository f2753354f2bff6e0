"""Taking in a label file: its sections are kept, and modules and mandatory blocks are drafted from it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.content.actions import draft
from portal.content.compose import TOPICS, Composition, compose
from portal.content.drafts import Content, ModuleContent
from portal.content.events import ContentImported
from portal.content.history import VersionRow, labels, quoting_older_label
from portal.content.labels import PRESCRIPTION, LabelRefused, ParsedLabel, ParsedSection, parse
from portal.content.models import Block, Label, LabelSection, Module, ModuleVersion, Site, Topic
from portal.content.quoting import day
from portal.content.refusals import VersionMissing
from portal.content.sites import change_site, create_block, create_module, create_topic
from portal.content.states import Kind
from portal.db import new_id


@dataclass(frozen=True, slots=True)
class CalculatorModule:
    """A calculator that becomes a module; `calculator` and `version` name its definition."""

    key: str
    calculator: str
    version: str
    title: str
    summary: str
    topics: tuple[str, ...] = ()
    citation: str = ""
    definition: str | None = None


@dataclass(frozen=True, slots=True)
class DraftMade:
    """One draft that an import made; `subject` is `module` or `block`."""

    subject: str
    key: str
    version_id: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a label file.

    `outdated` names what is in force and quotes an older version of the label, `gone` what is in force and has no
    section in the new one, `missing` what the label does not give, `to_confirm` what a person has to check.
    """

    label_id: str
    set_id: str
    version: int
    effective_on: str
    sections: int
    drafts: tuple[DraftMade, ...]
    outdated: tuple[str, ...]
    gone: tuple[str, ...]
    missing: tuple[str, ...]
    to_confirm: tuple[str, ...]


def import_label(
    db: Session,
    site_id: str,
    xml: bytes,
    *,
    calculators: Sequence[CalculatorModule] = (),
    by: Actor,
    at: datetime,
) -> ImportReport:
    """Keep a label's sections and draft the site's modules and blocks from it; raises LabelRefused.

    A newer version of the same label drafts the next version of everything and names what quotes the older one.
    """
    label = parse(xml)
    site = db.get(Site, site_id, with_for_update=True)
    if site is None:
        raise VersionMissing("There is no such site.")
    digest = hashlib.sha256(xml).hexdigest()
    _check(db, site, label, digest)
    made = compose(label, brand=site.brand, generic=site.generic, market=site.market, settings=site.settings)
    label_id = _keep(db, site.id, label, digest, by=by, at=at)
    outdated = quoting_older_label(db, site.id, at)
    _topics(db, site.id, (topic for module in made.modules for topic in module.content.topics), by=by, at=at)
    _require_boxed_warning(db, site, made, by=by, at=at)
    drafts = _draft_all(db, site.id, made, label_id, outdated, by=by, at=at)
    drafts += add_calculators(db, site.id, calculators, by=by, at=at)
    drafted = {(entry.subject, entry.key) for entry in drafts}
    event = ContentImported(
        site=site.id,
        label=label_id,
        set_id=label.set_id,
        version=label.version,
        sha256=digest,
        drafts=len(drafts),
        outdated=tuple(row.version_id for row in outdated),
    )
    record(db, event, by=by, at=at)
    return ImportReport(
        label_id=label_id,
        set_id=label.set_id,
        version=label.version,
        effective_on=label.effective_on,
        sections=sum(1 for _ in label.walk()),
        drafts=tuple(drafts),
        outdated=tuple(row.key for row in outdated),
        gone=tuple(row.key for row in outdated if (row.subject, row.key) not in drafted),
        missing=made.missing,
        to_confirm=made.to_confirm,
    )


def add_calculators(
    db: Session, site_id: str, calculators: Sequence[CalculatorModule], *, by: Actor, at: datetime
) -> list[DraftMade]:
    """Draft a module for each calculator the site does not have in this version."""
    _topics(db, site_id, (topic for calculator in calculators for topic in calculator.topics), by=by, at=at)
    made: list[DraftMade] = []
    for place, calculator in enumerate(calculators, start=1):
        module_id = _module(db, site_id, calculator.key, Kind.CALCULATOR, by=by, at=at)
        has = select(ModuleVersion.id).where(
            ModuleVersion.module_id == module_id, ModuleVersion.calculator_version == calculator.version
        )
        if db.scalar(has.limit(1)) is not None:
            continue
        content = ModuleContent(
            title=calculator.title,
            summary=calculator.summary,
            body="",
            position=200 + 10 * place,
            source={"citation": calculator.citation} if calculator.citation else {},
            topics=calculator.topics,
            calculator=calculator.calculator,
            calculator_version=calculator.version,
            definition=calculator.definition,
        )
        made.append(DraftMade("module", calculator.key, draft(db, module_id, content, by=by, at=at)))
    return made


def _check(db: Session, site: Site, label: ParsedLabel, digest: str) -> None:
    if label.code != PRESCRIPTION:
        raise LabelRefused(
            f"This is an over-the-counter label ({label.code}); a site for healthcare professionals is built from a "
            f"prescription label ({PRESCRIPTION})."
        )
    known = db.scalar(select(Label).where(Label.site_id == site.id, Label.sha256 == digest))
    if known is not None:
        raise LabelRefused(
            f"This very file was imported into {site.key} on {known.imported_at:%Y-%m-%d %H:%M} UTC; "
            "nothing was changed."
        )
    earlier = labels(db, site.id)
    if not earlier:
        return
    newest = earlier[0]
    if newest.set_id != label.set_id:
        raise LabelRefused(
            f"The site {site.key} quotes the label with set id {newest.set_id}; this file is another label "
            f"({label.set_id}), perhaps of another labeler."
        )
    if label.version <= newest.version:
        raise LabelRefused(
            f"The site {site.key} quotes version {newest.version} of this label already; this file is version "
            f"{label.version}, effective {day(label)}."
        )


def _keep(db: Session, site_id: str, label: ParsedLabel, digest: str, *, by: Actor, at: datetime) -> str:
    row = Label(
        id=new_id(),
        site_id=site_id,
        document_id=label.document_id,
        set_id=label.set_id,
        version=label.version,
        effective_on=label.effective_on,
        title=label.title,
        sha256=digest,
        imported_at=at,
        imported_by=by.id or by.kind.value,
    )
    db.add(row)
    db.flush()  # sections name the row
    rows: list[LabelSection] = []
    for section in label.sections:
        _rows(section, None, row.id, rows)
    db.add_all(rows)
    return row.id


def _rows(section: ParsedSection, parent_id: str | None, label_id: str, rows: list[LabelSection]) -> None:
    row = LabelSection(
        id=new_id(),
        label_id=label_id,
        parent_id=parent_id,
        code=section.code,
        number=section.number,
        title=section.title,
        html=section.html,
        text=section.text,
        highlight=section.highlight,
        position=len(rows),
    )
    rows.append(row)
    for child in section.children:
        _rows(child, row.id, label_id, rows)


def _draft_all(
    db: Session,
    site_id: str,
    made: Composition,
    label_id: str,
    outdated: list[VersionRow],
    *,
    by: Actor,
    at: datetime,
) -> list[DraftMade]:
    replaced = {(row.subject, row.key): row for row in outdated}
    drafts: list[DraftMade] = []

    def begin(subject: str, key: str, subject_id: str, content: Content) -> None:
        source = {**content.source, "label": label_id, **_replaces(replaced.get((subject, key)))}
        version = draft(db, subject_id, replace(content, source=source), by=by, at=at)
        drafts.append(DraftMade(subject, key, version))

    for module in made.modules:
        begin("module", module.key, _module(db, site_id, module.key, module.kind, by=by, at=at), module.content)
    for block in made.blocks:
        known = db.scalar(select(Block.id).where(Block.site_id == site_id, Block.key == block.key))
        block_id = known or create_block(db, site_id, key=block.key, kind=block.kind, by=by, at=at)
        begin("block", block.key, block_id, block.content)
    return drafts


def _replaces(row: VersionRow | None) -> Mapping[str, Any]:
    if row is None:
        return {}
    return {"replaces": {"version_id": row.version_id, "number": row.number, "label_version": row.source["version"]}}


def _module(db: Session, site_id: str, key: str, kind: Kind, *, by: Actor, at: datetime) -> str:
    known = db.scalar(select(Module.id).where(Module.site_id == site_id, Module.key == key))
    return known or create_module(db, site_id, key=key, kind=kind, by=by, at=at)


def _topics(db: Session, site_id: str, keys: Any, *, by: Actor, at: datetime) -> None:
    present = set(db.scalars(select(Topic.key).where(Topic.site_id == site_id)))
    for key in dict.fromkeys(keys):
        if key not in present:
            name = TOPICS.get(key, key.replace("-", " ").capitalize())
            create_topic(db, site_id, key=key, name=name, by=by, at=at)


def _require_boxed_warning(db: Session, site: Site, made: Composition, *, by: Actor, at: datetime) -> None:
    """Let the site serve nothing without its boxed warning, until a person finds that it is none."""
    required = list(site.settings.get("required_blocks", ()))
    if any(block.key == "boxed-warning" for block in made.blocks) and "boxed-warning" not in required:
        change_site(db, site.id, {"required_blocks": ["boxed-warning", *required]}, by=by, at=at)
