"""What an author writes for a piece, its hash, and everything that is wrong with it. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from portal.hcp.profiles import AUDIENCES
from portal.mailing.fields import Bounds, FilledField
from portal.mailing.placeholders import FRAGMENTS, HOME, Place, places
from portal.mailing.refusals import Fault, PieceRefused
from portal.mailing.source import check_places, read
from portal.mailing.states import PieceKind

MOST_FIELDS = 12


@dataclass(frozen=True, slots=True)
class PieceContent:
    """What an author writes; `subject`, `fields` and `bounds` are for templates."""

    title: str
    body: str
    subject: str = ""
    fields: tuple[FilledField, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    audiences: tuple[str, ...] = ()

    def digest(self) -> str:
        """Return the SHA-256 (hex) of all of it."""
        parts = {
            "title": self.title,
            "body": self.body,
            "subject": self.subject,
            "fields": [field.as_stored() for field in self.fields],
            "bounds": self.bounds.model_dump(mode="json"),
            "audiences": list(self.audiences),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def faults_of_piece(kind: PieceKind, content: PieceContent) -> list[Fault]:
    """Return what is wrong with a draft, by the field of its form; fields are named `f0.key`, `f0.label`, ...."""
    found = []
    if not 1 <= len(content.title.strip()) <= 120:
        found.append(Fault("title", "The title needs 1 to 120 characters."))
    elif not content.title.strip().isprintable():
        found.append(Fault("title", "The title holds characters that cannot be seen; type it again."))
    unknown = [name for name in content.audiences if name not in AUDIENCES]
    if unknown:
        sentence = f"There is no audience {unknown[0][:40]}; they are {', '.join(AUDIENCES)}."
        found.append(Fault("audiences", sentence))
    try:
        read(kind, content.body)
    except PieceRefused as refused:
        found.append(Fault("body", str(refused)))
    if kind is PieceKind.FRAGMENT:
        if content.subject or content.fields:
            found.append(Fault("kind", "A fragment has no subject and no fields of its own."))
        return found
    found += _subject_faults(content.subject)
    # What a body that cannot be read declares is found out when it can be.
    if not any(fault.field == "body" for fault in found):
        found += _field_faults(content.fields, places(content.body))
        if content.bounds.fewest_fragments and FRAGMENTS not in {place.name for place in places(content.body)}:
            sentence = "Fragments have to be picked, but {{fragments}} stands nowhere in the body."
            found.append(Fault("fewest_fragments", sentence))
    return found


def module_targets(body: str) -> frozenset[str]:
    """Return the keys of the modules that a piece links to."""
    return frozenset(place.key for place in places(body) if place.is_link and place.key != HOME)


def _subject_faults(subject: str) -> list[Fault]:
    if not 1 <= len(subject.strip()) <= 150 or not subject.isprintable():
        return [Fault("subject", "The subject needs 1 to 150 characters on one line.")]
    try:
        check_places(PieceKind.TEMPLATE, subject, where="subject")
    except PieceRefused as refused:
        return [Fault("subject", str(refused))]
    return []


def _field_faults(fields: Sequence[FilledField], found: Sequence[Place]) -> list[Fault]:
    used = {place.name: place.line for place in found if place.is_field}
    declared = [field.place for field in fields]
    faults = []
    if len(fields) > MOST_FIELDS:
        faults.append(Fault("fields", f"A template has at most {MOST_FIELDS} fields."))
    for number, name in enumerate(declared):
        if name not in used:
            sentence = f"The field {name} is declared and stands nowhere in the body."
            faults.append(Fault(f"f{number}.key", sentence))
        if fields[number].key in {field.key for field in fields[:number]}:
            faults.append(Fault(f"f{number}.key", f"A field is declared twice: {fields[number].key}."))
    for name, line in used.items():
        if name not in declared:
            sentence = f"The placeholder “{name}” in line {line} of the body has no field declared for it."
            faults.append(Fault("body", sentence))
    return faults
