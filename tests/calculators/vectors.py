"""Known answers: one row of the vector files each."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "data" / "calculators"


@dataclass(frozen=True)
class Known:
    """A calculator's inputs, what must come out, and how near: a number, a text, or numbers by output."""

    id: str
    calculator: str
    inputs: dict[str, Any]
    expected: float | str | dict[str, float]
    tolerance: float
    band: str


def known_answers() -> Iterator[Known]:
    """Gives every row of the files made by running independent implementations."""
    for path in sorted(FOLDER.glob("*.csv")):
        with path.open(newline="") as lines:
            rows = csv.DictReader(lines)
            if "by_source" not in (rows.fieldnames or ()):
                continue
            for row in rows:
                note = row["note"].split()
                yield Known(
                    id=row["id"],
                    calculator=row["calc"],
                    inputs=json.loads(row["inputs"]),
                    expected=_expected(row["expected"]),
                    tolerance=0.0 if row["tolerance"] == "exact" else float(row["tolerance"]),
                    band=note[1] if note and note[0] in ("stage", "class") else "",
                )


def published() -> list[dict[str, str]]:
    """Gives the rows taken from papers and from other projects' own tests."""
    with (FOLDER / "published_vectors.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def _expected(text: str) -> float | str | dict[str, float]:
    if text.startswith("{"):
        return dict(json.loads(text))
    return text if "|" in text else float(text)
