"""The check digit of the NPI, on the vectors of CMS and of real numbers."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.hcp.npi import is_npi

_VECTORS = Path(__file__).parents[1] / "data" / "hcp" / "npi_luhn_vectors.csv"


def vectors() -> list[tuple[str, bool]]:
    with _VECTORS.open(encoding="utf-8", newline="") as file:
        return [(row["npi"], row["valid"] == "true") for row in csv.DictReader(file)]


@pytest.mark.parametrize(("npi", "valid"), vectors())
def test_every_vector(npi: str, valid: bool) -> None:
    assert is_npi(npi) is valid


@given(st.sampled_from([npi for npi, valid in vectors() if valid]), st.integers(0, 9), st.integers(0, 9))
def test_no_single_wrong_digit_passes(npi: str, place: int, digit: int) -> None:
    wrong = npi[:place] + str(digit) + npi[place + 1 :]
    assert is_npi(wrong) is (wrong == npi)


@given(st.text(max_size=14))
def test_anything_may_be_asked(text: str) -> None:
    assert is_npi(text) in (True, False)


@pytest.mark.parametrize("text", ["１２３４５６７８９３", "1234567893\n", "+1234567893"])
def test_only_plain_digits_count(text: str) -> None:
    assert not is_npi(text)
