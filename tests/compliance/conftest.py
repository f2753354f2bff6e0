"""A compliance officer at work on the small world."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask

from tests.client import HouseClient
from tests.people import Staff
from tests.reports.world import World, make_world


@dataclass(frozen=True)
class Office:
    """A signed-in compliance officer, and a doctor who opened a link and saw a page."""

    client: HouseClient
    officer: Staff
    world: World
    doctor: str
    visit: str
    page: str


@pytest.fixture
def world(app: Flask) -> World:
    """The small world on a fresh database."""
    return make_world(app)


@pytest.fixture
def office(app: Flask, world: World, client: HouseClient, sign_in: Callable[[HouseClient, str], Staff]) -> Office:
    """The office, with something to look at."""
    officer = sign_in(client, "compliance")
    doctor = world.doctor("H-1021")
    visit, _ = world.visit(doctor, world.link(doctor))
    page = world.page(doctor, visit, ("renal", "dosing", "warnings"))
    return Office(client, officer, world, doctor, visit, page)
