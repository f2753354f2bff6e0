"""What a definition's shape is refused for, in sentences for the author instead of the validator's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_KINDS = frozenset({"number", "integer", "boolean", "choice", "group"})  # names of alternatives, not of places
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,39}$": "a lower-case letter, then at most 39 lower-case letters, digits and underscores",
    r"^[A-Za-z][A-Za-z0-9_]{0,23}$": "a letter, then at most 23 letters, digits and underscores",
    r"^[0-9]{1,4}\.[0-9]{1,4}$": "two numbers with a point between them, such as 1.0",
    r"^10\.[0-9]{4,9}/\S+$": "a DOI, such as 10.1093/clinchem/18.6.499",
    r"^https://\S+$": "an address that begins with https://",
    r"^(value|unrounded|[a-z][a-z0-9_]*)$": "value, unrounded or the name of a step",
}
_SENTENCES = {
    "missing": "this is needed",
    "extra_forbidden": "there is no such key here",
    "string_type": "write a text in quotes",
    "string_unicode": "write a text in quotes",
    "float_type": "write a number without quotes",
    "int_type": "write a whole number without quotes",
    "int_from_float": "write a whole number",
    "bool_type": "write true or false",
    "tuple_type": "write a list in square brackets",
    "dict_type": "write an object in braces",
    "model_type": "write an object in braces",
    "model_attributes_type": "write an object in braces",
    "finite_number": "write a number that is not infinite",
    "union_tag_not_found": "say the 'kind'",
    "date_from_datetime_parsing": "write a day as 2026-11-22",
    "date_parsing": "write a day as 2026-11-22",
    "date_type": "write a day as 2026-11-22",
    "recursion_loop": "it is nested too deeply",
}


def in_plain_words(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Gives the place and a sentence for each fault of a definition's shape."""
    faults = error.errors(include_url=False)
    for fault in faults:
        place = fault["loc"]
        # A list whose items are wrong counts as empty too: the items' own faults are enough.
        if fault["type"] == "too_short" and any(
            other["loc"][: len(place)] == place for other in faults if other != fault
        ):
            continue
        yield _place(place), _said(fault)


def _said(fault: ErrorDetails) -> str:
    kind, told = fault["type"], fault.get("ctx", {})
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    match kind:
        case "value_error":
            return fault["msg"].removeprefix("Value error, ")
        case "json_invalid":
            return f"it is not readable JSON: {told.get('error', '')}"
        case "string_pattern_mismatch":
            return f"write {_PATTERNS.get(str(told.get('pattern')), 'it in another way')}"
        case "string_too_short" | "too_short":
            return "it is empty" if told.get("min_length") == 1 else f"at least {told.get('min_length')} are needed"
        case "string_too_long":
            return f"it is longer than {told.get('max_length')} characters"
        case "too_long":
            return f"there are more than {told.get('max_length')}"
        case "union_tag_invalid" | "literal_error":
            allowed = re.sub(r"[\s']+", " ", str(told.get("expected_tags") or told.get("expected"))).replace(" ,", ",")
            return f"it is one of {allowed.strip()}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return fault["msg"].removeprefix("Input should be ").join(("write a number ", ""))
        case _:
            return fault["msg"][:1].lower() + fault["msg"][1:]


def _place(location: tuple[int | str, ...]) -> str:
    """Names a place as an author counts: lists from 1, without the names of alternatives."""
    parts = [
        str(part + 1) if isinstance(part, int) else part[:60]
        for number, part in enumerate(location)
        if not (part in _KINDS and number and isinstance(location[number - 1], int))
    ]
    return ".".join(parts) or "definition"
