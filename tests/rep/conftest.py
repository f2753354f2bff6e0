"""A rep with one doctor, and somebody else's doctor beside."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask

from tests.client import HouseClient
from tests.people import Staff
from tests.reports.world import World, make_world


@dataclass(frozen=True)
class Desk:
    """A signed-in rep, their doctor, and a doctor they do not look after."""

    client: HouseClient
    rep: Staff
    world: World
    own: str
    foreign: str


@pytest.fixture
def world(app: Flask) -> World:
    """The small world on a fresh database."""
    return make_world(app)


@pytest.fixture
def desk(app: Flask, world: World, client: HouseClient, sign_in: Callable[[HouseClient, str], Staff]) -> Desk:
    """A rep at work."""
    rep = sign_in(client, "rep")
    return Desk(client, rep, world, world.doctor("H-1", rep=rep.id), world.doctor("H-2", last="Foreign"))
