"""What a calculator may report of its use: its name, its version and the result bands that may be recorded."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.calculators import registry
from portal.calculators.calculator import DefinitionRefused, parse_definition
from portal.content.models import ModuleVersion
from portal.content.states import State

_MOST = 1_000
# What is approved never changes, so it is read once; ids are never used twice.
_KNOWN: dict[str, "Declared"] = {}


@dataclass(frozen=True, slots=True)
class Declared:
    """A calculator as one version of a module serves it; `bands` are the words that may be recorded, with labels."""

    calculator: str
    version: str
    bands: Mapping[str, str]


def declared(db: Session, version_ids: Collection[str]) -> list[Declared]:
    """Return what the calculators among these module versions may report; other versions give nothing."""
    if len(_KNOWN) > _MOST:
        _KNOWN.clear()
    missing = sorted({each for each in version_ids if each not in _KNOWN})
    if missing:
        columns = (ModuleVersion.calculator, ModuleVersion.calculator_version, ModuleVersion.definition)
        query = select(ModuleVersion.id, *columns).where(
            ModuleVersion.id.in_(missing),
            ModuleVersion.calculator.is_not(None),
            ModuleVersion.state.in_((State.APPROVED, State.WITHDRAWN)),
        )
        for row in db.execute(query):
            _KNOWN[row.id] = Declared(row.calculator, row.calculator_version, _bands(row.calculator, row.definition))
    return [_KNOWN[each] for each in sorted(set(version_ids)) if each in _KNOWN]


def recordable_bands(db: Session, version_ids: Collection[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return, by calculator, the words that these versions let be recorded, each with how it is shown to choose."""
    return {
        each.calculator: tuple((word, label if label.lower() == word else f"{label} ({word})") for word, label in bands)
        for each in declared(db, version_ids)
        if (bands := each.bands.items())
    }


def _bands(name: str, definition: str | None) -> Mapping[str, str]:
    """Return the recordable bands of a definition, or of the shipped calculator where the version only names one."""
    try:
        calculator = registry.get(name) if definition is None else parse_definition(definition)
    except (registry.CalculatorUnknown, DefinitionRefused):
        return {}
    return registry.recorded_bands(calculator)
