"""`python -m tests.journeys.dwell [NAME ...]`: run the scenarios against a real Chromium and print the errors."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.journeys.dwell.catalogue import SCENARIOS
from tests.journeys.dwell.measure import Measured, run_all, summary
from tests.journeys.dwell.site import site_in


def main() -> int:
    """Print one line per scenario and the figures over all; exit 1 where a figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="scenarios to run; all where none is named")
    parser.add_argument("--at-once", type=int, default=3, help="browsers at the same time")
    parser.add_argument("--short", action="store_true", help="the short set only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    chosen = parser.parse_args()
    wanted = [s for s in SCENARIOS if (not chosen.names or s.name in chosen.names) and (s.short or not chosen.short)]
    with tempfile.TemporaryDirectory(prefix="dwell-") as folder, site_in(Path(folder)) as site:
        measured = asyncio.run(run_all(site, wanted, at_once=chosen.at_once, tell=None if chosen.json else _tell))
    figures = summary(measured)
    if chosen.json:
        print(json.dumps({"scenarios": [one.as_dict() for one in measured], "figures": figures}, indent=1))
    else:
        print("\n" + ", ".join(f"{name}: {value}" for name, value in figures.items()))
    return 0 if all(one.is_good for one in measured) else 1


def _tell(one: Measured) -> None:
    others = "" if one.scenario.others is None else f"{one.scenario.others:+.1f}"
    worst = f"{one.worst_section:+.2f}" if one.worst_section is not None else ""
    print(
        f"{one.scenario.title:52} truth {one.truth:6.2f}  measured {one.measured:6.2f}  error {one.error:+6.2f}"
        f"  best other {others:>5}  section {worst:>6}  bracket {one.bracket[0]:.1f}-{one.bracket[1]:.1f}"
        f"  {'' if one.is_good else 'MISSED ' + one.why}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
