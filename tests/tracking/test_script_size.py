"""The measuring script stays small."""

import gzip
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "portal" / "static" / "js" / "dwell.js"


def test_the_measuring_script_is_under_five_thousand_bytes_compressed() -> None:
    assert len(gzip.compress(SCRIPT.read_bytes(), 9)) < 5000
