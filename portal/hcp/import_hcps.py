"""What an import of doctors would do, row by row, and every cell that stands against it. Pure."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from portal.hcp import nppes
from portal.hcp.cells import COLUMNS, CellRefused, read_cell
from portal.hcp.npi import is_npi
from portal.hcp.profiles import Profile
from portal.hcp.sheets import Sheet, SheetRow

_REQUIRED = ("ref", "last_name")


class Layout(StrEnum):
    """The layouts of a file."""

    OWN = "portal"
    NPPES = "NPPES"


class Outcome(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class CellError:
    """One thing wrong with the file; `row` is the line of the file, `column` is empty where the whole row is meant."""

    row: int
    column: str
    sentence: str


@dataclass(frozen=True, slots=True)
class KnownHcp:
    """A doctor who is there already."""

    id: str
    profile: Profile
    staff: frozenset[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What a file is compared with: doctors by reference, references by NPI, staff by address."""

    hcps: Mapping[str, KnownHcp] = field(default_factory=dict)
    ref_by_npi: Mapping[str, str] = field(default_factory=dict)
    erased_refs: frozenset[str] = frozenset()
    staff: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planned:
    """What one row would do; `changes` are fields of Profile, `before` what a doctor had in them until then,
    `user_id` who looks after the doctor from then on."""

    row: int
    ref: str
    outcome: Outcome
    hcp_id: str | None
    before: dict[str, Any]
    changes: dict[str, Any]
    user_id: str | None
    profile: Profile


@dataclass(frozen=True, slots=True)
class Check:
    """The result of checking a file; it can be saved where `errors` is empty."""

    layout: Layout
    sha256: str
    rows: int
    planned: tuple[Planned, ...]
    errors: tuple[CellError, ...]
    skipped: Mapping[str, int]
    notes: tuple[str, ...]

    def count(self, outcome: Outcome) -> int:
        """Return how many rows have an outcome."""
        return sum(1 for row in self.planned if row.outcome is outcome)


def check_sheet(sheet: Sheet, known: Known, *, specialties: Mapping[str, str] | None = None) -> Check:
    """Return what importing `sheet` would do beside `known`; `specialties` names taxonomy codes."""
    layout = Layout.NPPES if nppes.is_nppes(sheet.columns) else Layout.OWN
    checking = _Checking(known, specialties or {})
    checking.header(sheet.columns, layout)
    if not checking.errors:
        for row in sheet.rows:
            checking.row(row, layout)
    for ragged in sheet.ragged:
        checking.wrong(ragged.line, "", f"The row has {ragged.cells} cells, the header has {len(sheet.columns)}.")
    if checking.unnamed:
        checking.notes.append(
            f"{checking.unnamed} taxonomy codes have no name in the list that was loaded; the specialty stays as it is."
        )
    return Check(
        layout=layout,
        sha256=sheet.sha256,
        rows=len(sheet.rows) + len(sheet.ragged),
        planned=tuple(checking.planned),
        errors=tuple(sorted(checking.errors, key=lambda error: error.row)),
        skipped=checking.skipped,
        notes=tuple(checking.notes),
    )


class _Checking:
    """One pass over a file."""

    def __init__(self, known: Known, specialties: Mapping[str, str]) -> None:
        self.known, self.specialties = known, specialties
        self.planned: list[Planned] = []
        self.errors: list[CellError] = []
        self.skipped: dict[str, int] = {}
        self.notes: list[str] = []
        self.unnamed = 0
        self._lines: dict[tuple[str, str], int] = {}
        self._refs = {ref.casefold(): ref for ref in known.hcps}
        self._written: Mapping[str, str] = {}

    def wrong(self, line: int, column: str, sentence: str) -> None:
        """Note an error under the column's name as the file writes it."""
        self.errors.append(CellError(line, self._written.get(column, column), sentence))

    def header(self, columns: tuple[str, ...], layout: Layout) -> None:
        """Check the names of the columns."""
        if layout is Layout.NPPES:
            self._written = nppes.WRITTEN
            missing = nppes.missing_columns(columns)
        else:
            missing = [name for name in _REQUIRED if name not in columns]
            for name in columns:
                if name not in COLUMNS:
                    near = difflib.get_close_matches(name.lower(), COLUMNS, 1)
                    hint = f"Did you mean {near[0]}?" if near else f"The columns are {', '.join(COLUMNS)}."
                    self.wrong(1, name[:60], f"There is no column “{name[:60]}”. {hint}")
        for name in missing:
            self.wrong(1, name, f"The column “{name}” is missing.")

    def row(self, row: SheetRow, layout: Layout) -> None:
        """Check one row and plan what it does."""
        cells, before = dict(row.cells), len(self.errors)
        if layout is Layout.NPPES:
            provider = nppes.read_provider(row.cells, self.specialties)
            for column, sentence in provider.faults:
                self.wrong(row.line, column, sentence)
            if provider.skip is not None and not provider.faults:
                self.skipped[provider.skip] = self.skipped.get(provider.skip, 0) + 1
                return
            self.unnamed += provider.unnamed_taxonomy
            cells = provider.cells
            if not is_npi(cells["npi"]):
                self.wrong(
                    row.line, "NPI", f"“{cells['npi'][:20]}” is not an NPI: the check digit or the length is wrong."
                )
                return
            cells["ref"] = self.known.ref_by_npi.get(cells["npi"], cells["npi"])
        values = self._values(row.line, cells)
        self._unique(row.line, values)
        if len(self.errors) == before:
            self._plan(row.line, values)

    def _values(self, line: int, cells: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for column, text in cells.items():
            if not text:
                if column == "ref":
                    self.wrong(line, "ref", "The reference is missing.")
                continue
            try:
                values[column] = read_cell(column, text)
            except CellRefused as refused:
                sentence = str(refused)
                self.wrong(line, column, sentence[0].upper() + sentence[1:])
        return values

    def _unique(self, line: int, values: Mapping[str, Any]) -> None:
        for column in ("ref", "npi"):
            if column not in values:
                continue
            first = self._lines.setdefault((column, str(values[column]).casefold()), line)
            if first != line:
                self.wrong(line, column, f"“{values[column]}” stands in line {first} already.")
        near = self._refs.get(str(values.get("ref", "")).casefold())
        if near is not None and values["ref"] not in self.known.hcps:
            self.wrong(line, "ref", f"There is a doctor {near}; write the reference the same way, capitals too.")
        owner = self.known.ref_by_npi.get(values.get("npi", ""))
        if owner is not None and owner != values.get("ref"):
            self.wrong(line, "npi", f"This NPI belongs to the doctor with the reference {owner}.")
        if values.get("ref") in self.known.erased_refs:
            self.wrong(line, "ref", "This doctor's data was erased; the reference is not used again.")
        if "rep_email" in values and values["rep_email"] not in self.known.staff:
            self.wrong(line, "rep_email", f"Nobody who may sign in has the address {values['rep_email']}.")

    def _plan(self, line: int, values: dict[str, Any]) -> None:
        ref = values.pop("ref")
        user_id = self.known.staff.get(values.pop("rep_email", ""))
        held = self.known.hcps.get(ref)
        if held is None:
            if "last_name" not in values:
                self.wrong(line, "last_name", "A new doctor needs a last name.")
                return
            profile = Profile(**values)
            self.planned.append(Planned(line, ref, Outcome.NEW, None, {}, values, user_id, profile))
            return
        known = asdict(held.profile)
        changes = {name: value for name, value in values.items() if known[name] != value}
        before = {name: known[name] for name in changes}
        moves = user_id is not None and held.staff != {user_id}
        outcome = Outcome.CHANGED if changes or moves else Outcome.SAME
        profile = replace(held.profile, **changes)
        self.planned.append(Planned(line, ref, outcome, held.id, before, changes, user_id if moves else None, profile))
