"""The first rules of the demo site, as a marketer would write them."""

from typing import Any


def rule_set(site: str) -> dict[str, Any]:
    """Return the rule set of the demo as JSON values."""
    return {
        "id": site,
        "version": 1,
        "site": site,
        "settings": {"interest_weight": 2.0, "declared_weight": 2.0, "rep_pick_weight": 5.0},
        "rules": [
            {
                "id": "calculator-users",
                "name": "Bring back the risk calculator to those who used it",
                "when": {"all": [{"fact": "calculator_completed", "of": "ascvd_pce", "op": ">=", "value": 1}]},
                "then": {"do": "raise", "target": {"modules": ["calc-ascvd-pce"]}, "by": 1.0},
                "because": "You used this calculator before.",
            },
            {
                "id": "renal-function",
                "name": "Kidney function beside dosing",
                "when": {"all": [{"fact": "calculator_completed", "of": "ckd_epi_2021_cr", "op": ">=", "value": 1}]},
                "then": {"do": "raise", "target": {"modules": ["specific-populations"]}, "by": 0.5},
                "because": "You calculated a kidney function.",
            },
            {
                "id": "safety-readers",
                "name": "Adverse reactions for those who read the warnings",
                "when": {
                    "all": [
                        {
                            "fact": "module_dwell_s",
                            "of": "warnings",
                            "op": ">",
                            "value": 60,
                            "within_days": 90,
                        }
                    ]
                },
                "then": {"do": "raise", "target": {"modules": ["adverse-reactions"]}, "by": 1.0},
                "because": "You read Warnings for more than a minute.",
            },
            {
                "id": "read-often",
                "name": "Let well-read modules rest",
                "when": {"all": [{"fact": "visits", "op": ">=", "value": 1}]},
                "then": {
                    "do": "limit",
                    "target": {"everything": True},
                    "count": "reads",
                    "times": 5,
                    "within_days": 30,
                    "by": 1.0,
                },
                "because": "You have read this several times lately.",
            },
            {
                "id": "payers-no-counselling",
                "name": "No patient counselling for payers",
                "when": {"all": [{"fact": "audience", "op": "is", "value": "payer"}]},
                "then": {"do": "hide", "target": {"modules": ["patient-counselling"]}, "way_back": "search"},
                "because": "Written for those who treat patients.",
            },
        ],
    }
