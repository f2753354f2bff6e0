"""Reads the JSON text of a rule set, and names the place where it is none, says a thing twice or goes too deep."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

MAX_TEXT = 16_000_000
_MAX_STEP = 60  # characters of one step of a place
_DEEP = 200  # far more than any rule needs
_NAMED = 3  # steps that are named of a place too deep to be named whole
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)
_LONG_NUMBER = re.compile(r"[0-9]{4300}")


class TextRefused(Exception):
    """A text that cannot be read as JSON, with the place where it stops, empty for the whole."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(why)
        self.place, self.why = place, why


class _Twice(dict[str, Any]):
    """An object that gives one name twice, so that one of two values would be lost without a word."""

    name = ""


def place_of(location: Iterable[int | str]) -> str:
    """Give a location of the parser as a reader writes it: `rules[2].when.all[1].fact`."""
    place = ""
    for step in location:
        if isinstance(step, int):
            place += f"[{step}]"
        elif not step.startswith("<"):
            place += f".{_shown(step)}" if place else _shown(step)
        if step == "value":
            break
    return place


def read_json(text: str) -> object:
    """Give the value of a JSON text; raise TextRefused naming the place where it is not one."""
    if len(text) > MAX_TEXT:
        raise TextRefused("", f"more than {MAX_TEXT:,} characters")
    try:
        raw: object = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise TextRefused(f"line {error.lineno}, column {error.colno}", f"not JSON: {error.msg}") from None
    except ValueError:
        raise TextRefused(_number_place(text), "a number of thousands of digits") from None
    except RecursionError:
        raise TextRefused(_deep_place(text), "nested too deeply to be read") from None
    _refuse_twice(raw)
    return raw


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) == len(pairs):
        return whole
    twice = _Twice(whole)
    twice.name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    return twice


def _refuse_twice(raw: object) -> None:
    waiting: list[tuple[object, tuple[int | str, ...]]] = [(raw, ())]
    while waiting:
        value, location = waiting.pop()
        if isinstance(value, _Twice):
            raise TextRefused(place_of((*location, value.name)), "this is given twice")
        if isinstance(value, dict):
            waiting.extend((inner, (*location, name)) for name, inner in value.items())
        elif isinstance(value, list):
            waiting.extend((inner, (*location, number)) for number, inner in enumerate(value))


def _number_place(text: str) -> str:
    found = _LONG_NUMBER.search(text)
    if found is None:
        return ""
    before = text[: found.start()]
    return f"line {before.count(chr(10)) + 1}, column {found.start() - before.rfind(chr(10))}"


def _deep_place(text: str) -> str:
    """Give the beginning of the place at which a text goes too deep."""
    path: list[int | str] = []
    name = ""
    for found in _TOKEN.finditer(text):
        mark = found.group()
        if mark in "{[":
            path.append("" if mark == "{" else 0)
            if len(path) > _DEEP:
                return place_of(path[:_NAMED])
        elif mark in "}]":
            path = path[:-1]
        elif mark == "," and path and isinstance(path[-1], int):
            path[-1] += 1
        elif mark == ":" and path:
            path[-1] = name
        else:
            name = mark[1:-1]
    return ""


def _shown(step: str) -> str:
    """Give one step of a place so that it can be printed anywhere."""
    short = step if len(step) <= _MAX_STEP else f"{step[:_MAX_STEP]}…"
    return short if short.isprintable() else short.encode("unicode_escape").decode("ascii")
