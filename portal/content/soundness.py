"""No calculator reaches a doctor that its own lint or its own vectors speak against, or under another one's name."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.calculators import registry
from portal.calculators.calculator import DefinitionRefused, parse_definition
from portal.content.formulas import LONGEST_CODE, faults, with_code
from portal.content.models import Module, ModuleVersion
from portal.content.refusals import ApprovalRefused, DraftRefused
from portal.content.states import State

_SHOWN = 5
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SETTLED = (State.APPROVED, State.WITHDRAWN)


def check(db: Session, version: ModuleVersion) -> None:
    """Refuse review or approval of a calculator that is not sound; raises ApprovalRefused with the first faults."""
    if version.definition is None:
        return
    # With its code filled in: what has room for a shorter one only would fail at the moment of approval.
    found = faults(with_code(version.definition, "0" * LONGEST_CODE))
    if found:
        more = f" And {len(found) - _SHOWN} more." if len(found) > _SHOWN else ""
        raise ApprovalRefused(f"The calculator is not sound. {' '.join(f'{fault}.' for fault in found[:_SHOWN])}{more}")
    name = version.calculator or ""
    if refused := _name_fault(db, name, version.module_id):
        raise ApprovalRefused(refused)
    former = select(ModuleVersion.calculator).where(
        ModuleVersion.module_id == version.module_id,
        ModuleVersion.state.in_(_SETTLED),
        ModuleVersion.calculator != name,
    )
    if before := db.scalar(former.limit(1)):
        raise ApprovalRefused(f"This module was approved as the calculator {before}; records use that name: it stays.")
    fingerprint = parse_definition(version.definition).fingerprint
    if any(fingerprint != other for other in _fingerprints(db, name, version)):
        raise ApprovalRefused(
            f"Version {version.calculator_version} of this calculator was approved with another definition; "
            "a changed formula is a new version."
        )


def check_beginning(db: Session, module_id: str, *, name: str, definition: str) -> None:
    """Refuse a name for a new module's calculator that cannot stand or means another one; raises DraftRefused."""
    if not _NAME.fullmatch(name):
        raise DraftRefused(
            "The key of a calculator begins with a letter and has at most 40 characters: it becomes its name in rules "
            "and records."
        )
    if refused := _name_fault(db, name, module_id):
        raise DraftRefused(refused)
    same = {_fingerprint(definition)}
    if name in registry.names() and registry.get(name).fingerprint not in same:
        raise DraftRefused(f"The calculator {name} is there already: copy it to put it here, or choose another key.")
    elsewhere = select(ModuleVersion.definition).where(
        ModuleVersion.calculator == name, ModuleVersion.module_id != module_id, ModuleVersion.definition.is_not(None)
    )
    others = {_fingerprint(text) for text in db.scalars(elsewhere) if text is not None}
    if others and not others & same:
        raise DraftRefused(f"The calculator {name} is on another site: copy it from there, or choose another key.")


def _name_fault(db: Session, name: str, module_id: str) -> str:
    """Say why a module cannot hold the calculator `name`, or nothing."""
    if name in registry.NOT_OFFERED:
        return f"{name} is not offered: {registry.NOT_OFFERED[name]}."
    site_id = select(Module.site_id).where(Module.id == module_id).scalar_subquery()
    query = (
        select(Module.key)
        .join(ModuleVersion, ModuleVersion.module_id == Module.id)
        .where(Module.site_id == site_id, Module.id != module_id, ModuleVersion.calculator == name)
    )
    other = db.scalar(query.limit(1))
    return f"The calculator {name} is on this site already, in the module {other}." if other else ""


def _fingerprints(db: Session, name: str, version: ModuleVersion) -> set[str]:
    """Return the fingerprints under which this name and version are known, on any site and among what ships."""
    query = select(ModuleVersion.definition).where(
        ModuleVersion.id != version.id,
        ModuleVersion.state.in_(_SETTLED),
        ModuleVersion.calculator == name,
        ModuleVersion.calculator_version == version.calculator_version,
        ModuleVersion.definition.is_not(None),
    )
    found = {_fingerprint(text) for text in db.scalars(query) if text is not None}
    if name in registry.names() and registry.get(name).version == version.calculator_version:
        found.add(registry.get(name).fingerprint)
    return found


def _fingerprint(definition: str) -> str:
    try:
        return parse_definition(definition).fingerprint
    except DefinitionRefused:
        return ""
