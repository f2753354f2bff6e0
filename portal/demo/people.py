"""Fictional people of the demo; every address ends in `.example`."""

from dataclasses import dataclass

from portal.hcp.profiles import Profile


@dataclass(frozen=True, slots=True)
class DemoDoctor:
    """A fictional doctor, the representative who looks after them, and what they agreed to."""

    ref: str
    profile: Profile
    rep: str
    mail: str = "given"
    tracking: str | None = "identified"
    profiling: str | None = "given"


def _doctor(first: str, last: str, specialty: str, **more: object) -> Profile:
    base = Profile(
        first_name=first, last_name=last, specialty=specialty, email=f"{first}.{last}@clinic.example".lower()
    )
    fields = {name: getattr(base, name) for name in base.__dataclass_fields__}
    return Profile(**{**fields, **more})


_REP, _REP_2 = "rep@portal.example", "rep2@portal.example"

DOCTORS = (
    DemoDoctor(
        "H-1001",
        _doctor("Karin", "Meier", "cardiology", segment="A", decile=9, adoption_step="usage", territory="NE-1"),
        _REP,
    ),
    DemoDoctor(
        "H-1002",
        _doctor("Samuel", "Osei", "nephrology", segment="A", decile=8, adoption_step="trial", territory="NE-1"),
        _REP,
    ),
    DemoDoctor(
        "H-1003",
        _doctor("Laura", "Bianchi", "endocrinology", segment="B", decile=6, adoption_step="aware", territory="NE-1"),
        _REP,
    ),
    DemoDoctor(
        "H-1004",
        _doctor("Peter", "Novak", "general practice", segment="B", decile=5, adoption_step="usage", territory="NE-1"),
        _REP,
        profiling="refused",
    ),
    DemoDoctor(
        "H-1005",
        _doctor("Amira", "Haddad", "cardiology", segment="A", decile=10, adoption_step="advocate", territory="NE-1"),
        _REP,
        tracking="anonymous",
        profiling="refused",
    ),
    DemoDoctor(
        "H-1006",
        _doctor(
            "Tom", "Lindgren", "general practice", segment="C", decile=3, adoption_step="unaware", territory="NE-1"
        ),
        _REP,
        tracking=None,
        profiling=None,
    ),
    DemoDoctor(
        "H-2001",
        _doctor("Grace", "Chen", "cardiology", segment="A", decile=9, adoption_step="usage", territory="SW-2"),
        _REP_2,
    ),
    DemoDoctor(
        "H-2002",
        _doctor("Mateo", "Rojas", "internal medicine", segment="B", decile=7, adoption_step="trial", territory="SW-2"),
        _REP_2,
        mail="refused",
    ),
)

TERRITORIES = {"NE-1": "North-East 1", "SW-2": "South-West 2"}
