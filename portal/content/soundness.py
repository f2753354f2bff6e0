"""No calculator reaches a doctor that its own lint or its own vectors speak against."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.calculators.calculator import DefinitionRefused, parse_definition
from portal.content.formulas import faults
from portal.content.models import ModuleVersion
from portal.content.refusals import ApprovalRefused
from portal.content.states import State

_SHOWN = 5


def check(db: Session, version: ModuleVersion) -> None:
    """Refuse review or approval of a calculator that is not sound; raises ApprovalRefused with the first faults."""
    if version.definition is None:
        return
    found = faults(version.definition)
    if found:
        more = f" And {len(found) - _SHOWN} more." if len(found) > _SHOWN else ""
        raise ApprovalRefused(f"The calculator is not sound. {' '.join(f'{fault}.' for fault in found[:_SHOWN])}{more}")
    fingerprint = parse_definition(version.definition).fingerprint
    earlier = select(ModuleVersion.definition).where(
        ModuleVersion.module_id == version.module_id,
        ModuleVersion.id != version.id,
        ModuleVersion.state.in_((State.APPROVED, State.WITHDRAWN)),
        ModuleVersion.calculator_version == version.calculator_version,
        ModuleVersion.definition.is_not(None),
    )
    for definition in db.scalars(earlier):
        if definition is not None and _fingerprint(definition) != fingerprint:
            raise ApprovalRefused(
                f"Version {version.calculator_version} of this calculator was approved with another definition; "
                "a changed formula is a new version."
            )


def _fingerprint(definition: str) -> str:
    try:
        return parse_definition(definition).fingerprint
    except DefinitionRefused:
        return ""
