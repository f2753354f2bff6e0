"""Audit events in words: who did what to what, when and from where."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.audit.actors import ActorKind
from portal.audit.events import declared
from portal.audit.queries import EventRow
from portal.db import is_id
from portal.reports.names import DoctorName, doctor_names, site_names
from portal.staff.queries import names_of

WITHHELD = "personal, kept apart"
_PARTS = {"cli": "the command line", "worker": "the background worker", "portal": "the portal itself"}
_DEVICES = {
    "device": "the link's first device",
    "verified": "a device confirmed by code",
    "unknown": "another device",
}
_PLACE = re.compile(r"\{([a-z_0-9]+)\}")
_HEX = re.compile(r"[0-9a-f]{32,64}")
_BRIEF = 60
_KNOWN_BY_PLACE = frozenset({"confidence", "part"})
_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2}(\.\d+)?)?Z")


@dataclass(frozen=True, slots=True)
class Deed:
    """One audit event for people; `facts` are its remaining fields as (label, value)."""

    seq: int
    id: str
    at: datetime
    name: str
    kind: str
    actor: str
    said: str
    where: str
    doctor: DoctorName | None
    facts: tuple[tuple[str, str], ...]
    arrangement: str | None

    @property
    def brief(self) -> tuple[tuple[str, str], ...]:
        """Return the few facts worth reading in a list: no identifiers, no hashes, nothing long."""
        return tuple(
            (label, value)
            for label, value in self.facts
            if len(value) <= _BRIEF
            and value not in ("none", WITHHELD, self.actor, self.where)
            and label not in _KNOWN_BY_PLACE
            and not _HEX.fullmatch(value)
        )[:4]


def deeds(db: Session, rows: Sequence[EventRow]) -> list[Deed]:
    """Return events in words, in the order given, with every name looked up in three queries."""
    told = [(row, row.about) for row in rows]
    ids = {value for _row, about in told for value in about.values() if isinstance(value, str) and is_id(value)}
    ids |= {row.actor_id for row in rows if row.actor_id} | {row.hcp_id for row in rows if row.hcp_id}
    staff, doctors = names_of(db, ids), doctor_names(db, ids)
    called = staff | {each.id: each.name for each in doctors.values()} | site_names(db)
    return [_deed(row, about, called, doctors) for row, about in told]


def in_words(name: str, about: Mapping[str, Any]) -> str:
    """Return the sentence of an event, the name itself where its class is not known any more."""
    kind = declared().get(name)
    if kind is None:
        return name.replace(".", " ").replace("-", " ")
    return _PLACE.sub(lambda found: shown(about.get(found[1])), kind.words)


def shown(value: object) -> str:
    """Return a field's value as people read it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return (
            WITHHELD if set(value) == {"sha256"} else ", ".join(f"{key}: {shown(each)}" for key, each in value.items())
        )
    if isinstance(value, list | tuple):
        return ", ".join(shown(each) for each in value) or "none"
    moment = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    return f"{moment[1]} {moment[2]} UTC" if moment else str(value)


def _deed(row: EventRow, about: dict[str, Any], called: Mapping[str, str], doctors: Mapping[str, DoctorName]) -> Deed:
    sentence = declared()[row.name].words if row.name in declared() else ""
    told = set(_PLACE.findall(sentence)) | {"hcp"}
    facts = [
        (key.replace("_", " "), called.get(value, shown(value)) if isinstance(value, str) else shown(value))
        for key, value in about.items()
        if key not in told and value != ""
    ]
    arrangement = about.get("arrangement")
    return Deed(
        seq=row.seq,
        id=row.id,
        at=row.at,
        name=row.name,
        kind=row.actor_kind,
        actor=_actor(row, called),
        said=in_words(row.name, about),
        where=_where(row, about),
        doctor=doctors.get(row.hcp_id) if row.hcp_id else None,
        facts=tuple(facts),
        arrangement=arrangement if isinstance(arrangement, str) and is_id(arrangement) else None,
    )


def _actor(row: EventRow, called: Mapping[str, str]) -> str:
    if row.actor_kind == ActorKind.STAFF:
        return called.get(row.actor_id or "", "A former colleague")
    if row.actor_kind == ActorKind.HCP:
        return called.get(row.actor_id or "", "A doctor")
    if row.actor_kind == ActorKind.VISITOR:
        return "Somebody with the link"
    return f"The portal ({row.actor_id})" if row.actor_id else "The portal"


def _where(row: EventRow, about: Mapping[str, Any]) -> str:
    if row.actor_kind == ActorKind.SYSTEM:
        return _PARTS.get(row.actor_id or "", "the portal itself")
    if row.actor_kind == ActorKind.STAFF:
        browser = about.get("browser")
        return str(browser) if browser else "staff pages"
    return _DEVICES.get(str(about.get("confidence")), "the doctor's pages")


def doctors_in(rows: Iterable[Deed]) -> list[DoctorName]:
    """Return the doctors that deeds are about, each once, in the order they come."""
    return list({deed.doctor.id: deed.doctor for deed in rows if deed.doctor}.values())
