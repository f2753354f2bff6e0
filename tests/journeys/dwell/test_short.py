"""The short set: six scenarios in a real Chromium, with the figures of the whole.

Other tests run beside them on the same cores; what misses its figure is measured once more, alone.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.journeys.dwell.catalogue import SCENARIOS
from tests.journeys.dwell.entries import Scenario
from tests.journeys.dwell.measure import Measured, run_all, summary
from tests.journeys.dwell.site import site_in

pytestmark = pytest.mark.browser


def measured(folder: Path, scenarios: Sequence[Scenario], *, at_once: int) -> list[Measured]:
    # In a thread of its own: the journeys' Playwright keeps a loop running in the one of the tests.
    with site_in(folder) as site, ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, run_all(site, scenarios, at_once=at_once, tell=None)).result()


def test_dwell_is_measured_to_the_figures_in_a_real_browser(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("together", "alone")]
    for folder in folders:
        folder.mkdir()
    together = measured(folders[0], [scenario for scenario in SCENARIOS if scenario.short], at_once=3)
    assert summary(together)["scenarios"] == 6
    missed = [one.scenario for one in together if one.why]
    alone = measured(folders[1], missed, at_once=1) if missed else []
    assert [f"{one.scenario.title}: {one.why}" for one in alone if one.why] == []
