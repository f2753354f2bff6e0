"""Rows as CSV that no spreadsheet takes for a formula. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

Cell = str | int | bool | None

# What spreadsheets read as the beginning of a formula, in ASCII and in the full-width forms some of them fold.
_LIVE = frozenset("=+-@|%\t\r\n＝＋－＠")


def safe_cell(cell: Cell) -> str | int:
    """Return `cell` as it may stand in a sheet: a text that would start a formula gets a leading `'`."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return cell
    text = cell.replace("\x00", "")
    return f"'{text}" if text[:1] in _LIVE or text.lstrip()[:1] in _LIVE else text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return RFC 4180 CSV with LF line ends, every text made safe for spreadsheets."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
    return sheet.getvalue()
