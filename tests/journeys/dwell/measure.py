"""Runs scenarios and compares what was measured with the truth."""

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from portal.tracking.records import united_ms
from tests.journeys.dwell.cdp import Gone
from tests.journeys.dwell.entries import Scenario
from tests.journeys.dwell.site import Site
from tests.journeys.dwell.stage import stage_for

UNSEEN = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """One scenario's truth and measure in seconds."""

    scenario: Scenario
    truth: float
    measured: float
    bracket: tuple[float, float]
    worst_section: float | None
    worst_page: float
    fault: str = ""

    @property
    def error(self) -> float:
        """Return measured minus truth; the grace that a scenario allows is not an error."""
        raw = self.measured - self.truth
        return max(0.0, raw - self.scenario.more) if raw > 0 else raw

    @property
    def why(self) -> str:
        """Return what misses its figure, empty where nothing does."""
        if self.fault:
            return self.fault
        if self.scenario.bracketed:
            inside = self.bracket[0] - 0.3 <= self.truth <= self.bracket[1] + 0.3
            return "" if inside else "outside the bracket"
        if abs(self.error) > self.scenario.limit:
            return f"error over {self.scenario.limit} s"
        if self.scenario.more == 0 and not self.scenario.united and abs(self.worst_page) > self.scenario.limit:
            return f"a page is off by {self.worst_page:+.2f} s"
        if self.worst_section is not None and abs(self.worst_section) > self.scenario.limit and self.scenario.more == 0:
            return f"a section is off by {self.worst_section:+.2f} s"
        return ""

    @property
    def is_good(self) -> bool:
        """Tell whether every figure is reached."""
        return not self.why

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON."""
        return {
            "scenario": self.scenario.title,
            "truth_s": round(self.truth, 3),
            "measured_s": round(self.measured, 3),
            "error_s": round(self.error, 3),
            "best_other_s": self.scenario.others,
            "worst_page_s": round(self.worst_page, 3),
            "worst_section_s": None if self.worst_section is None else round(self.worst_section, 3),
            "bracket_s": [round(edge, 3) for edge in self.bracket],
            "missed": self.why,
        }


async def run_all(
    site: Site, scenarios: Sequence[Scenario], *, at_once: int, tell: Callable[[Measured], None] | None
) -> list[Measured]:
    """Return the measure of every scenario, several running side by side."""
    gate = asyncio.Semaphore(at_once)

    async def one(scenario: Scenario) -> Measured:
        async with gate:
            measured = await run(site, scenario)
        if tell:
            tell(measured)
        return measured

    return list(await asyncio.gather(*(one(scenario) for scenario in scenarios)))


async def run(site: Site, scenario: Scenario) -> Measured:
    """Return what one scenario measured."""
    fault = ""
    async with stage_for(scenario.name, site, *scenario.flags) as stage:
        try:
            await scenario.act(stage)
            await asyncio.sleep(0.6)  # what a closing page sends is on its way
        except (AssertionError, Gone, TimeoutError) as broken:
            fault = f"did not run: {broken!r}"
    truth = stage.truth
    views = site.views(f"{scenario.name}-")
    pages: dict[str, float] = {}
    sections: dict[tuple[str, str], float] = {}
    for view in views:
        pages[view.page] = pages.get(view.page, 0.0) + (view.dwell_ms or 0) / 1000
        for section in view.sections:
            key = (view.page, section.section)
            sections[key] = sections.get(key, 0.0) + section.attention_ms / 1000
    measured = united_ms(views) / 1000 if scenario.united else sum(pages.values())
    off_pages = [pages.get(label, 0.0) - truth.pages.get(label, 0.0) for label in pages.keys() | truth.pages.keys()]
    off_sections = [
        sections.get(place, 0.0) - truth.sections.get(place, 0.0) for place in sections.keys() | truth.sections.keys()
    ]
    low = sum(view.bracket.proven for view in views if view.bracket) / 1000
    high = sum(view.bracket.visible for view in views if view.bracket) / 1000
    return Measured(
        scenario,
        truth.total,
        measured,
        (low, high),
        max(off_sections, key=abs) if off_sections and not scenario.united else None,
        max(off_pages, key=abs) if off_pages else 0.0,
        fault,
    )


def summary(measured: Sequence[Measured]) -> dict[str, Any]:
    """Return the figures over all scenarios: median and worst absolute error (s), how many within 0.3 and 1 s."""
    errors = [abs(one.error) for one in measured if not one.scenario.bracketed]
    return {
        "scenarios": len(measured),
        "missed": sum(not one.is_good for one in measured),
        "median": round(statistics.median(errors), 3) if errors else 0.0,
        "worst": round(max(errors), 3) if errors else 0.0,
        "within 0.3 s": sum(error <= 0.30 for error in errors),
        "within 1 s": sum(error <= 1.0 for error in errors),
        "of": len(errors),
    }
