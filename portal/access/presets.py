"""Link presets: what links for one occasion lead to, and for how long. Versioned, retired, never deleted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.access.events import PresetMade, PresetRetired
from portal.access.models import LinkPreset
from portal.audit import Actor, record
from portal.content.models import Site
from portal.db import is_id, new_id

LONGEST_NAME, LONGEST_PURPOSE, MOST_MODULES, LONGEST_REASON = 60, 200, 10, 500
_REPLACED = "replaced by its next version"


class PresetRefused(Exception):
    """A preset that cannot be kept; `faults` are sentences by field."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class PresetContent:
    """What a preset says; `modules` are keys in order, `landing` is the key of the one to open first."""

    name: str = ""
    purpose: str = ""
    days: int = 0
    landing: str | None = None
    modules: tuple[str, ...] = ()

    @property
    def leads_to(self) -> tuple[str, ...]:
        """Return the keys of everything a link with this preset leads to."""
        return tuple(dict.fromkeys([*([self.landing] if self.landing else []), *self.modules]))


@dataclass(frozen=True, slots=True)
class Preset:
    """One version of a preset."""

    id: str
    series_id: str
    number: int
    site_id: str
    author_id: str
    created_at: datetime
    retired_at: datetime | None
    retired_by: str | None
    retired_reason: str | None
    content: PresetContent = field(default_factory=PresetContent)

    @property
    def is_offered(self) -> bool:
        """Tell whether links may be issued with it."""
        return self.retired_at is None

    @property
    def is_replaced(self) -> bool:
        """Tell whether a newer version took its place."""
        return self.retired_reason == _REPLACED


def offered(db: Session, site_id: str | None = None) -> list[Preset]:
    """Return the presets that links may be issued with, of one site or of all, by name."""
    query = select(LinkPreset).where(LinkPreset.retired_at.is_(None))
    if site_id is not None:
        query = query.where(LinkPreset.site_id == site_id)
    return [_preset(row) for row in db.scalars(query.order_by(func.lower(LinkPreset.name), LinkPreset.id))]


def retired(db: Session) -> list[Preset]:
    """Return the presets that were retired and not replaced, newest first."""
    query = select(LinkPreset).where(LinkPreset.retired_at.is_not(None), LinkPreset.retired_reason != _REPLACED)
    return [_preset(row) for row in db.scalars(query.order_by(LinkPreset.retired_at.desc(), LinkPreset.id))]


def preset(db: Session, preset_id: str) -> Preset | None:
    """Return one version of a preset; None where there is none."""
    row = db.get(LinkPreset, preset_id) if is_id(preset_id) else None
    return _preset(row) if row is not None else None


def versions(db: Session, series_id: str) -> list[Preset]:
    """Return every version of a preset, newest first."""
    query = select(LinkPreset).where(LinkPreset.series_id == series_id).order_by(LinkPreset.number.desc())
    return [_preset(row) for row in db.scalars(query)]


def called(db: Session, site_id: str, name: str) -> Preset | None:
    """Return the preset of a site that is offered under a name, whatever its case; None where there is none."""
    wanted = _one_line(name).casefold()
    return next((each for each in offered(db, site_id) if each.content.name.casefold() == wanted), None)


def make(
    db: Session,
    site_id: str,
    content: PresetContent,
    *,
    modules: Collection[str],
    most_days: int,
    by: Actor,
    at: datetime,
) -> str:
    """Make a preset and return its id; `modules` are the keys in force. Raises PresetRefused."""
    db.get_one(Site, site_id, with_for_update=True)  # names are told apart one preset after the other
    checked = _checked(db, site_id, content, modules=modules, most_days=most_days, series_id="")
    return _put(db, site_id, new_id(), 1, checked, replaces=None, by=by, at=at)


def change(
    db: Session,
    preset_id: str,
    content: PresetContent,
    *,
    modules: Collection[str],
    most_days: int,
    by: Actor,
    at: datetime,
) -> str:
    """Make the next version of a preset and return its id; the version before is kept and offered no longer."""
    row = _open(db, preset_id)
    checked = _checked(db, row.site_id, content, modules=modules, most_days=most_days, series_id=row.series_id)
    if checked == _preset(row).content:
        return row.id
    row.retired_at, row.retired_by, row.retired_reason = at, by.id, _REPLACED
    return _put(db, row.site_id, row.series_id, row.number + 1, checked, replaces=row.id, by=by, at=at)


def retire(db: Session, preset_id: str, *, reason: str, by: Actor, at: datetime) -> None:
    """Offer a preset no longer; links issued with it stay. Raises PresetRefused without a reason."""
    row = _open(db, preset_id)
    reason = _one_line(reason)[:LONGEST_REASON]
    if not reason or reason == _REPLACED:
        raise PresetRefused({"reason": "Say why; the reason is kept in the audit log."})
    row.retired_at, row.retired_by, row.retired_reason = at, by.id, reason
    event = PresetRetired(preset=row.id, site=row.site_id, title=row.name, number=row.number, reason=reason)
    record(db, event, by=by, at=at)


def _open(db: Session, preset_id: str) -> LinkPreset:
    row = db.get(LinkPreset, preset_id, with_for_update=True, populate_existing=True) if is_id(preset_id) else None
    if row is not None:
        db.get_one(Site, row.site_id, with_for_update=True)
    if row is None or row.retired_at is not None:
        raise PresetRefused({"name": "This preset was changed or retired meanwhile. Open the list again."})
    return row


def _checked(
    db: Session,
    site_id: str,
    content: PresetContent,
    *,
    modules: Collection[str],
    most_days: int,
    series_id: str,
) -> PresetContent:
    faults: dict[str, str] = {}
    name, purpose = _one_line(content.name), _one_line(content.purpose)
    same = called(db, site_id, name)
    if not name or len(name) > LONGEST_NAME:
        faults["name"] = f"Give the preset a name of up to {LONGEST_NAME} characters."
    elif same is not None and same.series_id != series_id:
        faults["name"] = f"This site has a preset “{same.content.name}” already."
    if not purpose or len(purpose) > LONGEST_PURPOSE:
        faults["purpose"] = f"Say in up to {LONGEST_PURPOSE} characters what it is for."
    if not 1 <= content.days <= most_days:
        faults["days"] = f"Enter a whole number of days from 1 to {most_days}."
    if content.landing is not None and content.landing not in modules:
        faults["landing"] = "Choose a module that is in force, or none."
    if len(set(content.modules)) > MOST_MODULES or not set(content.modules) <= set(modules):
        faults["modules"] = f"Choose up to {MOST_MODULES} modules that are in force."
    if faults:
        raise PresetRefused(faults)
    return PresetContent(name, purpose, content.days, content.landing, _kept(content.modules))


def _kept(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


def _put(
    db: Session,
    site_id: str,
    series_id: str,
    number: int,
    content: PresetContent,
    *,
    replaces: str | None,
    by: Actor,
    at: datetime,
) -> str:
    row = LinkPreset(
        id=new_id(),
        series_id=series_id,
        number=number,
        site_id=site_id,
        name=content.name,
        purpose=content.purpose,
        modules=list(content.modules),
        landing=content.landing,
        days=content.days,
        author_id=by.id or "",
        created_at=at,
    )
    db.add(row)
    db.flush()  # the next name is told apart from this one
    event = PresetMade(
        preset=row.id,
        site=site_id,
        title=content.name,
        number=number,
        purpose=content.purpose,
        modules=content.modules,
        landing=content.landing,
        days=content.days,
        replaces=replaces,
    )
    record(db, event, by=by, at=at)
    return row.id


def _preset(row: LinkPreset) -> Preset:
    return Preset(
        id=row.id,
        series_id=row.series_id,
        number=row.number,
        site_id=row.site_id,
        author_id=row.author_id,
        created_at=row.created_at,
        retired_at=row.retired_at,
        retired_by=row.retired_by,
        retired_reason=row.retired_reason,
        content=PresetContent(row.name, row.purpose, row.days, row.landing, tuple(row.modules)),
    )


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
