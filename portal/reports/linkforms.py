"""What a rep may choose when issuing a link, and the QR code of its address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import quoteattr

import segno
from sqlalchemy.orm import Session

from portal.content.queries import earliest_expiry, missing_blocks, modules_in_force, sites

_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SiteChoice:
    """A site that can be served now, with (key, title) of its modules in the standard order."""

    id: str
    key: str
    name: str
    modules: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed into the form."""

    site: str = ""
    landing: str = ""
    days: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A link as chosen; `landing` is the key of the module to open first."""

    site_id: str
    landing: str | None
    days: int


def choices(db: Session, at: datetime) -> list[SiteChoice]:
    """Return the sites that have everything they must show in force at `at`."""
    found = []
    for site in sites(db):
        modules = modules_in_force(db, site.id, at)
        if modules and not missing_blocks(db, site, at):
            name = f"{site.brand}, {site.market} ({site.language})"
            found.append(SiteChoice(site.id, site.key, name, tuple((each.key, each.title) for each in modules)))
    return found


def check(offered: Sequence[SiteChoice], given: Given, *, most_days: int) -> Choice | dict[str, str]:
    """Return the choice, or what is wrong with it by field."""
    errors: dict[str, str] = {}
    site = next((each for each in offered if each.key == given.site), None)
    if site is None:
        errors["site"] = "Choose a site from the list."
    landing = given.landing or None
    if site is not None and landing is not None and landing not in dict(site.modules):
        errors["landing"] = "Choose a module of this site, or none."
    days = int(given.days) if given.days.isascii() and given.days.isdigit() and len(given.days) <= 4 else 0
    if not 1 <= days <= most_days:
        errors["days"] = f"Enter a whole number of days from 1 to {most_days}."
    if site is None or errors:
        return errors
    return Choice(site.id, landing, days)


def expiry(db: Session, choice: Choice, *, at: datetime) -> datetime:
    """Return when the link ends: after its days, or when the module it leads to ends, whichever is first."""
    wanted = at + timedelta(days=choice.days)
    ends = earliest_expiry(db, choice.site_id, [choice.landing], at) if choice.landing else None
    return max(min(wanted, ends), at + _SHORTEST) if ends is not None else wanted


def qr_svg(url: str) -> str:
    """Return the QR code of an address as inline SVG: colours as attributes, no style, named for screen readers."""
    code = segno.make(url, error="m")
    width, height = code.symbol_size(border=4)
    squares = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(code.matrix_iter(border=4)) for x, dark in enumerate(row) if dark
    )
    label = quoteattr("QR code of the link")
    return (
        f'<svg class="qr" viewBox="0 0 {width} {height}" width="232" height="232" role="img" aria-label={label} '
        'shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#ffffff"/>'
        f'<path d="{squares}" fill="#000000"/></svg>'
    )
