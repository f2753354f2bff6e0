"""The logins of the demo, shown on the sign-in page of a demo only."""

from dataclasses import dataclass

from portal.staff.roles import Role


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """One fictional member of staff."""

    email: str
    name: str
    role: Role


DEMO_PHRASE = "walk-through-26"

DEMO_LOGINS = (
    DemoLogin("rep@portal.example", "Anna Keller", Role.REP),
    DemoLogin("rep2@portal.example", "Ben Ortega", Role.REP),
    DemoLogin("manager@portal.example", "Mina Okafor", Role.MANAGER),
    DemoLogin("marketer@portal.example", "Jonas Weber", Role.MARKETER),
    DemoLogin("reviewer@portal.example", "Priya Nair", Role.REVIEWER),
    DemoLogin("compliance@portal.example", "Claire Dubois", Role.COMPLIANCE),
    DemoLogin("admin@portal.example", "Sam Lindqvist", Role.ADMIN),
)
