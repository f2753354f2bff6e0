"""Beginning a module with its first draft: an article, a question, or a calculator, new or copied from another."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.calculators import registry, skeleton
from portal.content import questions, soundness
from portal.content.actions import draft
from portal.content.drafts import LAST_POSITION, ModuleContent, check_module_key
from portal.content.models import Module, ModuleVersion, Topic
from portal.content.refusals import DraftRefused
from portal.content.sites import create_module
from portal.content.states import Kind, State

LONGEST_PURPOSE = 600
LONGEST_TITLE = 120
_PREFIX = "calc-"
WRITTEN = (Kind.ARTICLE, Kind.QUESTION)  # the kinds that are begun with words alone


@dataclass(frozen=True, slots=True)
class Pattern:
    """A calculator that a new one can be copied from; `key` is `shipped:NAME` or `version:ID`."""

    key: str
    name: str
    title: str
    version: str
    is_shipped: bool


def name_of(key: str) -> str:
    """Return the name a calculator has in rules, records and commands: that of its module with underscores."""
    return key.removeprefix(_PREFIX).replace("-", "_")


def patterns(db: Session) -> list[Pattern]:
    """Return every calculator a new one can be copied from: those that ship, then those approved on a site."""
    shipped = [
        Pattern(f"shipped:{name}", name, registry.get(name).definition.title, registry.get(name).version, True)
        for name in registry.names()
    ]
    columns = (ModuleVersion.id, ModuleVersion.calculator, ModuleVersion.title, ModuleVersion.calculator_version)
    query = select(*columns).where(*_approved()).order_by(ModuleVersion.calculator, ModuleVersion.number.desc())
    found: dict[str, Pattern] = {}
    for row in db.execute(query):
        own = Pattern(f"version:{row.id}", row.calculator, row.title, row.calculator_version, False)
        if (own.name, own.version) not in {(each.name, each.version) for each in shipped}:
            found.setdefault(own.name, own)
    return [*shipped, *found.values()]


def begin_module(
    db: Session,
    site_id: str,
    *,
    kind: str,
    key: str,
    title: str,
    summary: str,
    body: str,
    topics: Collection[str] = (),
    answers: str = "",
    by: Actor,
    at: datetime,
) -> str:
    """Make an article or a question and return the id of its first draft; raises DraftRefused.

    `answers` are those of a question as typed, one on a line.
    """
    if kind not in WRITTEN:
        raise DraftRefused("The kind is an article or a question.")
    known = set(db.scalars(select(Topic.key).where(Topic.site_id == site_id)))
    if not known.issuperset(topics):
        raise DraftRefused("A topic is not one of this site.")
    content = ModuleContent(
        title=title,
        summary=summary,
        body=body,
        position=_place(db, site_id),
        source=questions.with_answers({}, questions.typed(answers)),
        topics=tuple(topics),
    )
    module_id = create_module(db, site_id, key=key, kind=Kind(kind), by=by, at=at)
    return draft(db, module_id, content, by=by, at=at)


def begin_calculator(
    db: Session,
    site_id: str,
    *,
    key: str,
    title: str,
    purpose: str,
    topic: str = "",
    pattern: str = "",
    by: Actor,
    at: datetime,
) -> str:
    """Make a module for a new calculator and return the id of its first draft; raises DraftRefused.

    `pattern` is the key of what it is copied from, or empty for the smallest definition that computes.
    """
    name = name_of(check_module_key(key))
    title, purpose = " ".join(title.split()), " ".join(purpose.split())
    if not title or len(title) > LONGEST_TITLE:
        raise DraftRefused(f"The title has 1 to {LONGEST_TITLE} characters.")
    if not purpose or len(purpose) > LONGEST_PURPOSE:
        raise DraftRefused(f"The purpose has 1 to {LONGEST_PURPOSE} characters.")
    if topic and db.scalar(select(Topic.id).where(Topic.site_id == site_id, Topic.key == topic)) is None:
        raise DraftRefused("The topic is not one of this site.")
    definition = _definition(db, pattern, name, title, purpose, at)
    module_id = create_module(db, site_id, key=key, kind=Kind.CALCULATOR, by=by, at=at)
    soundness.check_beginning(db, module_id, name=name, definition=definition)
    content = ModuleContent(
        title=title,
        summary=purpose,
        body="",
        position=_place(db, site_id),
        topics=(topic,) if topic else (),
        definition=definition,
    )
    return draft(db, module_id, content, by=by, at=at)


def _definition(db: Session, pattern: str, name: str, title: str, purpose: str, at: datetime) -> str:
    if not pattern:
        return skeleton.skeleton(name, title, purpose, on=at.date())
    kind, _, which = pattern.partition(":")
    text: str | None = None
    if kind == "shipped" and which in registry.names():
        text = registry.source(which)
    elif kind == "version":
        text = db.scalar(select(ModuleVersion.definition).where(ModuleVersion.id == which, *_approved()))
    if text is None:
        raise DraftRefused("What it is to be copied from is not there any more.")
    # Under its own name it is the very calculator, with its version.
    return text if json.loads(text)["name"] == name else skeleton.copied(text, name, title, purpose, on=at.date())


def _approved() -> tuple[ColumnElement[bool], ...]:
    return (
        ModuleVersion.state == State.APPROVED,
        ModuleVersion.definition.is_not(None),
        ModuleVersion.calculator.is_not(None),
    )


def _place(db: Session, site_id: str) -> int:
    """Return a place after everything the site has."""
    last = (
        select(func.max(ModuleVersion.position))
        .join(Module, Module.id == ModuleVersion.module_id)
        .where(Module.site_id == site_id)
    )
    return min((db.scalar(last) or 0) + 10, LAST_POSITION)
