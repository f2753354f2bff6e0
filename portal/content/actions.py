"""Verbs of a version's life: draft, edit, submit, send back, approve, withdraw."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import Actor, ActorKind, record
from portal.content import approval, questions, soundness
from portal.content.approval import Printable, Render, approve
from portal.content.drafts import BlockContent, Content, ModuleContent, prepare
from portal.content.events import ChangesRequested, VersionDrafted, VersionEdited, VersionSubmitted, VersionWithdrawn
from portal.content.models import Block, BlockVersion, Module, ModuleVersion, Review
from portal.content.refusals import (
    ApprovalRefused,
    ContentRefused,
    DraftRefused,
    VersionMissing,
    WithdrawalRefused,
)
from portal.content.revision import raise_revision
from portal.content.sites import change_site, create_block, create_module, create_site, create_topic
from portal.content.states import Outcome, State
from portal.db import is_id, new_id

__all__ = [
    "ApprovalRefused",
    "BlockContent",
    "ContentRefused",
    "DraftRefused",
    "ModuleContent",
    "Printable",
    "Render",
    "VersionMissing",
    "WithdrawalRefused",
    "approve",
    "change_site",
    "create_block",
    "create_module",
    "create_site",
    "create_topic",
    "draft",
    "edit_draft",
    "request_changes",
    "submit",
    "withdraw",
]

LONGEST_NOTE = 2_000


def draft(db: Session, subject_id: str, content: Content, *, by: Actor, at: datetime) -> str:
    """Begin the next version of a module or a block and return its id; raises DraftRefused."""
    subject = _subject(db, subject_id)
    if isinstance(subject, Module) != isinstance(content, ModuleContent):
        raise DraftRefused("The content of a module goes into a module, that of a block into a block.")
    questions.check(subject.kind, content.source)
    prepared = prepare(subject.key, content)
    common: dict[str, Any] = {
        **prepared.columns(),
        "id": new_id(),
        "state": State.DRAFT,
        "author_id": by.id or by.kind.value,
        "created_at": at,
    }
    version: ModuleVersion | BlockVersion
    if isinstance(subject, Module):
        last = db.scalar(select(func.max(ModuleVersion.number)).where(ModuleVersion.module_id == subject.id))
        version = ModuleVersion(module_id=subject.id, number=(last or 0) + 1, **common)
    else:
        last = db.scalar(select(func.max(BlockVersion.number)).where(BlockVersion.block_id == subject.id))
        version = BlockVersion(block_id=subject.id, number=(last or 0) + 1, **common)
    db.add(version)
    db.flush()  # the next number counts this row
    record(db, VersionDrafted(**_about(subject, version), sha256=version.sha256), by=by, at=at)
    return version.id


def edit_draft(db: Session, version_id: str, content: Content, *, by: Actor, at: datetime) -> None:
    """Replace the content of one's own draft; of its source only the answers change, or the note that it was edited."""
    version, subject = approval.find(db, version_id)
    if version.state != State.DRAFT:
        raise DraftRefused("Only a draft is edited; begin the next version instead.")
    if isinstance(version, ModuleVersion) != isinstance(content, ModuleContent):
        raise DraftRefused("The content of a module goes into a module, that of a block into a block.")
    _take_over(version, by)
    source: Mapping[str, Any] = questions.with_answers(version.source, questions.answers_of(content.source))
    questions.check(subject.kind, source)
    prepared = prepare(subject.key, replace(content, source=source))
    if prepared.sha256 == version.sha256:
        return
    if source.get("set_id") and prepared.content.body != version.body:
        prepared = prepare(subject.key, replace(content, source={**source, "edited": True}))
    before = version.sha256
    for name, value in prepared.columns().items():
        setattr(version, name, value)
    event = VersionEdited(**_about(subject, version), before=before, after=version.sha256)
    record(db, event, by=by, at=at)


def submit(db: Session, version_id: str, *, by: Actor, at: datetime) -> None:
    """Hand one's draft over for review; from here on it is not edited."""
    version, subject = approval.find(db, version_id)
    if version.state != State.DRAFT:
        raise ApprovalRefused("Only a draft can be submitted for review.")
    _take_over(version, by)
    if isinstance(version, ModuleVersion):
        soundness.check(db, version)
    version.state = State.IN_REVIEW
    version.submitted_at = at
    record(db, VersionSubmitted(**_about(subject, version), sha256=version.sha256), by=by, at=at)


def request_changes(db: Session, version_id: str, *, note: str, by: Actor, at: datetime) -> None:
    """Send a version in review back to its author; review starts again with the next submission."""
    version, subject = approval.find(db, version_id)
    if version.state != State.IN_REVIEW:
        raise ApprovalRefused("Only a version in review can be sent back.")
    if by.kind is not ActorKind.STAFF or by.id is None:
        raise ApprovalRefused("Only a signed-in person can review.")
    note = _said(note, ApprovalRefused("Say what has to change, so that the author can act on it."))
    version.state = State.DRAFT
    version.submitted_at = None
    db.add(
        Review(id=new_id(), version_id=version.id, reviewer_id=by.id, outcome=Outcome.CHANGES, note=note, at=at),
    )
    record(db, ChangesRequested(**_about(subject, version), note=note), by=by, at=at)


def withdraw(db: Session, version_id: str, *, reason: str, by: Actor, at: datetime) -> None:
    """Take an approved version out of service at once, everywhere; a reason is mandatory."""
    version, subject = approval.find(db, version_id)
    if version.state != State.APPROVED:
        raise WithdrawalRefused("Only an approved version can be withdrawn.")
    reason = _said(reason, WithdrawalRefused("Say why this is withdrawn; the reason is kept."))
    version.state = State.WITHDRAWN
    version.withdrawn_at = at
    version.withdrawn_reason = reason
    raise_revision(db, subject.site_id)
    record(db, VersionWithdrawn(**_about(subject, version), reason=reason), by=by, at=at)


def _subject(db: Session, subject_id: str) -> Module | Block:
    # The row is locked so that two authors never take the same number.
    subject = db.get(Module, subject_id, with_for_update=True) or db.get(Block, subject_id, with_for_update=True)
    if subject is None:
        raise VersionMissing("There is no such module or block.")
    return subject


def _about(subject: Module | Block, version: ModuleVersion | BlockVersion) -> dict[str, Any]:
    return approval.about(subject, version)


def _take_over(version: ModuleVersion | BlockVersion, by: Actor) -> None:
    """Let the author go on, and let a person become the author of what the system drafted."""
    if by.kind is ActorKind.STAFF and by.id is not None and not is_id(version.author_id):
        version.author_id = by.id
    elif version.author_id != (by.id or by.kind.value):
        raise DraftRefused("Only its author can change or submit this draft.")


def _said(text: str, refusal: ContentRefused) -> str:
    text = text.strip().replace("\x00", "")
    if len(text) < 3:
        raise refusal
    return text[:LONGEST_NOTE]
