"""Questions that staff ask: what waits for review, what came before, what quotes an older label."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from portal.content import questions
from portal.content.compare import Change, changes
from portal.content.models import Block, BlockVersion, Label, Module, ModuleVersion, Review, Site
from portal.content.queries import served
from portal.content.refusals import VersionMissing
from portal.content.states import Standing, State, standing
from portal.content.text import plain


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version in a list; `subject` is `module` or `block`."""

    version_id: str
    subject: str
    subject_id: str
    site_key: str
    key: str
    kind: str
    number: int
    title: str
    state: str
    standing: Standing
    author_id: str
    approved_by: str | None
    approval_code: str | None
    created_at: datetime
    submitted_at: datetime | None
    approved_at: datetime | None
    in_force_from: datetime | None
    in_force_until: datetime | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None
    source: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionText:
    """One version with all it says, for reading, editing and comparing."""

    row: VersionRow
    summary: str
    body: str
    words: int
    sections: tuple[Mapping[str, Any], ...]
    position: int
    topics: tuple[str, ...]
    key_message: str
    audiences: tuple[str, ...]
    calculator: str | None
    calculator_version: str | None
    definition: str | None
    card_hash: str | None
    page_hash: str | None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """What one reviewer said."""

    reviewer_id: str
    outcome: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One imported label."""

    id: str
    set_id: str
    version: int
    effective_on: str
    title: str
    imported_at: datetime
    imported_by: str


def awaiting_review(db: Session, at: datetime) -> list[VersionRow]:
    """Return the versions in review, over all sites, longest waiting first."""
    found = _versions(db, ModuleVersion.state == State.IN_REVIEW, BlockVersion.state == State.IN_REVIEW, at)
    return sorted(found, key=lambda row: (row.submitted_at or row.created_at, row.version_id))


def drafts(db: Session, site_id: str, at: datetime) -> list[VersionRow]:
    """Return the drafts of a site, modules first, by key and number."""
    return [row for row in shelf(db, site_id, at) if row.state == State.DRAFT]


def shelf(db: Session, site_id: str, at: datetime) -> list[VersionRow]:
    """Return every version of a site: modules first, by key, newest version first."""
    found = _versions(db, Module.site_id == site_id, Block.site_id == site_id, at)
    return sorted(found, key=lambda row: (row.subject != "module", row.key, -row.number))


def history(db: Session, subject_id: str, at: datetime) -> list[VersionRow]:
    """Return every version of one module or block, newest first."""
    found = _versions(db, Module.id == subject_id, Block.id == subject_id, at)
    return sorted(found, key=lambda row: -row.number)


def version(db: Session, version_id: str, at: datetime) -> VersionText:
    """Return one version with its text; raises VersionMissing."""
    rows = _versions(db, ModuleVersion.id == version_id, BlockVersion.id == version_id, at)
    if not rows:
        raise VersionMissing("There is no such version.")
    module = db.get(ModuleVersion, version_id)
    found = module or db.get_one(BlockVersion, version_id)
    return VersionText(
        row=rows[0],
        summary=found.summary,
        body=found.body,
        words=found.words,
        sections=tuple(found.sections),
        position=found.position,
        topics=tuple(module.topics) if module else (),
        key_message=module.key_message if module else "",
        audiences=tuple(module.audiences) if module else (),
        calculator=module.calculator if module else None,
        calculator_version=module.calculator_version if module else None,
        definition=module.definition if module else None,
        card_hash=found.card_hash,
        page_hash=found.page_hash,
    )


def reviews(db: Session, version_id: str) -> list[ReviewRow]:
    """Return what reviewers said of a version, oldest first."""
    columns = (Review.reviewer_id, Review.outcome, Review.note, Review.at)
    return [
        ReviewRow(*row)
        for row in db.execute(select(*columns).where(Review.version_id == version_id).order_by(Review.at))
    ]


def difference(db: Session, version_id: str, at: datetime) -> list[Change]:
    """Return, word by word, how a version's text differs from the version before it."""
    new = version(db, version_id, at)
    before = next((row for row in history(db, new.row.subject_id, at) if row.number < new.row.number), None)
    old = version(db, before.version_id, at) if before else None
    return changes(_read(old) if old else "", _read(new))


def labels(db: Session, site_id: str) -> list[LabelRow]:
    """Return the labels imported into a site, newest version first."""
    columns = (
        Label.id,
        Label.set_id,
        Label.version,
        Label.effective_on,
        Label.title,
        Label.imported_at,
        Label.imported_by,
    )
    query = select(*columns).where(Label.site_id == site_id).order_by(Label.version.desc())
    return [LabelRow(*row) for row in db.execute(query)]


def quoting_older_label(db: Session, site_id: str, at: datetime) -> list[VersionRow]:
    """Return the versions in force that quote an older version of the label than the site's newest."""
    newest = dict(
        db.execute(
            select(Label.set_id, func.max(Label.version)).where(Label.site_id == site_id).group_by(Label.set_id)
        ).all()
    )
    if not newest:
        return []
    in_force = _versions(
        db,
        (Module.site_id == site_id) & served(ModuleVersion, at),
        (Block.site_id == site_id) & served(BlockVersion, at),
        at,
    )
    older = [row for row in in_force if int(row.source.get("version", 0)) < newest.get(row.source.get("set_id", ""), 0)]
    return sorted(older, key=lambda row: (row.subject != "module", row.key))


def _read(text: VersionText) -> str:
    answers = questions.in_lines(questions.answers_of(text.row.source))
    return f"{text.row.title}\n{text.summary}\n{plain(text.body)}\n{answers}"


def _versions(db: Session, of_modules: Any, of_blocks: Any, at: datetime) -> list[VersionRow]:
    found: list[VersionRow] = []
    for subject, model, parent, parent_id, condition in (
        ("module", ModuleVersion, Module, ModuleVersion.module_id, of_modules),
        ("block", BlockVersion, Block, BlockVersion.block_id, of_blocks),
    ):
        later = _later_approved(model, parent_id)
        query = (
            select(model, parent, Site.key, later)
            .join(parent, parent.id == parent_id)
            .join(Site, Site.id == parent.site_id)
            .where(condition)
        )
        found.extend(
            _row(subject, entry, owner, site, bool(count), at) for entry, owner, site, count in db.execute(query)
        )
    return found


def _later_approved(model: Any, parent_id: Any) -> Any:
    other = aliased(model)
    same = other.module_id if model is ModuleVersion else other.block_id
    later = select(func.count()).where(same == parent_id, other.number > model.number, other.approved_at.is_not(None))
    return later.correlate(model).scalar_subquery()


def _row(subject: str, entry: Any, owner: Any, site: str, superseded: bool, at: datetime) -> VersionRow:
    return VersionRow(
        version_id=entry.id,
        subject=subject,
        subject_id=owner.id,
        site_key=site,
        key=owner.key,
        kind=owner.kind,
        number=entry.number,
        title=entry.title,
        state=entry.state,
        standing=standing(entry.state, entry.in_force_from, entry.in_force_until, at, superseded=superseded),
        author_id=entry.author_id,
        approved_by=entry.approved_by,
        approval_code=entry.approval_code,
        created_at=entry.created_at,
        submitted_at=entry.submitted_at,
        approved_at=entry.approved_at,
        in_force_from=entry.in_force_from,
        in_force_until=entry.in_force_until,
        withdrawn_at=entry.withdrawn_at,
        withdrawn_reason=entry.withdrawn_reason,
        source=entry.source,
    )
