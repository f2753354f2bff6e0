"""Random questions for a calculator: mostly good ones, some at the limits, some wrong in every way there is."""

from __future__ import annotations

import math
from collections.abc import Iterator

from portal.calculators.calculator import Calculator
from portal.calculators.definition import NumberInput
from portal.calculators.samples import Chance, edges, sample

Question = dict[str, object]
_WRONG: tuple[object, ...] = (None, True, "12", "", -1, 0, 1e308, 5e-324, -0.0, [1], {"area": 1}, 3.5)


def questions(calculator: Calculator, number: int, *, seed: int) -> Iterator[Question]:
    """Gives so many questions, the same ones for the same seed."""
    chance = Chance(seed)
    for _ in range(number):
        question = sample(calculator, chance)
        kind = chance.random()
        if kind > 0.95:
            _spoil(question, chance)
        elif kind > 0.85:
            _to_the_edge(calculator, question, chance)
        yield question


def _to_the_edge(calculator: Calculator, question: Question, chance: Chance) -> None:
    numbers = [(path, leaf) for path, leaf in calculator.inputs.items() if isinstance(leaf, NumberInput)]
    if not numbers:
        return
    path, leaf = chance.choice(numbers)
    group, _, name = path.rpartition(".")
    place = question[group] if group else question
    if isinstance(place, dict):
        for other in leaf.other_units:
            place.pop(other.name, None)
        place[name] = chance.choice(list(edges(leaf)))


def _spoil(question: Question, chance: Chance) -> None:
    name = chance.choice(list(question))
    match chance.randint(0, 3):
        case 0:
            del question[name]
        case 1:
            question[name] = chance.choice(_WRONG)
        case 2:
            question[f"{name}_x"] = question.pop(name)
        case _:
            value = question[name]
            question[name] = math.nextafter(value, math.inf) if isinstance(value, float) else -5
