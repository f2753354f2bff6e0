"""The US National Provider Identifier: ten digits, the first 1 or 2, a check digit by Luhn (45 CFR 162.406)."""

import re

_SHAPE = re.compile(r"[12][0-9]{9}")
_PREFIX = "80840"  # issuer of health applications, United States (ISO/IEC 7812)


def is_npi(value: str) -> bool:
    """Tell whether `value` is a well-formed NPI with the right check digit."""
    return _SHAPE.fullmatch(value) is not None and _luhn_sum(_PREFIX + value) % 10 == 0


def _luhn_sum(digits: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total
