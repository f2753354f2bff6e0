"""Fragments of a module version, rendered once, at approval, and stored by hash."""

import re
from typing import Any

from markupsafe import Markup

from portal.calculators import page as calculator_page
from portal.calculators import registry
from portal.microsite.pieces import without_marks
from portal.microsite.press import Press

_WORDS_A_MINUTE = 200
_SECTION = re.compile(r'<section data-section=(?="[a-z0-9-]+#([a-z0-9-]+)")')


def render_version(press: Press, version: Any, *, key: str, kind: str) -> tuple[str, str]:
    """Return the HTML of a module version's card and page body."""
    calculator = registry.get(version.calculator) if version.calculator else None
    shown = {
        "key": key,
        "kind": kind,
        "title": without_marks(version.title),
        "summary": without_marks(version.summary),
        "words": version.words,
        "minutes": -(-version.words // _WORDS_A_MINUTE) if kind == "article" else 0,
        "cited": cited(version.source),
        "approval_code": version.approval_code,
        "sections": version.sections,
        "body": Markup(_anchored(without_marks(version.body))),
        "calculator_view": calculator_page.view(calculator) if calculator else None,
    }
    return press.print("microsite/card.html", version=shown), press.print("microsite/body.html", version=shown)


def cited(source: dict[str, Any]) -> str:
    """Return where a text comes from, in words: `Prescribing information, section 5`."""
    number = source.get("section_number")
    return f"Prescribing information, section {number}" if number else str(source.get("citation", ""))


def _anchored(body: str) -> str:
    """Return a body whose measured sections can be jumped to by their key."""
    return _SECTION.sub(r'<section id="\1" data-section=', body)
