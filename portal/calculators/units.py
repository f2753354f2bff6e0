"""Units of measurement as scaled products of base dimensions, so that adding mg/dL to umol/L is an error."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

Dimensions = tuple[tuple[str, int], ...]
_HIGHEST_POWER = 12


class UnitRefused(ValueError):
    """A unit that is not in the closed table."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as a factor to base units and the exponents of its base dimensions."""

    scale: float
    dimensions: Dimensions

    def __mul__(self, other: Unit) -> Unit:
        return _unit(self.scale * other.scale, _joined(self.dimensions, other.dimensions, 1))

    def __truediv__(self, other: Unit) -> Unit:
        return _unit(self.scale / other.scale, _joined(self.dimensions, other.dimensions, -1))

    def power(self, exponent: int) -> Unit:
        """Gives the unit raised to a whole exponent; raises UnitRefused beyond the twelfth."""
        if abs(exponent) > _HIGHEST_POWER:
            raise UnitRefused(f"a quantity with a unit can be raised to at most the power {_HIGHEST_POWER}")
        return _unit(self.scale**exponent, {base: count * exponent for base, count in self.dimensions})

    def same_as(self, other: Unit) -> bool:
        """Tells whether two units are interchangeable without conversion."""
        return self.dimensions == other.dimensions and math.isclose(self.scale, other.scale, rel_tol=1e-9)

    @property
    def is_plain(self) -> bool:
        """Tells whether the unit is the number one."""
        return not self.dimensions and math.isclose(self.scale, 1.0, rel_tol=1e-9)

    def __str__(self) -> str:
        """Names the unit as an author would write it, or by its base dimensions where no such name fits."""
        if not self.dimensions:
            return "a plain number" if self.is_plain else f"{self.scale:g}"
        atoms = _atoms_of(self)
        names = atoms or [base for base, _ in self.dimensions]
        parts = [(name, count) for name, (_, count) in zip(names, self.dimensions, strict=True)]
        over = [_raised(name, count) for name, count in parts if count > 0]
        under = [_raised(name, -count) for name, count in parts if count < 0]
        scale = "" if atoms or math.isclose(self.scale, 1.0, rel_tol=1e-9) else f"{self.scale:g} "
        return scale + ("*".join(over) or "1") + "".join("/" + part for part in under)


# Each atom: factor to its base, then the base. Volume stands apart from length: no formula mixes them.
_ATOMS: dict[str, tuple[float, str | None, int]] = {
    "kg": (1e3, "g", 1),
    "g": (1.0, "g", 1),
    "mg": (1e-3, "g", 1),
    "ug": (1e-6, "g", 1),
    "ng": (1e-9, "g", 1),
    "lb": (453.59237, "g", 1),
    "m": (1.0, "m", 1),
    "cm": (1e-2, "m", 1),
    "mm": (1e-3, "m", 1),
    "in": (0.0254, "m", 1),
    "m2": (1.0, "m", 2),
    "cm2": (1e-4, "m", 2),
    "L": (1.0, "L", 1),
    "dL": (0.1, "L", 1),
    "mL": (1e-3, "L", 1),
    "uL": (1e-6, "L", 1),
    "mol": (1.0, "mol", 1),
    "mmol": (1e-3, "mol", 1),
    "umol": (1e-6, "mol", 1),
    "nmol": (1e-9, "mol", 1),
    "pmol": (1e-12, "mol", 1),
    "IU": (1.0, "IU", 1),
    "mIU": (1e-3, "IU", 1),
    "uIU": (1e-6, "IU", 1),
    "U": (1.0, "U", 1),
    "1e9": (1e9, "cells", 1),
    "1e3": (1e3, "cells", 1),
    "s": (1.0, "s", 1),
    "ms": (1e-3, "s", 1),
    "min": (60.0, "s", 1),
    "h": (3600.0, "s", 1),
    "years": (1.0, "years", 1),
    "months": (1.0 / 12.0, "years", 1),
    "bpm": (1.0, "bpm", 1),
    "mmHg": (1.0, "mmHg", 1),
    "kPa": (7.50061683, "mmHg", 1),
    "1.73m2": (1.0, "1.73m2", 1),
    "%": (1e-2, None, 0),
    "1": (1.0, None, 0),
    "fraction": (1.0, None, 0),
    "ratio": (1.0, None, 0),
    "index": (1.0, None, 0),
    "points": (1.0, None, 0),
    "score": (1.0, None, 0),
    "joints": (1.0, None, 0),
}

# Molar masses in g/mol, for checking the conversions a definition declares.
MOLAR_MASSES: dict[str, float] = {
    "creatinine": 113.12,
    "bilirubin": 584.66,
    "cholesterol": 386.65,
    "triglycerides": 885.7,
    "glucose": 180.16,
    "calcium": 40.078,
}

_SHOWN = {
    "umol": "µmol",
    "ug": "µg",
    "uL": "µL",
    "uIU": "µIU",
    "m2": "m²",
    "cm2": "cm²",
    "1.73m2": "1.73 m²",
    "1e9": "×10⁹",
    "1e3": "×10³",
}
_UNSPOKEN = frozenset({"1", "fraction", "index", "score", "ratio", "points"})


def parse_unit(text: str) -> Unit:
    """Reads a unit such as `mL/min/1.73m2`; raises UnitRefused naming the part it does not know."""
    if not text or len(text) > 40:
        raise UnitRefused(f"'{text[:40]}' is not a unit")
    result = Unit(1.0, ())
    for place, group in enumerate(text.split("/")):
        for atom in group.split("*"):
            if atom not in _ATOMS:
                raise UnitRefused(f"'{atom}' in the unit '{text}' is not a unit this language knows")
            scale, base, exponent = _ATOMS[atom]
            unit = _unit(scale, {base: exponent} if base else {})
            result = result * unit if place == 0 else result / unit
    return result


def shown_unit(text: str) -> str:
    """Writes a unit as print does: `umol/L` as µmol/L, `m2` as m², and nothing for scores."""
    if text in _UNSPOKEN:
        return ""
    return "/".join("·".join(_SHOWN.get(atom, atom) for atom in group.split("*")) for group in text.split("/"))


def conversion(source: Unit, target: Unit, *, molar_mass: float | None) -> float | None:
    """Gives what to multiply a value in `source` by to have it in `target`; None when the two do not convert.

    Mass and amount of substance convert by the molar mass in g/mol.
    """
    ratio = source / target
    factor = ratio.scale
    for base, exponent in ratio.dimensions:
        if molar_mass is None or base not in ("g", "mol"):
            return None
        if base == "mol":
            factor *= molar_mass**exponent
    exponents = dict(ratio.dimensions)
    if exponents.get("g", 0) + exponents.get("mol", 0) != 0:
        return None
    return factor


def _unit(scale: float, dimensions: dict[str, int]) -> Unit:
    if any(abs(count) > 10 * _HIGHEST_POWER for count in dimensions.values()) or not 0 < scale < math.inf:
        raise UnitRefused("the product of units is beyond what can be measured")
    return Unit(scale, tuple(sorted((base, count) for base, count in dimensions.items() if count)))


def _joined(left: Dimensions, right: Dimensions, sign: int) -> dict[str, int]:
    counts = dict(left)
    for base, count in right:
        counts[base] = counts.get(base, 0) + sign * count
    return counts


def _atoms_of(unit: Unit) -> list[str]:
    """Gives one atom for each base dimension whose product is the unit, the first that fits, or none."""
    choices = [
        [(name, scale**count) for name, (scale, of, power) in _ATOMS.items() if of == base and power == 1]
        for base, count in unit.dimensions[:4]
    ]
    for chosen in itertools.product(*choices) if len(unit.dimensions) <= len(choices) else ():
        if math.isclose(math.prod(scale for _, scale in chosen), unit.scale, rel_tol=1e-9):
            return [name for name, _ in chosen]
    return []


def _raised(base: str, count: int) -> str:
    if count == 1:
        return base
    return f"{base}{count}" if f"{base}{count}" in _ATOMS else f"{base}^{count}"
