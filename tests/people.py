"""People of the tests: staff with a role, doctors with a link."""

from dataclasses import dataclass

from flask import Flask

from portal import clock
from portal.audit import Actor
from portal.db import Database
from portal.staff.actions import create_user
from portal.staff.roles import Role
from tests.client import HouseClient

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Staff:
    """A member of staff that a test signed in."""

    id: str
    email: str
    role: str


def sign_in_as(app: Flask, client: HouseClient, role: str, email: str = "") -> Staff:
    """Make a member of staff with `role`, sign them in on `client`."""
    database: Database = app.extensions["portal.database"]
    email = email or f"{role}-{len(role)}{id(client) % 9973}@portal.example"
    with database.writing() as db:
        user_id = create_user(
            db,
            email=email,
            name=role.title(),
            password=PASSWORD,
            roles=[Role(role)],
            by=Actor.system("tests"),
            at=clock.now(),
        )
    response = client.post("/staff/sign-in", data={"email": email, "password": PASSWORD})
    assert response.status_code == 303, response.text
    return Staff(user_id, email, role)
