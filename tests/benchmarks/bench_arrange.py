"""How long one arrangement takes: 200 modules, 50 rules, a doctor with a full history.

Run with `python -m tests.benchmarks.bench_arrange [--json]`; the goal is 1 ms at the median.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from portal.personalize import (
    CalculatorHistory,
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
from portal.personalize.codec import arrangement_to_json, facts_from_json, facts_to_json

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
TOPICS = tuple(f"topic-{number}" for number in range(20))


def site(size: int = 200) -> tuple[Candidate, ...]:
    """Give `size` modules of two topics each, half of them for doctors only and dated."""
    return tuple(
        Candidate(
            f"module-{number}",
            f"{number:032x}",
            f"Module {number}",
            (TOPICS[number % 20], TOPICS[(number * 7 + 3) % 20]),
            "article" if number % 3 else "figure",
            ("doctor",) if number % 2 else (),
            "en",
            number,
            300,
            AT - timedelta(days=100) if number % 2 else None,
            AT + timedelta(days=100) if number % 2 else None,
        )
        for number in range(size)
    )


def doctor(number: int = 0) -> Facts:
    """Give a doctor who read 60 modules on up to 12 days each."""
    read = {}
    for place in range(60):
        days = tuple(
            Day(date(2026, 11, 1) - timedelta(days=back * 9), 4_000 + back, 1, back % 2)
            for back in range((place + number) % 12 + 1)
        )
        read[f"module-{place * 3}"] = ModuleHistory(
            sum(day.dwell_ms for day in days), len(days), 1, place % 2 == 0, AT, None, 0, (), days
        )
    return Facts(
        at=AT,
        subject=f"h{number}",
        consent_profiling=True,
        confidence=Confidence.DEVICE,
        profile=Profile("cardiology", "A", 7, "trial", "basic", "t1", "north", "en", "doctor", "mail"),
        declared_interests=frozenset(TOPICS[:2]),
        interest={topic: 1.5 * place for place, topic in enumerate(TOPICS)},
        modules=read,
        calculators={"cockcroft_gault": CalculatorHistory(3, 2, "reduced", AT)},
        rep_picks=("module-5", "module-9", "module-12"),
    )


def fifty_rules() -> RuleSet:
    """Give 50 rules of all kinds, each with three conditions, most of them matching."""
    rules: list[dict[str, Any]] = []
    for number in range(50):
        topic, module = TOPICS[number % 20], f"module-{number * 3}"
        raw: dict[str, Any] = {"do": "raise", "target": {"topic": topic}, "by": 1 + number % 3}
        match number % 10:
            case 1 | 2:
                raw = {"do": "lower", "target": {"topic": topic}, "by": 0.5}
            case 3:
                raw = {"do": "pin", "target": {"modules": [module]}, "place": number % 9 + 1}
            case 4:
                raw = {"do": "after", "target": {"modules": [f"module-{number}"]}, "module": "module-1"}
            case 5:
                raw = {"do": "hide", "target": {"modules": [module]}, "way_back": "search"}
            case 6:
                raw = {"do": "limit", "target": {"topic": topic}, "count": "reads", "times": 3, "by": 1}
            case 7:
                raw = {"do": "interest", "target": {"topic": topic}, "weight": 2}
            case 8:
                raw = {"do": "require", "target": {"modules": [module]}}
        read = {"fact": "module_dwell_s", "of": module, "within_days": 90, "op": ">", "value": 10}
        rules.append(
            {
                "id": f"rule-{number}",
                "name": f"Rule {number}",
                "because": f"You asked for {topic}",
                "then": raw,
                "when": {
                    "all": [
                        {"fact": "specialty", "op": "in", "value": ["cardiology", "nephrology"]},
                        {"any": [read, {"fact": "interest", "of": topic, "op": ">=", "value": 2}]},
                        {"none": [{"fact": "segment", "op": "is", "value": "C"}]},
                    ]
                },
            }
        )
    settings = {"fatigue_reads": 6, "fatigue_by": 1}
    return parse_rule_set({"id": "bench", "version": 1, "site": "bench", "settings": settings, "rules": rules})


def measured(rounds: int = 400) -> dict[str, float]:
    """Give milliseconds: the median and 99th percentile of serving, a first call, and the stored text."""
    rule_set, candidates = fifty_rules(), site()
    doctors = [doctor(number) for number in range(20)]
    begun = time.perf_counter()
    compiled = compile_rules(rule_set)
    compiling = time.perf_counter() - begun
    begun = time.perf_counter()
    page = arrange(doctors[0], candidates, compiled)
    first = time.perf_counter() - begun
    taken = []
    for number in range(rounds):
        facts = doctors[number % len(doctors)]
        begun = time.perf_counter()
        arrange(facts, candidates, compiled)
        taken.append((time.perf_counter() - begun) * 1000)
    begun = time.perf_counter()
    text = arrangement_to_json(page)
    storing = time.perf_counter() - begun
    kept = facts_to_json(doctors[0])
    begun = time.perf_counter()
    facts_from_json(kept)
    return {
        "compile_ms": compiling * 1000,
        "first_call_ms": first * 1000,
        "median_ms": statistics.median(taken),
        "p99_ms": statistics.quantiles(taken, n=100)[98],
        "arrangement_text_ms": storing * 1000,
        "arrangement_text_kb": len(text) / 1024,
        "facts_read_ms": (time.perf_counter() - begun) * 1000,
        "rules_matched": float(sum(trace.state == "matched" for trace in page.rules)),
        "contributions": float(sum(len(item.contributions) for item in page.items)),
        "shown": float(len(page.items)),
    }


def main() -> int:
    """Print the figures; exit 0 when the median is within 1 ms, 1 when it is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    found = measured()
    if parser.parse_args().json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.write("".join(f"{name:22} {value:10.3f}\n" for name, value in found.items()))
    return 0 if found["median_ms"] <= 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
