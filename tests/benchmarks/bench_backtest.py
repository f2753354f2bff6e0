"""How long a back-test over stored arrangements takes.

Run with `python -m tests.benchmarks.bench_backtest [--pages 100000] [--workers 2] [--json]`; the goal is
100,000 arrangements in 30 s on two cores. The pages are those of a site of 40 modules, a doctor with ten
modules read on several days each, and 20 rules; that each page comes out as served is checked on the way.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from portal.personalize import (
    Candidate,
    Confidence,
    Day,
    Facts,
    ModuleHistory,
    Profile,
    RuleSet,
    arrange,
    compile_rules,
    parse_rule_set,
)
from portal.personalize.backtest import Stored, tried
from portal.personalize.codec import candidates_to_json, facts_to_json

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
TOPICS = tuple(f"topic-{number}" for number in range(10))
SITE = tuple(
    Candidate(f"module-{n}", f"{n:032x}", f"Module {n}", (TOPICS[n % 10],), position=n, audiences=("doctor",))
    for n in range(40)
)


def rules(by: float) -> RuleSet:
    """Give 20 rules whose weight is the only difference between live and draft."""
    return parse_rule_set(
        {
            "id": "bench",
            "version": 1,
            "site": "bench",
            "rules": [_rule(number, by) for number in range(20)],
        }
    )


def _rule(number: int, by: float) -> dict[str, Any]:
    topic = TOPICS[number % 10]
    read = {"fact": "module_dwell_s", "of": f"module-{number}", "within_days": 90, "op": ">", "value": 20}
    return {
        "id": f"rule-{number}",
        "name": f"Rule {number}",
        "because": f"You asked for {topic}",
        "then": {"do": "raise", "target": {"topic": topic}, "by": by},
        "when": {"all": [{"fact": "segment", "op": "in", "value": ["A", "B"]}, {"any": [read]}]},
    }


def doctor(number: int) -> Facts:
    """Give one of 3,000 doctors at one of many instants."""
    modules = {}
    for place in range(10):
        days = tuple(
            Day(date(2026, 11, 1) - timedelta(days=back * 7), 3_000 * (place + 1), 1)
            for back in range((number + place) % 6 + 1)
        )
        modules[f"module-{(number * 7 + place * 3) % 40}"] = ModuleHistory(
            sum(day.dwell_ms for day in days), len(days), 1, False, AT, days=days
        )
    return Facts(
        at=AT - timedelta(minutes=number),
        subject=f"h{number % 3000}",
        consent_profiling=True,
        confidence=Confidence.DEVICE,
        profile=Profile("cardiology", "ABC"[number % 3], 5, audience="doctor"),
        interest={topic: (number + place) % 9 * 0.7 for place, topic in enumerate(TOPICS)},
        modules=modules,
    )


def pages(count: int, live: RuleSet) -> Iterator[Stored]:
    """Yield stored pages, 2,000 different ones over and over with ids and doctors of their own."""
    compiled, site = compile_rules(live), candidates_to_json(SITE)
    made = []
    for number in range(min(count, 2000)):
        facts = doctor(number)
        made.append((facts_to_json(facts), arrange(facts, SITE, compiled).order()))
    for number in range(count):
        facts_text, order = made[number % len(made)]
        yield Stored(f"{number:032x}", f"h{number % 3000}", facts_text, site, order, "bench", 1)


def main() -> int:
    """Print the figures; exit 0 when 100,000 pages would take at most 30 s and fidelity is whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    live, draft = rules(3), rules(0.5)
    stored = list(pages(asked.pages, live))
    own = resource.getrusage(resource.RUSAGE_SELF)
    before = own.ru_utime + own.ru_stime
    begun = time.perf_counter()
    found, faithful = tried(stored, draft, {("bench", 1): live}, workers=asked.workers)
    seconds = time.perf_counter() - begun
    children, here = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
    worked = children.ru_utime + children.ru_stime + here.ru_utime + here.ru_stime - before
    figures = {
        "pages": found.pages,
        "seconds": round(seconds, 2),
        "seconds_per_100000": round(seconds / max(found.pages, 1) * 100_000, 2),
        "cpu_seconds": round(worked, 2),
        "cpu_seconds_a_worker": round((children.ru_utime + children.ru_stime) / asked.workers, 2),
        "changed": found.changed,
        "doctors_affected": len(found.doctors),
        "fidelity": faithful.same / max(faithful.pages, 1),
    }
    if asked.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.write("".join(f"{name:20} {value:>12}\n" for name, value in figures.items()))
    return 0 if figures["seconds_per_100000"] <= 30 and faithful.is_whole() else 1


if __name__ == "__main__":
    raise SystemExit(main())
