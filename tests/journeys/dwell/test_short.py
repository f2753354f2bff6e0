"""The short set: six scenarios in a real Chromium, with the figures of the whole."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.journeys.dwell.catalogue import SCENARIOS
from tests.journeys.dwell.measure import run_all, summary
from tests.journeys.dwell.site import site_in

pytestmark = pytest.mark.browser


def test_dwell_is_measured_to_the_figures_in_a_real_browser(tmp_path: Path) -> None:
    short = [scenario for scenario in SCENARIOS if scenario.short]
    # In a thread of its own: the journeys' Playwright keeps a loop running in the one of the tests.
    with site_in(tmp_path) as site, ThreadPoolExecutor(1) as beside:
        measured = beside.submit(asyncio.run, run_all(site, short, at_once=3, tell=None)).result()
    assert [f"{one.scenario.title}: {one.why}" for one in measured if one.why] == []
    assert summary(measured)["scenarios"] == 6
