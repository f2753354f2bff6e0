"""What lint can find in a rule set, each with the rule and the place it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.personalize.facts import Facts


class Kind(StrEnum):
    """The kinds of finding."""

    SHADOWED = "shadowed"  # another rule always decides first
    CONTRADICTORY = "contradictory"  # cannot be met, or another rule says the opposite
    NEVER = "never-matches"
    ALWAYS = "always-matches"
    TIE = "tie-dependent"  # only the standard order, or the order of the list, decides
    STARVING = "starving"  # a module no doctor gets to see, or sees early
    NOT_IN_FORCE = "not-in-force"  # speaks of what is not there
    DISPLACES = "displaces-mandatory"  # can hide or push down what must be seen


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `others` names the other rules or modules it is about, `example` a doctor it shows on."""

    kind: Kind
    rule: str
    place: str
    text: str
    others: tuple[str, ...] = ()
    doctors: int = 0
    example: Facts | None = None
