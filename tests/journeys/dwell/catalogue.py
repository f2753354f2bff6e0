"""Every scenario: the common ones, in which other trackers were measured too, and the rarer ones."""

from tests.journeys.dwell.hardships import HARDSHIPS
from tests.journeys.dwell.mishaps import MISHAPS
from tests.journeys.dwell.scenarios import COMMON

SCENARIOS = [*COMMON, *HARDSHIPS, *MISHAPS]
