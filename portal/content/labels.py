"""Reading a drug label: SPL XML (HL7 v3, as DailyMed and openFDA publish it) into a tree of sections."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from portal.content.narrative import HL7, References, local, place, to_html
from portal.content.text import plain

LARGEST_BYTES = 10 * 1024 * 1024
DEEPEST = 80
MOST_ELEMENTS = 150_000  # the longest labels have a third of that
MOST_SECTIONS = 3_000
PRESCRIPTION = "34391-3"
OVER_THE_COUNTER = "34390-5"
BOXED_WARNING = "34066-1"

_IDENTIFIER = re.compile(r"[0-9A-Za-z.-]{1,64}")
_NUMBERED = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,2}){0,3})\.?\s+(\S.*)")
_UNNUMBERED_CODES = frozenset({"42229-5", "51945-4", "42230-3", "42231-1"})


class LabelRefused(Exception):
    """A file that cannot be taken as a label; the message is a sentence for the person who brought it."""


@dataclass(frozen=True, slots=True)
class ParsedSection:
    """One section of a label: LOINC code, printed number, title, own text, Highlights, and what stands below it."""

    code: str
    number: str
    title: str
    html: str
    text: str
    highlight: str
    anchor: str
    children: tuple["ParsedSection", ...]

    def walk(self) -> Iterator["ParsedSection"]:
        """Yield this section and all below it, in the order of the label."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def heading(self) -> str:
        """Return number and title as printed."""
        return f"{self.number} {self.title}".strip()


@dataclass(frozen=True, slots=True)
class ParsedLabel:
    """A label: what identifies it, and its sections in order."""

    document_id: str
    code: str
    set_id: str
    version: int
    effective_on: str
    title: str
    sections: tuple[ParsedSection, ...]

    @property
    def effective_date(self) -> date:
        """Return the day from which this version of the label holds."""
        return date.fromisoformat(self.effective_on)

    def walk(self) -> Iterator[ParsedSection]:
        """Yield every section, in the order of the label."""
        for section in self.sections:
            yield from section.walk()

    def top(self, *codes: str) -> tuple[ParsedSection, ...]:
        """Return the sections at the top level of the body that carry one of `codes`."""
        return tuple(section for section in self.sections if section.code in codes)

    @property
    def boxed_warnings(self) -> tuple[ParsedSection, ...]:
        """Return what may be a safety boxed warning: 34066-1 at the top of the body of a prescription label.

        Deeper in a label, and in over-the-counter labels, the code also marks dosing boxes and tamper notices, so
        even these need a person's confirmation.
        """
        return self.top(BOXED_WARNING) if self.code == PRESCRIPTION else ()


def parse(xml: bytes) -> ParsedLabel:
    """Return the label in `xml`; raises LabelRefused with one sentence for anything else."""
    root = _root(xml)
    body = root.find(f"{HL7}component/{HL7}structuredBody")
    if body is None:
        raise LabelRefused("This label has no structured body, so there is no text to import.")
    code = _attribute(root, "code", "code")
    if code not in (PRESCRIPTION, OVER_THE_COUNTER):
        raise LabelRefused(
            f"The document code is {code or 'missing'}; a label of a human drug carries "
            f"{PRESCRIPTION} (prescription) or {OVER_THE_COUNTER} (over the counter)."
        )
    references = _references(body)
    sections = tuple(_section(child, None, references) for child in _sections(body))
    if not any(section.text or section.title for top in sections for section in top.walk()):
        raise LabelRefused("This label has no sections with text.")
    title = root.find(f"{HL7}title")
    return ParsedLabel(
        document_id=_identifier(root, "id"),
        code=code,
        set_id=_identifier(root, "setId"),
        version=_version(root),
        effective_on=_effective(root),
        title=_words(title),
        sections=sections,
    )


def _root(xml: bytes) -> Element:
    if len(xml) > LARGEST_BYTES:
        raise LabelRefused(f"The file is larger than {LARGEST_BYTES // 1024 // 1024} MB; no drug label is.")
    try:
        root: Element = fromstring(xml, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise LabelRefused("The file declares a document type or entities; labels do not, so it is not read.") from None
    except ParseError as fault:
        line, column = fault.position
        raise LabelRefused(f"The file is not well-formed XML (line {line}, column {column}).") from None
    except (ValueError, LookupError):
        raise LabelRefused("The file is not XML in an encoding that can be read; labels are UTF-8.") from None
    if root.tag != f"{HL7}document":
        raise LabelRefused("The file is XML but not a drug label (SPL): its root is not an HL7 v3 document.")
    if _depth(root) > DEEPEST:
        raise LabelRefused(f"The file nests elements more than {DEEPEST} deep; no drug label does.")
    _refuse_endless(root)
    return root


def _refuse_endless(root: Element) -> None:
    """Refuse what would take minutes to read: reading goes on while others wait for the database."""
    for what, most, found in (
        ("elements", MOST_ELEMENTS, sum(1 for _ in root.iter())),
        ("sections", MOST_SECTIONS, sum(1 for _ in root.iter(f"{HL7}section"))),
    ):
        if found > most:
            raise LabelRefused(f"The file has {found:,} {what}; no drug label has more than {most:,}.")


def _depth(root: Element) -> int:
    deepest, level = 0, [root]
    while level and deepest <= DEEPEST:
        deepest += 1
        level = [child for element in level for child in element]
    return deepest


def _attribute(root: Element, name: str, attribute: str) -> str:
    found = root.find(f"{HL7}{name}")
    return found.get(attribute, "").strip() if found is not None else ""


def _identifier(root: Element, name: str) -> str:
    value = _attribute(root, name, "root")
    if not value:
        what = "set id, which stays the same over all versions of a label" if name == "setId" else "document id"
        raise LabelRefused(f"This label has no {what}.")
    if not _IDENTIFIER.fullmatch(value):
        raise LabelRefused(f"The {name} of this label is not an identifier.")
    return value


def _version(root: Element) -> int:
    value = _attribute(root, "versionNumber", "value")
    if not re.fullmatch(r"[0-9]{1,6}", value) or int(value) < 1:
        raise LabelRefused("This label has no version number, so older and newer cannot be told apart.")
    return int(value)


def _effective(root: Element) -> str:
    value = _attribute(root, "effectiveTime", "value")[:8]
    try:
        date.fromisoformat(value if value.isdecimal() else "")
    except ValueError:
        raise LabelRefused("This label does not say from which day it holds.") from None
    return value


def _sections(parent: Element) -> list[Element]:
    return parent.findall(f"{HL7}component/{HL7}section")


def _references(body: Element) -> References:
    targets = {"section", "table", "renderMultiMedia"}
    figures = {media.get("ID", ""): _words(media.find(f"{HL7}text")) for media in body.iter(f"{HL7}observationMedia")}
    return References(
        places=frozenset(
            element.get("ID", "")
            for element in body.iter()
            if local(element) in targets and place(element.get("ID", ""))
        ),
        footnotes={note.get("ID", ""): note for note in body.iter(f"{HL7}footnote") if note.get("ID")},
        figures=figures,
    )


def _section(element: Element, parent_number: str | None, references: References) -> ParsedSection:
    code = _attribute(element, "code", "code")[:16]
    number, title = _number(_words(element.find(f"{HL7}title")), code, parent_number)
    text = element.find(f"{HL7}text")
    highlights = element.findall(f"{HL7}excerpt/{HL7}highlight/{HL7}text")
    html = to_html(text, references) if text is not None else ""
    identifier = element.get("ID", "")
    return ParsedSection(
        code=code,
        number=number,
        title=title,
        html=html,
        text=plain(html),
        highlight="\n".join(to_html(highlight, references) for highlight in highlights),
        anchor=place(identifier) if identifier in references.places else "",
        children=tuple(_section(child, number, references) for child in _sections(element)),
    )


def _number(title: str, code: str, parent_number: str | None) -> tuple[str, str]:
    """Return printed number and bare title; "10 mg Tablet" is a title, not section 10."""
    found = _NUMBERED.fullmatch(title)
    if found is None:
        return "", title
    number, bare = found.groups()
    expected = code not in _UNNUMBERED_CODES if parent_number is None else number.startswith(f"{parent_number}.")
    return (number, bare) if expected else ("", title)


def _words(element: Element | None) -> str:
    if element is None:
        return ""
    return " ".join("".join(_spaced(element)).split())


def _spaced(element: Element) -> Iterator[str]:
    yield " " if local(element) == "br" else ""
    yield element.text or ""
    for child in element:
        yield from _spaced(child)
        yield child.tail or ""
