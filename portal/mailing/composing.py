"""Puts one mail together from approved pieces: escaped values, one address per call to action. Pure."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from portal.mailing.placeholders import (
    ADDRESS,
    FRAGMENTS,
    HOME,
    MODULE_LINK,
    MODULE_TITLE,
    MODULES,
    PREFERENCES,
    UNSUBSCRIBE,
    escaped,
    fill,
    places,
    targets,
)
from portal.mailing.queries import Piece
from portal.mailing.rendering import ROW_TEXT

PICKED = "pick"  # stands for a piece in the name of the calls to action of picked modules


@dataclass(frozen=True, slots=True)
class Call:
    """A call to action: the n-th use of a target in a piece."""

    piece: str
    target: str
    count: int

    @property
    def landing(self) -> str | None:
        """Return the module it opens; None for the personal page."""
        return None if self.target == HOME else self.target


@dataclass(frozen=True, slots=True)
class Parts:
    """What a mail is put together from; `modules` are (key, title) in order."""

    template: Piece
    fragments: tuple[Piece, ...]
    modules: tuple[tuple[str, str], ...]
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reader:
    """What a mail says about its reader and its sender, and the addresses of the house."""

    salutation: str
    rep_name: str
    address: str
    unsubscribe: str
    preferences: str


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail as it goes out."""

    subject: str
    html: str
    text: str

    @property
    def sha256(self) -> str:
        """Return the SHA-256 (hex) of the HTML."""
        return hashlib.sha256(self.html.encode()).hexdigest()


def calls(parts: Parts) -> list[Call]:
    """Return every call to action of a mail, in order; each is in the mail, so none has a link nobody gets."""
    found = [Call(parts.template.key, *each) for each in targets(parts.template.html)]
    for fragment in parts.fragments:
        found += [Call(fragment.key, *each) for each in targets(fragment.html)]
    if MODULES not in {place.name for place in places(parts.template.html)}:
        return found  # the mail does not list what was picked; the page behind its links does
    return found + [Call(PICKED, key, 1) for key, _ in parts.modules]


def compose(parts: Parts, reader: Reader, url_of: Callable[[Call], str]) -> Composed:
    """Return the mail for one reader; `url_of` gives the same address each time it is asked for a call."""

    def plain(piece: str, name: str, count: int) -> str:
        if name.startswith("link."):
            return url_of(Call(piece, name.removeprefix("link."), count))
        if name.startswith(("choice.", "text.")):
            return parts.values.get(name.partition(".")[2], "")
        return {
            "hcp.salutation": reader.salutation,
            "rep.name": reader.rep_name,
            ADDRESS: reader.address,
            UNSUBSCRIBE: reader.unsubscribe,
            PREFERENCES: reader.preferences,
        }[name]

    def row(source: str, key: str, title: str, dress: Callable[[str], str]) -> str:
        url = url_of(Call(PICKED, key, 1))
        return fill(source, lambda name, _: dress({MODULE_TITLE: title, MODULE_LINK: url}[name]))

    def whole(source: str, sources: Sequence[str], row_source: str, glue: str, dress: Callable[[str], str]) -> str:
        def value(name: str, count: int) -> str:
            if name == FRAGMENTS:
                filled = zip(parts.fragments, sources, strict=True)
                return glue.join(_fragment(inner, piece.key, plain, dress) for piece, inner in filled)
            if name == MODULES:
                return glue.join(row(row_source, key, title, dress) for key, title in parts.modules)
            return dress(plain(parts.template.key, name, count))

        return fill(source, value)

    template = parts.template
    html = whole(template.html, [each.html for each in parts.fragments], template.row_html, "", escaped)
    text = whole(template.text, [each.text for each in parts.fragments], ROW_TEXT, "\n", str)
    subject = fill(template.subject, lambda name, count: plain(template.key, name, count))
    return Composed(" ".join(subject.split())[:300], html, text)


def _fragment(source: str, key: str, plain: Callable[[str, str, int], str], dress: Callable[[str], str]) -> str:
    return fill(source, lambda name, count: dress(plain(key, name, count)))
