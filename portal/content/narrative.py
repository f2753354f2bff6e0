"""The narrative blocks of a label (HL7 SPL Implementation Guide, section text) as HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from xml.etree.ElementTree import Element

from portal.content.text import clean

HL7 = "{urn:hl7-org:v3}"

_STYLES = {"bold": "strong", "italics": "em", "underline": "u"}
_COUNTERS = {"littlealpha": "a", "bigalpha": "A", "littleroman": "i", "bigroman": "I"}
_GAPS = re.compile(r"[ \t\r\n]+")  # not the no-break spaces that keep a dose and its unit together
_SAME = {"sub": "sub", "sup": "sup", "thead": "thead", "tbody": "tbody", "tfoot": "tfoot", "tr": "tr"}
_SILENT = {"col", "colgroup"}
_WHERE_FIGURES_ARE = "The figure is in the full Prescribing Information."


@dataclass(frozen=True, slots=True)
class References:
    """What narrative may point at: places that can be jumped to, footnotes by id, captions of figures by id."""

    places: frozenset[str] = frozenset()
    footnotes: Mapping[str, Element] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)


def local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def to_html(text: Element, references: References) -> str:
    """Return one `text` element as sanitised HTML, its footnotes numbered and listed at the end."""
    writer = _Writer(references)
    body = writer.children(text)
    return _GAPS.sub(" ", clean(body + writer.notes())).strip()


def place(identifier: str) -> str:
    """Return the anchor in the page for an id of the label, or nothing where the id has an unusual shape."""
    plain = identifier.replace("_", "-")
    usual = plain.replace("-", "").replace(".", "").isalnum() and plain.isascii() and len(plain) <= 90
    return f"label-{plain}" if usual else ""


class _Writer:
    """Writes one `text` element and remembers its footnotes in the order of their first mark."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._notes: list[Element] = []

    def children(self, element: Element) -> str:
        """Return what stands inside `element` as HTML."""
        pieces = [escape(element.text or "")]
        for child in element:
            pieces.append(self._element(child, inside=local(element)))
            pieces.append(escape(child.tail or ""))
        return "".join(pieces)

    def notes(self) -> str:
        """Return the list of footnotes met so far; a footnote inside a footnote joins the list."""
        items: list[str] = []
        while len(items) < len(self._notes):
            items.append(f"<li>{self.children(self._notes[len(items)])}</li>")
        return f'<ol class="footnotes">{"".join(items)}</ol>' if items else ""

    def _element(self, element: Element, *, inside: str) -> str:
        name = local(element)
        if name in _SILENT:
            return ""
        if name in _SAME:
            return f"<{_SAME[name]}>{self.children(element)}</{_SAME[name]}>"
        if name == "br":
            # Between paragraphs a line break is only a larger gap; the page's own spacing does that.
            return " " if inside in ("text", "list") else "<br>"
        writer = {
            "paragraph": self._paragraph,
            "content": self._content,
            "list": self._list,
            "table": self._table,
            "linkHtml": self._link,
            "td": self._cell,
            "th": self._cell,
            "footnote": self._note,
            "footnoteRef": self._note_again,
            "renderMultiMedia": self._figure,
        }.get(name)
        # An unknown element keeps its words: losing text of a label is worse than losing its look.
        return writer(element) if writer else self.children(element)

    def _paragraph(self, element: Element) -> str:
        caption = element.find(f"{HL7}caption")
        inner = self._without_caption(element)
        head = f'<p class="caption">{self.children(caption)}</p>' if caption is not None else ""
        return f"{head}<p>{inner}</p>"

    def _content(self, element: Element) -> str:
        tags = [_STYLES[word] for word in element.get("styleCode", "").lower().split() if word in _STYLES]
        inner = self.children(element)
        return "".join(f"<{tag}>" for tag in tags) + inner + "".join(f"</{tag}>" for tag in reversed(tags))

    def _list(self, element: Element) -> str:
        ordered = element.get("listType", "unordered") == "ordered"
        counter = _COUNTERS.get(element.get("styleCode", "").lower()) if ordered else None
        opening = f'ol type="{counter}"' if counter else ("ol" if ordered else "ul")
        pieces: list[str] = []
        head = ""
        for child in element:
            if local(child) == "item":
                pieces.append(f"<li>{self._item(child)}</li>")
            elif local(child) == "caption":
                head = f'<p class="caption">{self.children(child)}</p>'
        return f"{head}<{opening}>{''.join(pieces)}</{opening.split()[0]}>"

    def _item(self, element: Element) -> str:
        caption = element.find(f"{HL7}caption")
        mark = f'<span class="marker">{self.children(caption)}</span> ' if caption is not None else ""
        return mark + self._without_caption(element)

    def _without_caption(self, element: Element) -> str:
        pieces = [escape(element.text or "")]
        for child in element:
            if local(child) != "caption":
                pieces.append(self._element(child, inside=local(element)))
            pieces.append(escape(child.tail or ""))
        return "".join(pieces)

    def _table(self, element: Element) -> str:
        caption = element.find(f"{HL7}caption")
        title = " ".join("".join(caption.itertext()).split()) if caption is not None else ""
        head = f"<caption>{self.children(caption)}</caption>" if caption is not None else ""
        parts = "".join(self._element(child, inside="table") for child in element if local(child) != "caption")
        anchor = self._anchor(element)
        # Keyboard users can scroll a region only where it can take focus.
        return (
            f'<div class="table-scroll" role="region" tabindex="0" aria-label="{escape(title or "Table")}"{anchor}>'
            f"<table>{head}{parts}</table></div>"
        )

    def _cell(self, element: Element) -> str:
        name = local(element)
        given = {span: element.get(span) for span in ("colspan", "rowspan")}
        spans = "".join(f' {span}="{escape(value)}"' for span, value in given.items() if value)
        scope = f' scope="{"colgroup" if given["colspan"] else "col"}"' if name == "th" else ""
        return f"<{name}{scope}{spans}>{self.children(element)}</{name}>"

    def _link(self, element: Element) -> str:
        target = element.get("href", "")
        inner = self.children(element)
        if not target.startswith("#") or target[1:] not in self._references.places:
            return inner
        return f'<a href="#{place(target[1:])}">{inner}</a>'

    def _note(self, element: Element) -> str:
        if element not in self._notes:
            self._notes.append(element)
        return f'<sup class="note">[{self._notes.index(element) + 1}]</sup>'

    def _note_again(self, element: Element) -> str:
        note = self._references.footnotes.get(element.get("IDREF", ""))
        return self._note(note) if note is not None else ""

    def _figure(self, element: Element) -> str:
        own = self.children(element).strip()
        kept = self._references.figures.get(element.get("referencedObject", ""), "")
        subject = own or ("" if kept.lower() == "figure" else escape(kept))
        words = f"[Figure: {subject}. " if subject else "[Figure. "
        return f'<span class="figure"{self._anchor(element)}>{words}{_WHERE_FIGURES_ARE}]</span>'

    def _anchor(self, element: Element) -> str:
        identifier = element.get("ID", "")
        anchor = place(identifier) if identifier in self._references.places else ""
        return f' id="{anchor}"' if anchor else ""
