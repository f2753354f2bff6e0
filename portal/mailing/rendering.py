"""Renders a piece once, at its approval: MJML to HTML, and the same tree to text."""

import re
from dataclasses import dataclass
from html import escape
from xml.etree.ElementTree import Element, tostring

import mrml

from portal.mailing.placeholders import FRAGMENTS, MODULES, PATTERN, SLOTS
from portal.mailing.refusals import PieceRefused
from portal.mailing.source import read
from portal.mailing.states import PieceKind

_BEGIN, _END = "<!--piece-begins-->", "<!--piece-ends-->"
_FONTS = "Arial, Helvetica, sans-serif"
_ROW = (
    '<mj-section background-color="#ffffff" padding="0"><mj-column><mj-text padding="4px 25px">'
    '<a href="{{module.link}}">{{module.title}}</a></mj-text></mj-column></mj-section>'
)
ROW_TEXT = "- {{module.title}}: {{module.link}}"
_LOADS = re.compile(r"(?:\b(?:src|background|poster)\s*=\s*[\"']?|url\(\s*[\"']?|@import\s)", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s\"'<>)]+", re.IGNORECASE)
_NAMESPACES = ("http://www.w3.org/1999/xhtml",)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A piece as it goes into mail, placeholders still in it; `row_html` is one picked module of a template."""

    html: str
    text: str
    row_html: str | None


def render(kind: PieceKind, body: str, *, title: str, language: str) -> Rendered:
    """Return the HTML and the text of a piece; raises PieceRefused if it would fetch anything from elsewhere."""
    root = read(kind, body)
    text = _text(root)
    if kind is PieceKind.FRAGMENT:
        return Rendered(_safe(_cut(_framed(_mjml(root), title=title, language=language))), text, None)
    row = _cut(_framed(_ROW, title=title, language=language))
    return Rendered(_safe(_framed(_mjml(root), title=title, language=language)), text, _safe(row))


def frame(*, title: str, language: str) -> str:
    """Return the HTML of a mail that holds nothing but the place for fragments: what a fragment is shown in."""
    return _safe(_framed(_slots(f"{{{{{FRAGMENTS}}}}}"), title=title, language=language))


def foreign_addresses(html: str) -> list[str]:
    """Return every address in `html`; the names of XML namespaces fetch nothing and are left out."""
    return [found for found in _ADDRESS.findall(html) if found not in _NAMESPACES]


def _framed(body: str, *, title: str, language: str) -> str:
    said = escape(title, quote=True)
    source = (
        f'<mjml lang="{language[:5]}"><mj-head><mj-title>{said}</mj-title><mj-attributes>'
        f'<mj-all font-family="{_FONTS}"/><mj-text font-size="16px" line-height="24px" color="#1d2b36"/>'
        '<mj-button font-size="16px" background-color="#0b5cad" color="#ffffff" inner-padding="14px 24px"/>'
        '<mj-divider border-width="1px" border-color="#c5ced6"/></mj-attributes></mj-head>'
        f'<mj-body background-color="#f2f5f7"><mj-raw>{_BEGIN}</mj-raw>{body}<mj-raw>{_END}</mj-raw></mj-body></mjml>'
    )
    try:
        return str(mrml.to_html(source).content)
    except OSError as wrong:  # what mrml raises for every fault of its source
        raise PieceRefused(f"The body cannot be rendered: {str(wrong)[:120]}") from None


def _mjml(root: Element) -> str:
    parts = [_slots(root.text)]
    for child in root:
        tail, child.tail = child.tail, None
        parts += [tostring(child, encoding="unicode"), _slots(tail)]
        child.tail = tail
    return "".join(parts)


def _slots(text: str | None) -> str:
    return "".join(f"<mj-raw>{{{{{name}}}}}</mj-raw>" for name in PATTERN.findall(text or "") if name in SLOTS)


def _cut(html: str) -> str:
    return html.split(_BEGIN, 1)[1].split(_END, 1)[0]


def _safe(html: str) -> str:
    html = html.replace(_BEGIN, "").replace(_END, "")
    if _LOADS.search(html) or foreign_addresses(html):
        raise PieceRefused("The rendered mail would fetch something from elsewhere.")
    return html


def _text(root: Element) -> str:
    parts = _text_slots(root.text)
    for section in root:
        for column in section:
            parts += [said for block in column if (said := _block(block))]
        parts += _text_slots(section.tail)
    return "\n\n".join(parts).strip() + "\n"


def _text_slots(text: str | None) -> list[str]:
    return [f"{{{{{name}}}}}" for name in PATTERN.findall(text or "") if name in (FRAGMENTS, MODULES)]


def _block(block: Element) -> str:
    if block.tag == "mj-divider":
        return "-" * 40
    if block.tag == "mj-button":
        return f"{_words(block.text)}: {block.attrib['href']}".strip()
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" *\n *", "\n", _inline(block))).strip()


def _inline(element: Element) -> str:
    said = _words(element.text)
    for child in element:
        inner = _inline(child)
        if child.tag == "br":
            said = said.rstrip() + "\n"
        elif child.tag == "a":
            said += f"{inner.strip()}: {child.attrib['href']}"
        elif child.tag == "li":
            said = said.rstrip() + f"\n- {inner.strip()}"
        elif child.tag in ("p", "ul", "ol", "h2", "h3"):
            said = said.rstrip() + f"\n\n{inner.strip()}\n\n"
        else:
            said += inner
        said += _words(child.tail)
    return said


def _words(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")
