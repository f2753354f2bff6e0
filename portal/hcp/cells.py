"""One cell of an import: its value, or a sentence on what is wrong with it. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterable

from portal.hcp.npi import is_npi
from portal.hcp.profiles import AUDIENCES, CHANNELS, LEVELS, SEGMENTS, STEPS

_RUNS_IN_SPREADSHEETS = "=+-@＝＋－＠"
_EMAIL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{2})?")

Value = str | int
Reader = Callable[[str], Value]


class CellRefused(Exception):
    """A cell that cannot be taken; the text is a sentence for the person who wrote it."""


def read_cell(column: str, text: str) -> Value:
    """Return the value of a cell that is not empty; raises CellRefused."""
    if text[0] in _RUNS_IN_SPREADSHEETS:
        raise CellRefused(f"begins with “{text[0]}”, which a spreadsheet would run as a formula; remove it.")
    if not text.isprintable():
        raise CellRefused("contains a line break or an invisible character; type it again.")
    return _READERS[column](unicodedata.normalize("NFC", text))


def _text(longest: int) -> Reader:
    def read(text: str) -> Value:
        if len(text) > longest:
            raise CellRefused(f"has {len(text)} characters; at most {longest} fit.")
        return text

    return read


def _one_of(choices: Iterable[str]) -> Reader:
    known = {choice.lower(): choice for choice in choices}

    def read(text: str) -> Value:
        if text.lower() not in known:
            raise CellRefused(f"“{text[:40]}” is not known; choose {_or(list(known.values()))}.")
        return known[text.lower()]

    return read


def _ref(text: str) -> Value:
    if not _REF.fullmatch(text):
        raise CellRefused("a reference has up to 64 letters, digits and . _ / - and begins with a letter or digit.")
    return text


def _email(text: str) -> Value:
    address = text.lower()
    local = address.split("@")[0]
    if (
        len(address) > 254
        or not _EMAIL.fullmatch(address)
        or ".." in local
        or local.startswith(".")
        or local[-1] == "."
    ):
        raise CellRefused(f"“{text[:60]}” is not an email address such as name@clinic.example.")
    return address


def _npi(text: str) -> Value:
    if not is_npi(text):
        raise CellRefused(f"“{text[:20]}” is not an NPI: ten digits, the first 1 or 2, the last a check digit.")
    return text


def _decile(text: str) -> Value:
    if not re.fullmatch(r"[0-9]{1,2}", text, re.ASCII) or not 1 <= int(text) <= 10:
        raise CellRefused(f"“{text[:20]}” is not a whole number from 1 to 10.")
    return int(text)


def _language(text: str) -> Value:
    if not _LANGUAGE.fullmatch(text.lower()):
        raise CellRefused(f"“{text[:20]}” is not a language code such as en, de or pt-BR.")
    language, _, region = text.partition("-")
    return language.lower() + (f"-{region.upper()}" if region else "")


def _market(text: str) -> Value:
    if not re.fullmatch(r"[A-Za-z]{2}", text, re.ASCII):
        raise CellRefused(f"“{text[:20]}” is not a two-letter market such as US or DE.")
    return text.upper()


def _territory(text: str) -> Value:
    if not _KEY.fullmatch(text):
        raise CellRefused("a territory has up to 40 letters, digits and . _ - and begins with a letter or digit.")
    return text


def _or(choices: list[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


_READERS: dict[str, Reader] = {
    "ref": _ref,
    "title": _text(20),
    "first_name": _text(80),
    "last_name": _text(80),
    "email": _email,
    "npi": _npi,
    "specialty": _text(80),
    "audience": _one_of(AUDIENCES),
    "segment": _one_of(SEGMENTS),
    "decile": _decile,
    "adoption_step": _one_of(STEPS),
    "knowledge_level": _one_of(LEVELS),
    "language": _language,
    "market": _market,
    "territory": _territory,
    "rep_email": _email,
    "channel": _one_of(CHANNELS),
}

COLUMNS = tuple(_READERS)
