"""What a rep may choose when issuing a link, and the QR code of its address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import quoteattr

import segno
from sqlalchemy.orm import Session

from portal.access import presets
from portal.access.expiry import Cause, Ending, ending
from portal.access.presets import Preset
from portal.content.queries import missing_blocks, modules_in_force, sites

_TAKEN_AS_CHOSEN = (Cause.CHOSEN, Cause.POLICY)


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
    seen: str = ""  # the end that was shown before the button was pressed


@dataclass(frozen=True, slots=True)
class Choice:
    """A link as chosen; `landing` is the key of the module to open first."""

    site_id: str
    landing: str | None
    days: int
    modules: tuple[str, ...] = ()
    preset_id: str | None = None

    @property
    def leads_to(self) -> tuple[str, ...]:
        """Return the keys of what the link leads to."""
        return tuple(dict.fromkeys([*([self.landing] if self.landing else []), *self.modules]))


@dataclass(frozen=True, slots=True)
class PresetOffer:
    """A preset as a rep may take it for one doctor: what it opens, when the link would end and why."""

    preset: Preset
    site_name: str
    titles: tuple[str, ...]
    landing: str
    ending: Ending | None  # None: what it leads to is not in force
    gone: tuple[str, ...]


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
    return Choice(site.id, landing, days, (landing,) if landing else ())


def of_preset(offered: Sequence[SiteChoice], preset: Preset | None) -> Choice | None:
    """Return the choice that a preset makes; None where it is offered no longer or its content is not in force."""
    if preset is None or not preset.is_offered:
        return None
    site, content = next((each for each in offered if each.id == preset.site_id), None), preset.content
    if site is None or not set(content.leads_to) <= set(dict(site.modules)):
        return None
    modules = content.modules or ((content.landing,) if content.landing else ())
    return Choice(site.id, content.landing, content.days, modules, preset.id)


def preset_offers(
    db: Session, hcp_id: str, offered: Sequence[SiteChoice], *, most_days: int, at: datetime
) -> list[PresetOffer]:
    """Return the presets of the sites on offer, each with when its link to a doctor would end and why."""
    found = []
    for site in offered:
        titles = dict(site.modules)
        for preset in presets.offered(db, site.id):
            choice, content = of_preset(offered, preset), preset.content
            found.append(
                PresetOffer(
                    preset=preset,
                    site_name=site.name,
                    titles=tuple(titles.get(key, key) for key in content.modules),
                    landing=titles.get(content.landing, content.landing) if content.landing else "",
                    ending=ending_of(db, hcp_id, choice, most_days=most_days, at=at) if choice else None,
                    gone=tuple(key for key in content.leads_to if key not in titles),
                )
            )
    return found


def ending_of(db: Session, hcp_id: str, choice: Choice, *, most_days: int, at: datetime) -> Ending:
    """Return when a link as chosen would end for a doctor, and why."""
    led_to, days = choice.leads_to, choice.days
    return ending(db, hcp_id, choice.site_id, modules=led_to, most_days=most_days, days=days, at=at)


def is_surprise(found: Ending, seen: str) -> bool:
    """Tell whether a link would end before the days that were asked for, and this was not shown yet."""
    return found.cause not in _TAKEN_AS_CHOSEN and seen != found.at.isoformat()


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
