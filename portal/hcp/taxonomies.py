"""The list that names the taxonomy codes of the US provider file; it is under licence, so each portal loads its own."""

from portal.hcp.sheets import Sheet, SheetRefused

_NAMES = ("Display Name", "Specialization", "Classification", "Name")


def read_taxonomies(sheet: Sheet) -> dict[str, str]:
    """Return names by code from a table with `Code` and one of the name columns; raises SheetRefused."""
    columns = {name.lower(): name for name in sheet.columns}
    names = [columns[name.lower()] for name in _NAMES if name.lower() in columns]
    if "code" not in columns or not names:
        raise SheetRefused(f"A list of taxonomies has the column Code and one of {', '.join(_NAMES)}.")
    found: dict[str, str] = {}
    for row in sheet.rows:
        name = next((row.cells[column] for column in names if row.cells.get(column)), "")
        code = row.cells.get(columns["code"], "")
        if code and name:
            found[code.upper()] = name[:80]
    return found
