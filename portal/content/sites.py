"""Verbs for what content hangs on: sites, topics, modules, blocks."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.content.drafts import check_key, check_module_key
from portal.content.events import SiteChanged, SiteCreated, SubjectCreated, TopicCreated
from portal.content.models import Block, Module, Site, Topic
from portal.content.refusals import DraftRefused, VersionMissing
from portal.content.revision import raise_revision
from portal.content.states import BlockKind, Kind
from portal.db import new_id

REQUIRED_BLOCKS = ("hcp-notice", "indication", "isi", "pi", "adverse-events", "approval")
LONGEST_VALIDITY_DAYS = 730
LONGEST_CONSENT_DAYS = 3650
_CONSENTS = ("mail", "tracking", "profiling")


def create_site(
    db: Session,
    key: str,
    *,
    brand: str,
    generic: str,
    market: str,
    language: str,
    settings: Mapping[str, Any] | None = None,
    by: Actor,
    at: datetime,
) -> str:
    """Make a site and return its id; settings not given take the usual values."""
    check_key(key)
    if db.scalar(select(Site.id).where(Site.key == key)) is not None:
        raise DraftRefused(f"There is a site {key} already.")
    if not re.fullmatch(r"[A-Z]{2}", market):
        raise DraftRefused("The market is a country code of two capital letters, such as US.")
    if not re.fullmatch(r"[a-z]{2}(-[A-Z]{2})?", language):
        raise DraftRefused("The language is a code such as en or en-GB.")
    if not brand.strip() or not generic.strip():
        raise DraftRefused("A site names its brand and the generic name.")
    if len(brand.strip()) > 80 or len(generic.strip()) > 120:
        raise DraftRefused("A brand has at most 80 characters, a generic name at most 120.")
    site = Site(
        id=new_id(),
        key=key,
        brand=brand.strip(),
        generic=generic.strip(),
        market=market,
        language=language,
        settings=_usual(settings or {}),
        created_at=at,
    )
    db.add(site)
    db.flush()  # topics and modules name the row
    record(db, SiteCreated(site=site.id, key=key, market=market, language=language), by=by, at=at)
    return site.id


def change_site(db: Session, site_id: str, changes: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Change settings of a site; those not named stay."""
    site = db.get(Site, site_id, with_for_update=True)
    if site is None:
        raise VersionMissing("There is no such site.")
    changed = tuple(sorted(name for name, value in changes.items() if site.settings.get(name) != value))
    if not changed:
        return
    site.settings = _usual({**site.settings, **changes})
    raise_revision(db, site_id)
    record(db, SiteChanged(site=site_id, changed=changed), by=by, at=at)


def create_topic(db: Session, site_id: str, *, key: str, name: str, by: Actor, at: datetime) -> str:
    """Make a topic after those the site has, and return its id."""
    if len(check_key(key)) > 40:
        raise DraftRefused("The key of a topic has at most 40 characters.")
    if db.scalar(select(Topic.id).where(Topic.site_id == site_id, Topic.key == key)) is not None:
        raise DraftRefused(f"This site has a topic {key} already.")
    if not name.strip():
        raise DraftRefused("The topic has no name.")
    last = db.scalar(select(func.max(Topic.position)).where(Topic.site_id == site_id))
    topic = Topic(
        id=new_id(), site_id=site_id, key=key, name=name.strip()[:80], position=0 if last is None else last + 1
    )
    db.add(topic)
    db.flush()  # the next topic is placed after this one
    raise_revision(db, site_id)
    record(db, TopicCreated(site=site_id, topic=topic.id, key=key), by=by, at=at)
    return topic.id


def create_module(db: Session, site_id: str, *, key: str, kind: Kind, by: Actor, at: datetime) -> str:
    """Make an empty module and return its id; what it says stands in its versions."""
    check_module_key(key)
    if db.scalar(select(Module.id).where(Module.site_id == site_id, Module.key == key)) is not None:
        raise DraftRefused(f"This site has a module {key} already.")
    module = Module(id=new_id(), site_id=site_id, key=key, kind=Kind(kind), created_at=at)
    db.add(module)
    db.flush()  # versions name the row
    record(db, SubjectCreated(site=site_id, subject="module", id=module.id, key=key, kind=module.kind), by=by, at=at)
    return module.id


def create_block(db: Session, site_id: str, *, key: str, kind: BlockKind, by: Actor, at: datetime) -> str:
    """Make an empty mandatory block and return its id; what it says stands in its versions."""
    check_key(key)
    if db.scalar(select(Block.id).where(Block.site_id == site_id, Block.key == key)) is not None:
        raise DraftRefused(f"This site has a block {key} already.")
    block = Block(id=new_id(), site_id=site_id, key=key, kind=BlockKind(kind), created_at=at)
    db.add(block)
    db.flush()  # versions name the row
    record(db, SubjectCreated(site=site_id, subject="block", id=block.id, key=key, kind=block.kind), by=by, at=at)
    return block.id


def _usual(settings: Mapping[str, Any]) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "required_blocks": list(REQUIRED_BLOCKS),
        "longest_validity_days": LONGEST_VALIDITY_DAYS,
        **settings,
    }
    pattern = usual.get("approval_code_pattern")
    try:
        re.compile(pattern or "")
    except (re.error, TypeError):
        raise DraftRefused("The pattern for approval codes is not a regular expression.") from None
    days = usual.get("consent_days", {})
    if not isinstance(days, Mapping) or any(
        name not in _CONSENTS or type(each) is not int or not 1 <= each <= LONGEST_CONSENT_DAYS
        for name, each in days.items()
    ):
        raise DraftRefused(
            f"consent_days says for {', '.join(_CONSENTS)} how many days a yes holds, from 1 to {LONGEST_CONSENT_DAYS}."
        )
    return usual
