"""Quoting a label: headings, HTML of whole sections, summaries of whole sentences; nothing is added or reworded."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from portal.content.labels import ParsedLabel, ParsedSection
from portal.content.text import plain, without_links

SUMMARY_LENGTH = 400

_STATEMENT = re.compile(r"<(p|li)(?: [^>]*)?>(.*?)</\1>", re.DOTALL)
_SENTENCE = re.compile(r"(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<=[.!?])\s+(?=[A-Z])")
_ID = re.compile(r' id="([^"]+)"')


def sentence_case(title: str) -> str:
    """Return a title printed in capitals as a sentence; others stay as printed."""
    return title.capitalize() if title.isupper() else title


def section_html(section: ParsedSection, *, level: int, heading: bool = True, anchors: bool = False) -> str:
    """Return a section and all below it; headings begin at `level` and carry anchors where asked."""
    pieces: list[str] = []
    if heading and section.heading:
        anchor = f' id="{section.anchor}"' if anchors and section.anchor else ""
        title = f"{section.number} {sentence_case(section.title)}".strip()
        pieces.append(f"<h{level}{anchor}>{escape(title)}</h{level}>")
    pieces.append(section.html)
    below = min(level + 1, 5) if heading else level
    pieces.extend(section_html(child, level=below, anchors=anchors) for child in section.children)
    return "\n".join(piece for piece in pieces if piece)


def apart(html: str) -> str:
    """Return label HTML for a part that stands apart from the whole label: references are words, not links."""
    return without_links(html)


def statements(html: str) -> list[str]:
    """Return the paragraphs and list items of HTML as HTML, those in tables left out."""
    outside = re.sub(r"<table.*?</table>", "", html, flags=re.DOTALL)
    return [found[2].strip() for found in _STATEMENT.finditer(outside) if plain(found[2])]


def summary_of(sections: Iterable[ParsedSection]) -> str:
    """Return the first whole statements of the Highlights, else of the text, at most about 400 characters."""
    for section in sections:
        # A table cannot be shortened to a sentence without losing what it says.
        if section.highlight and "<table" not in section.highlight:
            return shortened(plain(html) for html in statements(section.highlight))
        for part in section.walk():
            if found := [plain(html) for html in statements(part.html)]:
                return shortened(found[:1])
    return ""


def shortened(texts: Iterable[str]) -> str:
    """Return as many whole texts, of the last as many whole sentences, as fit; "…" says that more follows."""
    kept: list[str] = []
    room = SUMMARY_LENGTH
    for text in texts:
        for sentence in _SENTENCE.split(text):
            if kept and len(sentence) > room:
                return " ".join(kept) + " …"
            kept.append(sentence)
            room -= len(sentence) + 1
    return " ".join(kept)


def source_of(label: ParsedLabel, sections: Iterable[ParsedSection]) -> dict[str, Any]:
    """Return what a version says of its source: label, version, day, codes and numbers of the sections it quotes."""
    quoted = [{"code": s.code, "number": s.number, "title": s.title} for s in sections]
    numbers = [entry["number"] for entry in quoted if entry["number"]]
    titles = [sentence_case(entry["title"]) for entry in quoted if entry["title"]]
    where = f"section {', '.join(numbers)}" if len(numbers) == 1 else f"sections {', '.join(numbers)}"
    citation = f"Prescribing Information, {where if numbers else '; '.join(titles)}" if quoted else ""
    return {
        "set_id": label.set_id,
        "version": label.version,
        "effective_on": label.effective_on,
        "sections": quoted,
        "section_code": quoted[0]["code"] if quoted else "",
        "section_number": numbers[0] if numbers else "",
        "citation": citation or "Prescribing Information",
    }


def day(label: ParsedLabel) -> str:
    """Return the day a label holds from, such as 13 January 2014."""
    date = label.effective_date
    return f"{date.day} {date:%B %Y}"


def once_each(html: str) -> str:
    """Return HTML in which an id that stood before stands no second time."""
    seen: set[str] = set()

    def keep(found: re.Match[str]) -> str:
        if found[1] in seen:
            return ""
        seen.add(found[1])
        return found[0]

    return _ID.sub(keep, html)


def linked_contents(sections: Iterable[ParsedSection]) -> str:
    """Return a list of links to the sections that have a heading and an anchor."""
    return "".join(_entries(sections))


def _entries(sections: Iterable[ParsedSection]) -> Iterator[str]:
    entries = [
        f'<li><a href="#{section.anchor}">{escape(f"{section.number} {sentence_case(section.title)}".strip())}</a></li>'
        for section in sections
        if section.anchor and section.heading
    ]
    if entries:
        yield f"<ul>{''.join(entries)}</ul>"
