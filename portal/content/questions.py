"""Questions as content: the answers that a version offers, written one on a line, kept in its source. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.content.refusals import DraftRefused
from portal.content.states import Kind

FEWEST, MOST = 2, 6
LONGEST_TEXT = 200
_FIELD = "answers"  # of a version's source, so that it is hashed, kept and approved like the rest
# What the registry of events takes as the id of a choice.
_KEY = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to choose; rules and records know it by `key`, readers by `text`."""

    key: str
    text: str


def answers_of(source: Mapping[str, Any]) -> tuple[Answer, ...]:
    """Return the answers that a version with this source offers, in their order; none where it asks nothing."""
    return tuple(Answer(each["key"], each["text"]) for each in source.get(_FIELD, ()))


def with_answers(source: Mapping[str, Any], answers: tuple[Answer, ...]) -> dict[str, Any]:
    """Return a source with these answers in place of those it had."""
    rest = {name: value for name, value in source.items() if name != _FIELD}
    return rest | ({_FIELD: [{"key": each.key, "text": each.text} for each in answers]} if answers else {})


def in_lines(answers: tuple[Answer, ...]) -> str:
    """Return answers as they are typed: `key: text`, one on a line."""
    return "\n".join(f"{each.key}: {each.text}" for each in answers)


def typed(text: str) -> tuple[Answer, ...]:
    """Return the answers that were typed, one on a line; raises DraftRefused with the line."""
    found: list[Answer] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        key, colon, words = line.partition(":")
        words = " ".join(words.split())
        if not colon or not words:
            raise DraftRefused(f"An answer is a key, a colon and its text, such as dosing: Dosing. Not so: {line[:60]}")
        found.append(Answer(key.strip(), words))
    return tuple(found)


def check(kind: str, source: Mapping[str, Any]) -> None:
    """Refuse answers that a module of this kind cannot have, or a question without enough; raises DraftRefused."""
    answers = answers_of(source)
    if kind != Kind.QUESTION:
        if answers:
            raise DraftRefused("Only a question has answers.")
        return
    if not FEWEST <= len(answers) <= MOST:
        raise DraftRefused(f"A question has {FEWEST} to {MOST} answers; these are {len(answers)}.")
    for each in answers:
        if not _KEY.fullmatch(each.key):
            raise DraftRefused(
                "The key of an answer begins with a letter and has at most 40 lower-case letters, digits and hyphens. "
                f"Not so: {each.key[:60]}"
            )
        if len(each.text) > LONGEST_TEXT:
            raise DraftRefused(f"The text of an answer has at most {LONGEST_TEXT} characters. Longer: {each.key}")
        if "\x00" in each.text:
            raise DraftRefused("An answer contains a character that cannot be stored (NUL).")
    for name, values in (("key", [each.key for each in answers]), ("text", [each.text.lower() for each in answers])):
        if len(set(values)) < len(values):
            raise DraftRefused(f"Two answers have the same {name}.")
