"""Every scenario: the common ones, in which other trackers were measured too, and the rarer ones."""

from tests.journeys.dwell.hardships import RARE
from tests.journeys.dwell.scenarios import COMMON

SCENARIOS = [*COMMON, *RARE]
