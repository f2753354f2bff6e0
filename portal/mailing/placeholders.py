"""Placeholders of mail: a closed set, found with their place, filled once with escaped values. Pure."""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

PATTERN = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_KEYED = re.compile(r"(choice|text|link)\.([a-z0-9][a-z0-9_-]{0,59})")
HOME = "home"

FRAGMENTS, MODULES = "fragments", "modules"
UNSUBSCRIBE, PREFERENCES, ADDRESS = "unsubscribe", "preferences", "sender.address"
MODULE_TITLE, MODULE_LINK = "module.title", "module.link"
PLAIN = frozenset({"hcp.salutation", "rep.name", ADDRESS})
SLOTS = frozenset({FRAGMENTS, MODULES})
ADDRESSES = frozenset({UNSUBSCRIBE, PREFERENCES})


@dataclass(frozen=True, slots=True)
class Place:
    """A placeholder and the line it stands in."""

    name: str
    line: int

    @property
    def key(self) -> str:
        """Return what follows the dot: the field of a choice or text, the target of a link."""
        return self.name.partition(".")[2]

    @property
    def is_link(self) -> bool:
        """Tell whether this is the address of a call to action."""
        return self.name.startswith("link.")

    @property
    def is_field(self) -> bool:
        """Tell whether the sender fills this."""
        return self.name.startswith(("choice.", "text."))


def places(source: str) -> list[Place]:
    """Return every placeholder of `source` in order."""
    return [Place(found[1], source.count("\n", 0, found.start()) + 1) for found in PATTERN.finditer(source)]


def is_known(name: str) -> bool:
    """Tell whether a placeholder belongs to the closed set."""
    return name in PLAIN | SLOTS | ADDRESSES or _KEYED.fullmatch(name) is not None


def targets(source: str) -> list[tuple[str, int]]:
    """Return the calls to action of a piece: each link's target with its count, from 1, in order."""
    seen: Counter[str] = Counter()
    found = []
    for place in places(source):
        if place.is_link:
            seen[place.key] += 1
            found.append((place.key, seen[place.key]))
    return found


def action_name(piece: str, target: str, count: int) -> str:
    """Return the name of a call to action: `piece/target/n`, at most 60 characters."""
    return f"{piece[:24]}/{target[:30]}/{count}"


def fill(source: str, value_of: Callable[[str, int], str]) -> str:
    """Return `source` with every placeholder replaced once by `value_of(name, its count from 1)`."""
    seen: Counter[str] = Counter()

    def put(found: re.Match[str]) -> str:
        seen[found[1]] += 1
        return value_of(found[1], seen[found[1]])

    return PATTERN.sub(put, source)


def escaped(value: str) -> str:
    """Return a value as HTML text, safe in attributes too; line breaks become <br>."""
    return html.escape(value, quote=True).replace("\n", "<br>")


def first_unknown(found: Iterable[Place]) -> Place | None:
    """Return the first placeholder that is not of the closed set."""
    return next((place for place in found if not is_known(place.name)), None)
