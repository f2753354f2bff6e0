"""HTML that may be served: an explicit allow-list, sections with their word counts, plain text and words."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from unicodedata import normalize

import nh3
from markdown_it import MarkdownIt

_INLINE = {"a", "b", "br", "em", "i", "span", "strong", "sub", "sup", "u"}
_BLOCK = {"blockquote", "div", "h2", "h3", "h4", "h5", "hr", "li", "ol", "p", "ul"}
_TABLE = {"caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
_VOID = {"br", "hr"}
_BREAKS = (_BLOCK | _TABLE | {"br", "section"}) - {"a"}

_CELL = {"colspan", "rowspan"}
_CLASSES = {
    "div": {"table-scroll", "footnotes"},
    "p": {"caption", "figure"},
    "span": {"figure", "marker"},
    "sup": {"note"},
    "ol": {"footnotes"},
}
_WRAPPER = {"role": {"region"}, "tabindex": {"0"}}
_MARKS = {"ol": {"type": {"1", "a", "A", "i", "I"}}, "div": _WRAPPER, "th": {"scope": {"col", "colgroup", "row"}}}
_ID = re.compile(r"label-[A-Za-z0-9._-]{1,90}")
_LINK = re.compile(rf"#{_ID.pattern}|/(?![/\\]).*|https://.+")
_OUTWARD = re.compile(r'(<a href="https:[^">]*")')
_SPAN = re.compile(r"[1-9][0-9]?")

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
_SCROLLING = '<div class="table-scroll" role="region" tabindex="0" aria-label="Table"><table>'
_SLUG_LENGTH = 40
_COUNT = re.compile(r"^[0-9]+(\.[0-9]+)*\s+")
_DASHES = str.maketrans("‐‑‒–—―", "------")
# Ids that pages give to their own parts, such as the mandatory blocks.
_TAKEN = frozenset({"hcp-notice", "indication", "boxed-warning", "isi", "pi", "adverse-events", "approval", "main"})


@dataclass(frozen=True, slots=True)
class SectionMark:
    """One section of a body: its key within the module, its heading, and its words (heading included)."""

    key: str
    title: str
    words: int

    def stored(self) -> dict[str, str | int]:
        """Return the section as it stands in a version's `sections`."""
        return {"key": self.key, "title": self.title, "words": self.words}


_READINGS = 12  # deeper nonsense than this is kept as it was last read


def clean(html: str) -> str:
    """Return HTML through the allow-list: links lead within the page, within the portal or to https, ids to labels.

    What a browser would read otherwise once it is written (a heading in a heading, behind a table) is read again until
    it stands still, so that what was approved is what is shown.
    """
    for _ in range(_READINGS):
        cleaned = _clean_once(html)
        if cleaned == html:
            break
        html = cleaned
    return html


def _clean_once(html: str) -> str:
    allowed = nh3.clean(
        html,
        tags=_INLINE | _BLOCK | _TABLE,
        attributes={"a": {"href"}, "td": _CELL, "th": _CELL, "div": {"aria-label"}, "*": {"id"}},
        tag_attribute_values=_MARKS,
        attribute_filter=_attribute,
        allowed_classes=_CLASSES,
        link_rel=None,
        url_schemes={"https"},
    )
    return _OUTWARD.sub(r'\1 rel="noopener noreferrer"', allowed)


def without_links(html: str) -> str:
    """Return HTML whose links and anchors are plain text, for parts that stand apart from the whole label."""
    return nh3.clean(
        html,
        tags=(_INLINE | _BLOCK | _TABLE) - {"a"},
        attributes={"td": _CELL, "th": _CELL, "div": {"aria-label"}},
        tag_attribute_values=_MARKS,
        attribute_filter=_attribute,
        allowed_classes=_CLASSES,
        link_rel=None,
        url_schemes=set(),
    )


def from_markdown(text: str) -> str:
    """Return CommonMark text (tables and HTML allowed) as HTML that may be served."""
    html = _MARKDOWN.render(text).replace("<table>", _SCROLLING).replace("</table>", "</table></div>")
    return clean(html)


def plain(html: str) -> str:
    """Return the text of HTML with one space between blocks and no other white space runs."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.pieces).split())


def count_words(html: str) -> int:
    """Return the number of words a reader of `html` finds."""
    return len(plain(html).split())


def slug(text: str) -> str:
    """Return `text` as lower-case words joined by hyphens, at most 40 characters, cut between words."""
    words = re.findall(
        r"[a-z0-9]+", normalize("NFKD", text.translate(_DASHES)).encode("ascii", "ignore").decode().lower()
    )
    result = ""
    for word in words:
        longer = f"{result}-{word}" if result else word[:_SLUG_LENGTH]
        if len(longer) > _SLUG_LENGTH:
            break
        result = longer
    return result


def sectioned(key: str, html: str) -> tuple[str, tuple[SectionMark, ...]]:
    """Return sanitised `html` with a measured `<section>` around each top-level h2, and the sections in order."""
    marks: list[SectionMark] = []
    pieces: list[str] = []
    taken = set(_TAKEN)
    for title, part in _split(html):
        words = count_words(part)
        if not words:
            continue
        # The number is left out: the next version of a label may count differently.
        name = _unused(slug(_COUNT.sub("", title)) or slug(title) or "overview", taken)
        marks.append(SectionMark(name, title or "Overview", words))
        hooks = f'id="{name}" data-section="{escape(key)}#{name}" data-words="{words}"'
        pieces.append(f"<section {hooks}>\n{part.strip()}\n</section>")
    return "\n".join(pieces), tuple(marks)


def _unused(name: str, taken: set[str]) -> str:
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}-{count}"
    taken.add(candidate)
    return candidate


def _split(html: str) -> list[tuple[str, str]]:
    reader = _Headings(html)
    starts = [start for start, _ in reader.found]
    edges = [0, *starts, len(html)]
    titles = ["", *(title for _, title in reader.found)]
    return [(title, html[a:b]) for title, a, b in zip(titles, edges, edges[1:], strict=False) if html[a:b].strip()]


def _attribute(_tag: str, name: str, value: str) -> str | None:
    if name == "href":
        return value if _LINK.fullmatch(value) else None
    if name == "id":
        return value if _ID.fullmatch(value) else None
    if name in _CELL:
        return value if _SPAN.fullmatch(value) else None
    return value


class _Text(HTMLParser):
    """Collects text, with a space where a block begins or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


class _Headings(HTMLParser):
    """Finds the h2 headings that stand in no other element: offset of each and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, str]] = []
        self._depth = 0
        self._heading: list[str] | None = None
        self._start = 0
        self._offset = _offsets(html)
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        if tag == "h2" and self._depth == 0:
            self._heading, self._start = [], self._offset(*self.getpos())
        self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        self._depth -= 1
        if tag == "h2" and self._depth == 0 and self._heading is not None:
            self.found.append((self._start, " ".join("".join(self._heading).split())))
            self._heading = None

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading.append(data)


def _offsets(html: str) -> Callable[[int, int], int]:
    lines = [0, *(match.end() for match in re.finditer("\n", html))]
    return lambda line, column: lines[line - 1] + column
