"""What deserves a second look in a rule set of a site, tried on the doctors whose pages were served last."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.content import queries as contents
from portal.content.queries import SiteRecord
from portal.microsite.assemble import candidates
from portal.microsite.history import recent_facts
from portal.personalize.findings import Finding, Kind
from portal.personalize.lint import lint
from portal.personalize.rules import RuleSet
from portal.personalize.shown_on import example_words
from portal.personalize.words import Names

SAFETY = "safety"  # the topic whose modules no rule should hide or take down without a second thought

_GRAVEST_FIRST = (
    Kind.DISPLACES,
    Kind.CONTRADICTORY,
    Kind.SHADOWED,
    Kind.STARVING,
    Kind.NOT_IN_FORCE,
    Kind.NEVER,
    Kind.ALWAYS,
)
_GRAVITY = {kind: place for place, kind in enumerate(_GRAVEST_FIRST)}
_ON_A_PAGE = 500  # doctors that rules are tried on while somebody waits


class SecondLook(NamedTuple):
    """The findings, by place in the list, and on how many doctors the rules were tried."""

    findings: tuple[Finding, ...]
    doctors: int


def second_look(db: Session, site: SiteRecord, rules: RuleSet, *, at: datetime, most: int) -> SecondLook:
    """Return what lint finds at `at`, with at most so many doctors to try the rules on."""
    served = contents.modules_in_force(db, site.id, at)
    tried = recent_facts(db, site.id, limit=most)
    found = lint(
        rules,
        candidates(served),
        tried,
        at=at,
        guarded=frozenset(module.key for module in served if SAFETY in module.topics),
        blocks=frozenset(block.key for block in contents.blocks_in_force(db, site.id, at)),
        calculators=frozenset(module.calculator for module in served if module.calculator),
    )
    return SecondLook(found, len(tried))


def in_words(db: Session, site: SiteRecord, rules: RuleSet, names: Names, *, at: datetime) -> list[tuple[Finding, str]]:
    """Return every finding with the doctor it shows on, in words, for a page that somebody waits for; gravest first."""
    look = second_look(db, site, rules, at=at, most=_ON_A_PAGE)
    gravest_first = sorted(look.findings, key=lambda each: _GRAVITY.get(each.kind, len(_GRAVITY)))
    return [(_titled(each, names), example_words(each, rules, names)) for each in gravest_first]


def _titled(finding: Finding, names: Names) -> Finding:
    """Return a finding that calls the modules it is about by their titles."""
    text = finding.text
    for key in finding.others:
        title = names.modules.get(key)
        if title is not None:
            text = re.sub(rf"(?<![\w-]){re.escape(key)}(?![\w-])", title.replace("\\", r"\\"), text, count=1)
    return replace(finding, text=text)
