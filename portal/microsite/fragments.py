"""Fragments of versions, rendered once, at approval, and stored by hash."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from markupsafe import Markup

from portal.calculators import page as calculator_page
from portal.calculators import registry
from portal.calculators.calculator import Calculator, DefinitionRefused, parse_definition
from portal.calculators.inputs import InputRefused
from portal.calculators.page import CalculatorView
from portal.content.approval import Printable, Render
from portal.microsite.pieces import without_marks
from portal.microsite.press import Press

_WORDS_A_MINUTE = 200
_SECTION = re.compile(r'<section data-section=(?="[a-z0-9-]+#([a-z0-9-]+)")')


def renderer(press: Press) -> Render:
    """Return the function that `content.approve` renders a version with."""

    def render(version: Printable) -> tuple[str, str]:
        return _block(version) if version.subject == "block" else _module(press, version)

    return render


def cited(source: Mapping[str, Any]) -> str:
    """Return where a text comes from, in words: `Prescribing information, section 5`."""
    number = source.get("section_number") or source.get("number")
    return f"Prescribing information, section {number}" if number else str(source.get("citation", ""))


def _module(press: Press, version: Printable) -> tuple[str, str]:
    shown = {
        "key": version.key,
        "kind": version.kind,
        "title": without_marks(version.title),
        "summary": without_marks(version.summary),
        "words": version.words,
        "minutes": -(-version.words // _WORDS_A_MINUTE) if version.kind == "article" else 0,
        "cited": cited(version.source),
        "approval_code": version.approval_code,
        "sections": version.sections,
        "body": Markup(_anchored(without_marks(version.body))),
        "calculator_view": _calculator_view(version),
    }
    return press.print("microsite/card.html", version=shown), press.print("microsite/body.html", version=shown)


def _calculator_view(version: Printable) -> CalculatorView | None:
    """Return the view of a version's calculator; a draft in the making may have none, and approval refuses it."""
    calculator = _calculator(version)
    try:
        return calculator_page.view(calculator) if calculator else None
    except InputRefused:
        return None  # its worked example has no result


def _calculator(version: Printable) -> Calculator | None:
    """Return the calculator a version defines itself, or the shipped one it names."""
    if version.definition:
        try:
            return parse_definition(version.definition)
        except DefinitionRefused:
            return None
    return registry.get(version.calculator) if version.calculator else None


def _block(version: Printable) -> tuple[str, str]:
    """Return the block as it stands on every page, and as a page of its own."""
    title, key = escape(without_marks(version.title)), escape(f"block:{version.key}")
    inner = _SECTION.sub("<section data-part=", without_marks(version.body))  # a block is measured as one whole
    own = (
        f"<header><h1>{title}</h1></header>"
        f'<div class="label-text stack" data-section="{key}" data-words="{version.words}">{inner}</div>'
    )
    heading = "" if "<h2" in inner else f"<h2>{title}</h2>\n"
    return heading + inner, own


def _anchored(body: str) -> str:
    """Return a body whose measured sections can be jumped to by their key."""
    return _SECTION.sub(r'<section id="\1" data-section=', body)
