"""Reads the MJML body of a piece: listed tags and attributes, addresses as placeholders, faults with their place."""

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from portal.mailing.placeholders import (
    ADDRESS,
    ADDRESSES,
    FRAGMENTS,
    MODULES,
    PATTERN,
    SLOTS,
    UNSUBSCRIBE,
    Place,
    first_unknown,
    places,
)
from portal.mailing.refusals import PieceRefused
from portal.mailing.states import PieceKind

LONGEST_BODY = 60_000
_WORDS = frozenset({"a", "b", "strong", "i", "em", "br", "p", "ul", "ol", "li", "sub", "sup", "span", "h2", "h3"})
_INSIDE: dict[str, frozenset[str]] = {
    "mj-body": frozenset({"mj-section"}),
    "mj-section": frozenset({"mj-column"}),
    "mj-column": frozenset({"mj-text", "mj-button", "mj-divider", "mj-spacer"}),
    "mj-text": _WORDS,
    "mj-button": frozenset(),
    "mj-divider": frozenset(),
    "mj-spacer": frozenset(),
    **dict.fromkeys(_WORDS, _WORDS - {"h2", "h3"}),
}
_LOOK = frozenset({"align", "color", "background-color", "padding", "font-size", "font-weight", "line-height"})
_ATTRIBUTES: dict[str, frozenset[str]] = {
    "mj-section": frozenset({"background-color", "padding"}),
    "mj-column": frozenset({"background-color", "padding"}),
    "mj-text": _LOOK,
    "mj-button": _LOOK | {"href", "border-radius", "inner-padding", "width"},
    "mj-divider": frozenset({"border-color", "border-width", "padding"}),
    "mj-spacer": frozenset({"height"}),
    "a": frozenset({"href"}),
}
_VALUE = re.compile(r"[#a-zA-Z0-9 %.,-]{0,60}")


def read(kind: PieceKind, body: str) -> Element:
    """Return the tree of a body under one `mj-body`; raises PieceRefused naming what is wrong and where."""
    if not body.strip() or len(body) > LONGEST_BODY:
        raise PieceRefused(f"The body needs between 1 and {LONGEST_BODY:,} characters.")
    check_places(kind, body)
    try:
        root = fromstring(f"<mj-body>{body}</mj-body>", forbid_dtd=True)
    except ParseError as wrong:
        line, column = wrong.position
        raise PieceRefused(
            f"The body is not well formed at line {line}, character {column + 1}: close every tag."
        ) from None
    except (DefusedXmlException, ValueError):
        raise PieceRefused("The body may not declare entities or a document type.") from None
    if root.tag != "mj-body":
        raise PieceRefused("The body holds sections only.")
    _check(root)
    _check_slots(kind, root)
    sections = [child for child in root if child.tag == "mj-section"]
    if not sections:
        raise PieceRefused("The body needs at least one mj-section.")
    if any(len(section) != 1 for section in sections):
        raise PieceRefused("Every mj-section has exactly one mj-column, so that it looks right in every mail program.")
    return root


def check_places(kind: PieceKind, source: str, *, where: str = "body") -> list[Place]:
    """Return the placeholders of `source`; raises PieceRefused naming the first that may not stand there."""
    found = places(source)
    wrong = first_unknown(found)
    if wrong is not None:
        raise PieceRefused(f"Unknown placeholder “{wrong.name[:40]}” in line {wrong.line} of the {where}.")
    if "{{" in PATTERN.sub("", source) or "}}" in PATTERN.sub("", source):
        raise PieceRefused(f"A placeholder in the {where} is not closed.")
    for place in found:
        if where == "subject" and (place.name in SLOTS | ADDRESSES | {ADDRESS} or place.is_link or place.is_field):
            raise PieceRefused(f"“{place.name}” cannot stand in the subject.")
        if kind is PieceKind.FRAGMENT and (place.name in SLOTS | ADDRESSES or place.is_field):
            raise PieceRefused(f"“{place.name}” in line {place.line} belongs in a template, not in a fragment.")
    return found


def _check(element: Element) -> None:
    allowed = _INSIDE[element.tag]
    if element.tag not in ("mj-text", "mj-button", *_WORDS) and element.tag != "mj-body":
        for text in (element.text, *(child.tail for child in element)):
            if text and text.strip():
                raise PieceRefused(
                    f"Text stands directly in {element.tag}; put it into mj-text: “{text.strip()[:30]}”."
                )
    for child in element:
        if not isinstance(child.tag, str) or child.tag not in allowed:
            raise PieceRefused(
                f"{child.tag if isinstance(child.tag, str) else 'A comment'} may not stand in {element.tag}."
            )
        _check_attributes(child)
        _check(child)


def _check_attributes(element: Element) -> None:
    for name, value in element.attrib.items():
        if name not in _ATTRIBUTES.get(element.tag, frozenset()):
            raise PieceRefused(f"The attribute {name} may not stand on {element.tag}.")
        if name == "href":
            found = places(value)
            is_address = len(found) == 1 and (found[0].is_link or found[0].name in ADDRESSES)
            if not is_address or PATTERN.sub("", value).strip():
                raise PieceRefused(f"An address is a placeholder such as {{{{link.home}}}}, not “{value[:40]}”.")
        elif not _VALUE.fullmatch(value):
            raise PieceRefused(f"The value of {name} on {element.tag} is not one for a mail: “{value[:30]}”.")
    if element.tag in ("a", "mj-button") and "href" not in element.attrib:
        raise PieceRefused(f"{element.tag} leads nowhere: it needs an href.")


def _check_slots(kind: PieceKind, root: Element) -> None:
    loose = [root.text or "", *(child.tail or "" for child in root)]
    for text in loose:
        rest = PATTERN.sub(lambda found: "" if found[1] in SLOTS else found[0], text)
        if rest.strip():
            raise PieceRefused(f"Text stands outside of a section: “{rest.strip()[:30]}”.")
    within = "".join(loose)
    if kind is PieceKind.FRAGMENT:
        return
    everywhere = [place.name for element in root.iter() for place in _of(element, root)]
    for slot in (FRAGMENTS, MODULES):
        if [place.name for place in places(within)].count(slot) > 1 or slot in everywhere:
            raise PieceRefused(f"{{{{{slot}}}}} stands once, on a line of its own between sections.")
    names = set(everywhere)
    if UNSUBSCRIBE not in names or ADDRESS not in names:
        raise PieceRefused("A template needs {{unsubscribe}} and the postal address {{sender.address}}.")


def _of(element: Element, root: Element) -> list[Place]:
    parts = [] if element is root else [element.text or "", *element.attrib.values()]
    parts += [] if element is root else [child.tail or "" for child in element]
    return [place for part in parts for place in places(part)]
