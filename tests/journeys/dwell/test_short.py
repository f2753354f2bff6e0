"""The short set: six scenarios in a real Chromium, with the figures of the whole."""

import asyncio
from pathlib import Path

import pytest

from tests.journeys.dwell.measure import run_all, summary
from tests.journeys.dwell.scenarios import SCENARIOS
from tests.journeys.dwell.site import site_in

pytestmark = pytest.mark.browser


def test_dwell_is_measured_to_the_figures_in_a_real_browser(tmp_path: Path) -> None:
    short = [scenario for scenario in SCENARIOS if scenario.short]
    with site_in(tmp_path) as site:
        measured = asyncio.run(run_all(site, short, at_once=3, tell=None))
    assert [f"{one.scenario.title}: {one.why}" for one in measured if one.why] == []
    assert summary(measured)["scenarios"] == 6
