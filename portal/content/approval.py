"""Approval: two people, one code, one rendering; the version before it ends where this one begins."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit import Actor, ActorKind, record
from portal.content import soundness
from portal.content.drafts import CODE_SLOT, DATE_SLOT, columns_of_kind, digest
from portal.content.events import VersionApproved, VersionSuperseded
from portal.content.formulas import LONGEST_CODE, with_code
from portal.content.models import Block, BlockVersion, Module, ModuleVersion, Review, Site
from portal.content.queries import store_fragment
from portal.content.refusals import ApprovalRefused, VersionMissing
from portal.content.revision import raise_revision
from portal.content.states import Outcome, State
from portal.db import new_id

Subject = Module | Block
Version = ModuleVersion | BlockVersion


@dataclass(frozen=True, slots=True)
class Printable:
    """A version as the renderer sees it, at the moment of its approval; `subject` is `module` or `block`."""

    subject: str
    id: str
    site_id: str
    key: str
    kind: str
    number: int
    title: str
    summary: str
    body: str
    words: int
    sections: tuple[Mapping[str, Any], ...]
    source: Mapping[str, Any]
    topics: tuple[str, ...]
    calculator: str | None
    calculator_version: str | None
    definition: str | None
    approval_code: str
    approved_at: datetime
    in_force_from: datetime
    in_force_until: datetime | None


Render = Callable[[Printable], tuple[str, str]]


def approve(
    db: Session,
    version_id: str,
    *,
    approval_code: str,
    render: Render,
    in_force_from: datetime | None = None,
    in_force_until: datetime | None = None,
    confirmed: bool = False,
    note: str = "",
    by: Actor,
    at: datetime,
) -> None:
    """Approve a version in review, render it once and end the version before it; raises ApprovalRefused.

    `render` gives (card HTML, page HTML). `confirmed` says that a person checked what the source asks to be checked,
    such as whether a box in the label is a safety boxed warning. Without `in_force_until` the longest validity of
    the site applies.
    """
    version, subject = find(db, version_id)
    reviewer = _second_person(version, by)
    site = db.get_one(Site, subject.site_id)
    code = _code(db, version, site, approval_code)
    since = in_force_from or at
    until = _until(site, since, in_force_until, at)
    if version.source.get("needs_confirmation") and not confirmed:
        raise ApprovalRefused(f"A person has to confirm: {version.source['needs_confirmation']}")
    content = {name: getattr(version, name) for name in columns_of_kind(module=isinstance(version, ModuleVersion))}
    if digest(content) != version.sha256:
        raise ApprovalRefused("The content is not what was submitted; send it back to its author.")
    if isinstance(version, ModuleVersion):
        soundness.check(db, version)
    _supersede(db, version, subject, since, by=by, at=at)
    card, page = render(_printable(version, subject, code, at, since, until))
    # The fragments are stored before the state changes: an approved row is never written again.
    version.card_hash, version.page_hash = store_fragment(db, card, at), store_fragment(db, page, at)
    version.state = State.APPROVED
    version.approval_code = code
    version.approved_at = at
    version.approved_by = reviewer
    version.in_force_from = since
    version.in_force_until = until
    note = note.strip()[:2_000]
    db.add(
        Review(id=new_id(), version_id=version.id, reviewer_id=reviewer, outcome=Outcome.APPROVED, note=note, at=at),
    )
    event = VersionApproved(
        **about(subject, version),
        sha256=version.sha256,
        approval_code=code,
        author=version.author_id,
        in_force_from=since,
        in_force_until=until,
        card=version.card_hash,
        page=version.page_hash,
        confirmed=confirmed,
        note=note,
    )
    record(db, event, by=by, at=at)
    raise_revision(db, site.id)
    db.flush()  # what is approved can be asked for in the same transaction


def find(db: Session, version_id: str) -> tuple[Version, Subject]:
    """Return a version and its module or block, both as they are now and locked; raises VersionMissing."""
    module = db.scalar(select(ModuleVersion.module_id).where(ModuleVersion.id == version_id))
    if module is not None:
        # The parent is locked first: approving two versions of one module at once waits here.
        subject = db.get_one(Module, module, with_for_update=True)
        return db.get_one(ModuleVersion, version_id, with_for_update=True, populate_existing=True), subject
    block = db.scalar(select(BlockVersion.block_id).where(BlockVersion.id == version_id))
    if block is not None:
        parent = db.get_one(Block, block, with_for_update=True)
        return db.get_one(BlockVersion, version_id, with_for_update=True, populate_existing=True), parent
    raise VersionMissing("There is no such version.")


def about(subject: Subject, version: Version) -> dict[str, Any]:
    """Return what every event about a version says."""
    kind = "module" if isinstance(subject, Module) else "block"
    return {"version": version.id, "subject": kind, "key": subject.key, "number": version.number}


def _second_person(version: Version, by: Actor) -> str:
    if version.state != State.IN_REVIEW:
        raise ApprovalRefused("Only a version in review can be approved.")
    if by.kind is not ActorKind.STAFF or by.id is None:
        raise ApprovalRefused("Only a signed-in person can approve.")
    if by.id == version.author_id:
        raise ApprovalRefused("The author cannot approve their own version; a second person has to.")
    return by.id


def _code(db: Session, version: Version, site: Site, code: str) -> str:
    code = code.strip()
    if not code or len(code) > LONGEST_CODE or not code.isprintable():
        raise ApprovalRefused(f"An approval code of 1 to {LONGEST_CODE} characters is needed.")
    pattern = site.settings.get("approval_code_pattern")
    if pattern and not re.fullmatch(pattern, code):
        raise ApprovalRefused(f"The approval code {code} does not have the form this site asks for ({pattern}).")
    for model in (ModuleVersion, BlockVersion):
        if db.scalar(select(model.id).where(model.approval_code == code, model.id != version.id).limit(1)):
            raise ApprovalRefused(f"The approval code {code} belongs to another version; each has its own.")
    return code


def _until(site: Site, since: datetime, until: datetime | None, at: datetime) -> datetime | None:
    if since < at:
        raise ApprovalRefused("A version cannot come into force before it is approved.")
    if until is not None and until <= since:
        raise ApprovalRefused("The end of validity lies before its beginning.")
    days = site.settings.get("longest_validity_days")
    if not days:
        return until
    latest = since + timedelta(days=int(days))
    if until is not None and until > latest:
        raise ApprovalRefused(f"This site approves content for at most {days} days; then it is reviewed again.")
    return until or latest


def _supersede(db: Session, version: Version, subject: Subject, since: datetime, *, by: Actor, at: datetime) -> None:
    for other in _others(db, version, subject):
        if other.number > version.number:
            raise ApprovalRefused(f"Version {other.number} is approved already; a later version is never replaced.")
        # A version that was to begin later than its successor never begins.
        ends = max(since, other.in_force_from or since)
        if other.in_force_until is None or other.in_force_until > ends:
            other.in_force_until = ends
            event = VersionSuperseded(**about(subject, other), ends=ends, by_version=version.id)
            record(db, event, by=by, at=at)


def _others(db: Session, version: Version, subject: Subject) -> list[Version]:
    if isinstance(version, ModuleVersion):
        of_module = select(ModuleVersion).where(ModuleVersion.module_id == subject.id)
        approved = of_module.where(ModuleVersion.state == State.APPROVED, ModuleVersion.id != version.id)
        return list(db.scalars(approved.execution_options(populate_existing=True)))
    of_block = select(BlockVersion).where(BlockVersion.block_id == subject.id)
    standing = of_block.where(BlockVersion.state == State.APPROVED, BlockVersion.id != version.id)
    return list(db.scalars(standing.execution_options(populate_existing=True)))


def _printable(
    version: Version, subject: Subject, code: str, at: datetime, since: datetime, until: datetime | None
) -> Printable:
    module = version if isinstance(version, ModuleVersion) else None
    day = f"{at.day} {at:%B %Y}"
    return Printable(
        subject="module" if module else "block",
        id=version.id,
        site_id=subject.site_id,
        key=subject.key,
        kind=subject.kind,
        number=version.number,
        title=version.title,
        summary=version.summary,
        body=version.body.replace(CODE_SLOT, code).replace(DATE_SLOT, day),
        words=version.words,
        sections=tuple(version.sections),
        source=version.source,
        topics=tuple(module.topics) if module else (),
        calculator=module.calculator if module else None,
        calculator_version=module.calculator_version if module else None,
        definition=with_code(module.definition, code) if module and module.definition else None,
        approval_code=code,
        approved_at=at,
        in_force_from=since,
        in_force_until=until,
    )
