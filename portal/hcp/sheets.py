"""A file of comma-separated values as rows of cells, or one sentence on why it cannot be read. Pure."""

import csv
import hashlib
import io
import re
from collections import Counter
from dataclasses import dataclass

LARGEST_BYTES = 10 * 1024 * 1024
MOST_ROWS = 20_000
LARGEST_BY_COMMAND, MOST_ROWS_BY_COMMAND = 200 * 1024 * 1024, 200_000  # nobody waits for an answer over HTTP

_WIDE = 60  # columns; of the 329 of a provider file most cells are empty, and those are not kept
_DELIMITERS = ",;\t"
_SEPARATOR = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)


class SheetRefused(Exception):
    """A file that cannot be read as a table; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: the line of the file it begins on, and its cells by column."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ragged:
    """A row with more or fewer cells than the header."""

    line: int
    cells: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its columns as written, its rows, those that do not fit, and the SHA-256 of the bytes."""

    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    ragged: tuple[Ragged, ...]
    sha256: str


def read_sheet(raw: bytes, *, largest: int = LARGEST_BYTES, most_rows: int = MOST_ROWS) -> Sheet:
    """Return the table in `raw`; raises SheetRefused. Commas, semicolons or tabs separate, by the first line.

    A line `sep=;` on top, as spreadsheets write it, names the separator. Tables of many columns keep no empty cells.
    """
    text = _decoded(raw, largest)
    said = _SEPARATOR.match(text)
    skipped, text = (1, text[said.end() :]) if said else (0, text)
    first = text.split("\n", 1)[0]
    delimiter = said[1] if said else max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[SheetRow] = []
    ragged: list[Ragged] = []
    try:
        columns = tuple(name.strip() for name in next(reader, []))
        _check_columns(columns)
        line, is_wide = reader.line_num + 1 + skipped, len(columns) > _WIDE
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) == len(columns):
                    held = zip(columns, map(str.strip, cells), strict=True)
                    rows.append(SheetRow(line, {name: cell for name, cell in held if cell or not is_wide}))
                else:
                    ragged.append(Ragged(line, len(cells)))
            if len(rows) + len(ragged) > most_rows:
                hint = _elsewhere(most_rows < MOST_ROWS_BY_COMMAND)
                raise SheetRefused(f"The file has more than {most_rows:,} rows. {hint}")
            line = reader.line_num + 1 + skipped
    except csv.Error as broken:
        raise SheetRefused(f"Line {reader.line_num + skipped} cannot be read: {broken}.") from broken
    if not rows and not ragged:
        raise SheetRefused("The file has a header but no rows.")
    return Sheet(columns, tuple(rows), tuple(ragged), hashlib.sha256(raw).hexdigest())


def _elsewhere(has_command: bool) -> str:
    return "Split it, or import it with ./run hcp import." if has_command else "Split it and import the parts."


def _decoded(raw: bytes, largest: int) -> str:
    if not raw.strip():
        raise SheetRefused("The file is empty.")
    if len(raw) > largest:
        hint = _elsewhere(largest < LARGEST_BY_COMMAND)
        raise SheetRefused(f"The file is larger than {largest // 1024 // 1024} MB. {hint}")
    if raw.startswith(b"PK\x03\x04"):
        raise SheetRefused("This is an Excel workbook. Save it as “CSV UTF-8” and import that file.")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SheetRefused("The file is saved as UTF-16. Save it as “CSV UTF-8” and import that file.")
    if b"\x00" in raw:
        raise SheetRefused("This is not a text file.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = raw[: broken.start].count(b"\n") + 1
        raise SheetRefused(
            f"Line {line} is not UTF-8; the file seems to be saved as Windows-1252. "
            "Save it as “CSV UTF-8”, so that names keep their accents."
        ) from None


def _check_columns(columns: tuple[str, ...]) -> None:
    if not any(columns):
        raise SheetRefused("The first line must name the columns.")
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise SheetRefused(f"The column “{twice[0]}” stands twice in the first line.")
