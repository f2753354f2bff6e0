"""The layout of the US provider file (NPPES) as cells of our own layout. Pure.

Columns are found by name, with aliases of later files; of 329 columns a dozen are read. Source: CMS, NPPES data
dissemination code values and readme.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

_SLOTS = range(1, 16)
_TAXONOMY = re.compile(r"[0-9A-Z]{9}X")
_DATES = (
    "Provider Enumeration Date",
    "Last Update Date",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    "Certification Date",
)
_ALIASES = {
    "provider last name (legal name)": "Provider Last Name (Legal Name)",
    "provider last name": "Provider Last Name (Legal Name)",
    "provider gender code": "Provider Sex Code",
    "provider sex code": "Provider Sex Code",
    "entity type": "Entity Type Code",
}
_NEEDED = ("NPI", "Entity Type Code", "Provider Last Name (Legal Name)", "Provider First Name")
WRITTEN = {
    "npi": "NPI",
    "ref": "NPI",
    "first_name": "Provider First Name",
    "last_name": "Provider Last Name (Legal Name)",
    "title": "Provider Name Prefix Text",
}
_TITLES = {"DR": "Dr", "PROF": "Prof", "MR": "Mr", "MRS": "Mrs", "MS": "Ms", "MISS": "Ms"}
_PHYSICIANS = frozenset({"MD", "DO", "MBBS", "DPM"})
_AUDIENCES = {
    "PHARMD": "pharmacist",
    "RPH": "pharmacist",
    "RN": "nurse",
    "NP": "nurse",
    "APRN": "nurse",
    "FNP": "nurse",
}


class Skip(StrEnum):
    """Why a row of the provider file is left out without being wrong."""

    ORGANISATION = "organisations"
    DEACTIVATED = "deactivated numbers"


@dataclass(slots=True)
class Provider:
    """One row: cells in our layout, or why it is left out, and what is wrong with which column."""

    cells: dict[str, str] = field(default_factory=dict)
    skip: Skip | None = None
    faults: list[tuple[str, str]] = field(default_factory=list)
    unnamed_taxonomy: bool = False  # a taxonomy code without a name in the list that was loaded


def is_nppes(columns: tuple[str, ...]) -> bool:
    """Tell whether a header is that of a provider file."""
    named = set(_canonical(columns).values())
    return {"NPI", "Entity Type Code"} <= named


def missing_columns(columns: tuple[str, ...]) -> list[str]:
    """Return the needed columns that a header lacks."""
    named = set(_canonical(columns).values())
    return [name for name in _NEEDED if name not in named]


def read_provider(cells: Mapping[str, str], specialties: Mapping[str, str]) -> Provider:
    """Return one row in our layout; `specialties` names taxonomy codes and may be empty."""
    named = {canonical: cells[written] for written, canonical in _canonical(tuple(cells)).items()}
    provider = Provider()
    dates = {name: _date(named.get(name, ""), name, provider) for name in _DATES}
    off, on = dates["NPI Deactivation Date"], dates["NPI Reactivation Date"]
    entity = named.get("Entity Type Code", "")
    if off is not None and (on is None or on < off):
        provider.skip = Skip.DEACTIVATED
    elif entity == "2":
        provider.skip = Skip.ORGANISATION
    elif entity != "1":
        provider.faults.append(("Entity Type Code", f"“{entity[:10]}” is neither 1 (person) nor 2 (organisation)."))
    code = _primary_taxonomy(named, provider)
    credential = re.sub(r"[^A-Z]", "", named.get("Provider Credential Text", "").upper())
    prefix = named.get("Provider Name Prefix Text", "").upper().rstrip(".")
    provider.unnamed_taxonomy = bool(code) and code not in specialties
    provider.cells = {
        "npi": named.get("NPI", ""),
        "first_name": _named(named.get("Provider First Name", "")),
        "last_name": _named(named.get("Provider Last Name (Legal Name)", "")),
        "title": _TITLES.get(prefix, "Dr" if credential in _PHYSICIANS else ""),
        "audience": _AUDIENCES.get(credential, "doctor" if credential in _PHYSICIANS or prefix == "DR" else ""),
        "specialty": specialties.get(code, ""),
        "market": "US",
    }
    return provider


def _canonical(columns: tuple[str, ...]) -> dict[str, str]:
    known = {name.lower(): name for name in (*_NEEDED, *_DATES)} | _ALIASES
    return {name: known.get(" ".join(name.lower().split()), name) for name in columns}


def _date(text: str, column: str, provider: Provider) -> date | None:
    if not text:
        return None
    parts = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", text)
    try:
        if parts is None:
            raise ValueError
        return date(int(parts[3]), int(parts[1]), int(parts[2]))
    except ValueError:
        provider.faults.append((column, f"“{text[:20]}” is not a date as MM/DD/YYYY."))
        return None


def _primary_taxonomy(named: Mapping[str, str], provider: Provider) -> str:
    codes: list[tuple[str, bool]] = []
    for slot in _SLOTS:
        column = f"Healthcare Provider Taxonomy Code_{slot}"
        code = named.get(column, "").upper()
        if code and not _TAXONOMY.fullmatch(code):
            provider.faults.append((column, f"“{code[:20]}” is no taxonomy code: ten signs, the last an X."))
        elif code:
            codes.append((code, named.get(f"Healthcare Provider Primary Taxonomy Switch_{slot}", "").upper() == "Y"))
    primary = [code for code, is_primary in codes if is_primary]
    if len(primary) > 1:
        provider.faults.append(
            ("Healthcare Provider Primary Taxonomy Switch_1", f"{len(primary)} taxonomies are marked as primary.")
        )
    return (primary or [code for code, _ in codes] or [""])[0]


def _named(text: str) -> str:
    """Return a name written in capitals as people write it; any other stays as it is."""
    if not text.isupper():
        return text
    return re.sub(r"[^\W\d_]+", lambda word: word[0].capitalize(), text)
