"""The calculators that ship, and those that may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType

from portal.calculators.calculator import Calculator, parse_definition

# Asked for often, and not shipped for reasons of rights or safety.
NOT_OFFERED: dict[str, str] = {
    "frax": "University of Sheffield; the algorithm is a trade secret",
    "mmse": "copyright of PAR Inc. since 2001",
    "elf": "proprietary algorithm of Siemens Healthineers",
    "cfs": "Clinical Frailty Scale: Dalhousie University, free for non-commercial use only",
    "lanss": "M. I. Bennett / Elsevier",
    "must": "copyright of BAPEN",
    "cat": "COPD Assessment Test: GSK / CAT Governance Board",
    "acq": "E. Juniper / QOL Technologies",
    "oxford_hip_score": "Oxford University Innovation",
    "oxford_knee_score": "Oxford University Innovation",
    "scorad": "ETFAD; Mapi Research Trust",
    "norton": "rights unresolved: Centre for Policy on Ageing (1962)",
    "score2": "rights unresolved: ESC states no terms for software",
    "score2_op": "rights unresolved: ESC states no terms for software",
    "sad_persons": "NICE NG225 says not to use it",
}


class CalculatorUnknown(LookupError):
    """A calculator that does not ship, with what is known about why."""


@cache
def names() -> tuple[str, ...]:
    """Gives the names of all calculators that ship, in alphabetical order."""
    return tuple(
        sorted(
            entry.name.removesuffix(".json")
            for entry in resources.files("portal.calculators").joinpath("definitions").iterdir()
            if entry.name.endswith(".json")
        )
    )


@cache
def get(name: str) -> Calculator:
    """Gives a calculator by name; raises CalculatorUnknown."""
    return parse_definition(source(name))


def source(name: str) -> str:
    """Gives the JSON text of a shipped definition; raises CalculatorUnknown."""
    if name not in names():
        raise CalculatorUnknown(_unknown(name, names()))
    path = resources.files("portal.calculators").joinpath("definitions").joinpath(f"{name}.json")
    return path.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Approved:
    """A calculator in force on a site, with the approval code of its version."""

    calculator: Calculator
    approval_code: str


@dataclass(frozen=True, slots=True)
class Library:
    """The calculators to be asked: those that ship, unless a site serves or has stopped one of the name.

    `stopped` names calculators that a site approved and serves no longer, with the sentence that says so.
    """

    in_force: Mapping[str, Approved] = field(default_factory=lambda: MappingProxyType({}))
    stopped: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    with_shipped: bool = True

    def names(self) -> tuple[str, ...]:
        """Give the names that can be asked, in alphabetical order."""
        shipped = set(names()) - self.stopped.keys() if self.with_shipped else set()
        return tuple(sorted(shipped | self.in_force.keys()))

    def get(self, name: str) -> Calculator:
        """Give a calculator by name; raises CalculatorUnknown."""
        if name in self.in_force:
            return self.in_force[name].calculator
        if name in self.stopped:
            raise CalculatorUnknown(self.stopped[name])
        if self.with_shipped and name in names():
            return get(name)
        raise CalculatorUnknown(_unknown(name, self.names()))

    def approval_code(self, name: str) -> str:
        """Give the approval code of a calculator that can be asked."""
        found = self.in_force.get(name)
        return found.approval_code if found else self.get(name).definition.approval_code


SHIPPED = Library()


def recorded_bands(calculator: Calculator) -> dict[str, str]:
    """Gives the words that may be recorded as a result band, each with its label; empty where none may be."""
    bands = calculator.definition.bands
    if bands is None or not bands.recordable:
        return {}
    return {band.id.lower(): band.label for band in bands.each}


def _unknown(name: str, known: tuple[str, ...]) -> str:
    reason = NOT_OFFERED.get(name.lower().replace("-", "_").replace(" ", "_")[:40])
    if reason:
        return f"{name[:40]} is not offered: {reason}."
    return f"There is no calculator named {name[:60]!r}; there are {', '.join(known) or 'none'}."
