"""A file of comma-separated values as rows of cells, or one sentence on why it cannot be read. Pure."""

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass

LARGEST_BYTES = 10 * 1024 * 1024
MOST_ROWS = 20_000

_DELIMITERS = ",;\t"


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


def read_sheet(raw: bytes) -> Sheet:
    """Return the table in `raw`; raises SheetRefused. Commas, semicolons or tabs separate, by the first line."""
    text = _decoded(raw)
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[SheetRow] = []
    ragged: list[Ragged] = []
    try:
        columns = tuple(name.strip() for name in next(reader, []))
        _check_columns(columns)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) == len(columns):
                    rows.append(SheetRow(line, {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}))
                else:
                    ragged.append(Ragged(line, len(cells)))
            if len(rows) + len(ragged) > MOST_ROWS:
                raise SheetRefused(f"The file has more than {MOST_ROWS:,} rows. Split it and import the parts.")
            line = reader.line_num + 1
    except csv.Error as broken:
        raise SheetRefused(f"Line {reader.line_num} cannot be read: {broken}.") from broken
    if not rows and not ragged:
        raise SheetRefused("The file has a header but no rows.")
    return Sheet(columns, tuple(rows), tuple(ragged), hashlib.sha256(raw).hexdigest())


def _decoded(raw: bytes) -> str:
    if not raw.strip():
        raise SheetRefused("The file is empty.")
    if len(raw) > LARGEST_BYTES:
        raise SheetRefused(
            f"The file is larger than {LARGEST_BYTES // 1024 // 1024} MB. Split it and import the parts."
        )
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
