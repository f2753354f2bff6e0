"""Measures how far the two engines agree: `python -m tests.calculators.agreement [questions per calculator]`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Page, sync_playwright

from portal.calculators import registry
from portal.calculators.calculator import Calculator
from tests.browser import FLAGS, chromium_path
from tests.calculators.engines import browser_answers, disagreement, python_answers, relative_error
from tests.calculators.questions import questions
from tests.calculators.site import serve

PIECE = 5_000


@dataclass
class Measured:
    """What came of one calculator's questions."""

    calculator: str
    asked: int = 0
    answered: int = 0
    worst: float = 0.0
    differ: int = 0
    first: str = ""


def measure(page: Page, calculator: Calculator, number: int, *, seed: int) -> Measured:
    """Asks both engines the same questions and compares every answer."""
    found = Measured(calculator.name)
    for place in range(0, number, PIECE):
        piece = list(questions(calculator, min(PIECE, number - place), seed=seed + place))
        ours, theirs = python_answers(calculator, piece), browser_answers(page, calculator, piece)
        for question, left, right in zip(piece, ours, theirs, strict=True):
            found.asked += 1
            found.answered += "outputs" in left
            found.worst = max(found.worst, relative_error(left, right))
            if said := disagreement(left, right):
                found.differ += 1
                found.first = found.first or f"{question}: {said}"
    return found


def measure_all(number: int) -> Iterator[Measured]:
    """Measures every calculator in a Chromium of its own."""
    with serve() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        page = browser.new_page()
        page.goto(f"{site.url}/{registry.names()[0]}")
        for name in registry.names():
            yield measure(page, registry.get(name), number, seed=20_261_122)
        browser.close()


def main() -> int:
    """Prints one line per calculator; 1 where any answer differs."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    began, differ, asked = time.monotonic(), 0, 0
    print(f"{'calculator':26} {'asked':>8} {'answered':>9} {'differ':>7} {'worst relative difference':>26}")
    for found in measure_all(number):
        asked, differ = asked + found.asked, differ + found.differ
        print(f"{found.calculator:26} {found.asked:8} {found.answered:9} {found.differ:7} {found.worst:26.2e}")
        if found.first:
            print(f"    {found.first}")
    print(f"{asked} questions, {differ} answers differ, {time.monotonic() - began:.0f} s")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
