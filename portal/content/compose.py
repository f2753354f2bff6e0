"""What a site's modules and mandatory blocks say, put together from one label. Pure; no claim of its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from portal.content.drafts import CODE_SLOT, DATE_SLOT, BlockContent, ModuleContent
from portal.content.labels import ParsedLabel, ParsedSection
from portal.content.quoting import (
    apart,
    day,
    linked_contents,
    once_each,
    section_html,
    sentence_case,
    source_of,
    statements,
    summary_of,
)
from portal.content.states import BlockKind, Kind
from portal.content.text import plain

# Key, topic, and the codes to look for: the first group that the label has is taken (old labels differ).
MODULES: tuple[tuple[str, str, tuple[tuple[str, ...], ...]], ...] = (
    ("indications", "indication", (("34067-9",),)),
    ("dosing", "dosing", (("34068-7",),)),
    ("contraindications", "safety", (("34070-3",),)),
    ("warnings", "safety", (("43685-7",), ("34071-1", "42232-9"))),
    ("adverse-reactions", "safety", (("34084-4",),)),
    ("interactions", "interactions", (("34073-7",),)),
    ("specific-populations", "populations", (("43684-0",),)),
    ("clinical-studies", "efficacy", (("34092-7",),)),
    ("patient-counselling", "patient-support", (("34076-0",),)),
)
TOPICS = {
    "indication": "Indication",
    "dosing": "Dosing",
    "safety": "Safety",
    "efficacy": "Efficacy",
    "interactions": "Drug interactions",
    "populations": "Specific populations",
    "patient-support": "Patient support",
}
# What important safety information quotes, in its order.
_SAFETY = (("34070-3",), ("43685-7",), ("34071-1", "42232-9"), ("34084-4",), ("34073-7",), ("43684-0",))
_REPORTING = re.compile(r"to report suspected adverse reactions", re.IGNORECASE)
_AUDIENCE = {"US": "For US healthcare professionals"}
_CONFIRM_BOX = (
    "The label has a section with the code of boxed warnings at the top of its body. "
    "Check that it is a safety boxed warning and that it is quoted in full."
)
_CONFIRM_NO_BOX = (
    "No boxed warning was found at the top of the label's body. Check that this product carries none, "
    "and that the safety information is complete."
)


@dataclass(frozen=True, slots=True)
class ModuleDraft:
    """A module to be drafted."""

    key: str
    kind: Kind
    content: ModuleContent


@dataclass(frozen=True, slots=True)
class BlockDraft:
    """A mandatory block to be drafted."""

    key: str
    kind: BlockKind
    content: BlockContent


@dataclass(frozen=True, slots=True)
class Composition:
    """Everything drafted from one label, what the label does not give, and what a person has to confirm."""

    modules: tuple[ModuleDraft, ...]
    blocks: tuple[BlockDraft, ...]
    missing: tuple[str, ...]
    to_confirm: tuple[str, ...]


def compose(label: ParsedLabel, *, brand: str, generic: str, market: str, settings: Mapping[str, Any]) -> Composition:
    """Return the drafts for a site from a prescription label."""
    modules, missing = [], []
    for place, (key, topic, groups) in enumerate(MODULES, start=1):
        sections = _first(label, groups)
        if sections:
            modules.append(_module(label, key, topic, sections, position=10 * place))
        else:
            missing.append(f"{key}: the label has no section with code {' or '.join(groups[0])}.")
    notice = _superseded(label) if settings.get("demo") else ""
    blocks = [
        _notice(label, brand, generic, settings.get("audience") or _AUDIENCE.get(market, ""), notice),
        *_boxed(label),
        *_indication(label, brand, generic),
        _safety(label),
        *_reporting(label, missing),
        _prescribing(label, notice),
        _approval(label),
    ]
    confirm = tuple(str(block.content.source.get("needs_confirmation", "")) for block in blocks)
    return Composition(tuple(modules), tuple(blocks), tuple(missing), tuple(dict.fromkeys(filter(None, confirm))))


def _first(label: ParsedLabel, groups: tuple[tuple[str, ...], ...]) -> tuple[ParsedSection, ...]:
    return next((found for codes in groups if (found := label.top(*codes))), ())


def _module(
    label: ParsedLabel, key: str, topic: str, sections: tuple[ParsedSection, ...], *, position: int
) -> ModuleDraft:
    alone = len(sections) == 1
    body = "\n".join(section_html(section, level=2, heading=not alone) for section in sections)
    content = ModuleContent(
        title=sentence_case(sections[0].title or key.replace("-", " ")),
        summary=summary_of(sections),
        body=apart(body),
        position=position,
        source=source_of(label, sections),
        topics=(topic,),
    )
    return ModuleDraft(key, Kind.ARTICLE, content)


def _superseded(label: ParsedLabel) -> str:
    words = f"This is a superseded label (version {label.version}, effective {day(label)}) shown for demonstration."
    return f"<p><strong>{escape(words)}</strong></p>"


def _notice(label: ParsedLabel, brand: str, generic: str, audience: str, notice: str) -> BlockDraft:
    line = audience or "For healthcare professionals"
    body = f"<p>{escape(line)}. {escape(brand)} ({escape(generic)}).</p>{notice}"
    content = BlockContent(title=line, body=body, position=0, source=source_of(label, ()))
    return BlockDraft("hcp-notice", BlockKind.NOTICE, content)


def _boxed(label: ParsedLabel) -> list[BlockDraft]:
    boxes = label.boxed_warnings
    if not boxes:
        return []
    source = source_of(label, boxes) | {"needs_confirmation": _CONFIRM_BOX}
    body = "<h2>Boxed warning</h2>" + apart("\n".join(section_html(box, level=3) for box in boxes))
    content = BlockContent(title="Boxed warning", body=body, position=10, source=source)
    return [BlockDraft("boxed-warning", BlockKind.BOXED_WARNING, content)]


def _indication(label: ParsedLabel, brand: str, generic: str) -> list[BlockDraft]:
    sections = label.top("34067-9")
    if not sections:
        return []
    quoted = "\n".join(_in_short(section, level=3) for section in sections)
    body = f"<h2>Indication</h2>{apart(quoted)}"
    source = source_of(label, sections)
    content = BlockContent(title=f"{brand} ({generic}): indication", body=body, position=20, source=source)
    return [BlockDraft("indication", BlockKind.INDICATION, content)]


def _safety(label: ParsedLabel) -> BlockDraft:
    parts = ["<h2>Important Safety Information</h2>"]
    boxes = label.boxed_warnings
    parts.extend(f"<h3>Boxed warning</h3>{section_html(box, level=4)}" for box in boxes)
    quoted = [*boxes]
    for codes in _SAFETY:
        for section in label.top(*codes):
            title = sentence_case(section.title)
            parts.append(
                f"<h3>{escape(title)}</h3>{_in_short(section, level=4)}" if title else _in_short(section, level=4)
            )
            quoted.append(section)
    parts.append("<p>Please see full Prescribing Information.</p>")
    source = source_of(label, quoted) | {"needs_confirmation": _CONFIRM_BOX if boxes else _CONFIRM_NO_BOX}
    content = BlockContent(
        title="Important Safety Information", body=apart("\n".join(parts)), position=30, source=source
    )
    return BlockDraft("isi", BlockKind.SAFETY, content)


def _in_short(section: ParsedSection, *, level: int) -> str:
    """Return what the Highlights say of a section, or all of it where the label has no Highlights."""
    return section.highlight or section_html(section, level=level, heading=False)


def _reporting(label: ParsedLabel, missing: list[str]) -> list[BlockDraft]:
    for section in label.walk():
        for text in (section.highlight, section.html):
            lines = [html for html in statements(text) if _REPORTING.search(plain(html))]
            if lines:
                body = "<h2>Reporting adverse reactions</h2>" + apart("".join(f"<p>{line}</p>" for line in lines[:1]))
                source = source_of(label, (section,))
                content = BlockContent(title="Reporting adverse reactions", body=body, position=40, source=source)
                return [BlockDraft("adverse-events", BlockKind.REPORTING, content)]
    missing.append("adverse-events: the label does not print how to report adverse reactions; write this block.")
    return []


def _prescribing(label: ParsedLabel, notice: str) -> BlockDraft:
    highlights = [section for section in label.walk() if section.highlight]
    parts = [notice, f"<p>{escape(label.title)}</p>" if label.title else "", linked_contents(label.sections)]
    if highlights:
        parts.append("<h2>Highlights of prescribing information</h2>")
        for section in highlights:
            title = sentence_case(section.title) or "Recent major changes"
            parts.append(f"<h3>{escape(title)}</h3>{section.highlight}")
    parts.extend(section_html(section, level=2, anchors=True) for section in label.sections)
    words = f"Version {label.version} of this label, effective {day(label)}. Set id {label.set_id}."
    parts.append(f"<p>{escape(words)}</p>")
    content = BlockContent(
        title="Full Prescribing Information",
        body=once_each("\n".join(part for part in parts if part)),
        position=50,
        source=source_of(label, label.sections),
    )
    return BlockDraft("pi", BlockKind.PRESCRIBING, content)


def _approval(label: ParsedLabel) -> BlockDraft:
    origin = f"Text from the Prescribing Information, version {label.version}, effective {day(label)}."
    body = f"<p>Approval code {CODE_SLOT}. Approved {DATE_SLOT}.</p><p>{escape(origin)}</p>"
    content = BlockContent(title="Approval", body=body, position=60, source=source_of(label, ()))
    return BlockDraft("approval", BlockKind.APPROVAL, content)
