"""The scanners that speak HTTP leave nothing behind, and the link works for the person after them."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from portal import clock
from portal.access.evidence import STRONG, Mark, Signs, marks_of
from tests.journeys.scanners import over_http
from tests.journeys.scanners.over_http import DATA, Storm
from tests.journeys.scanners.world import Found

LINKS, PEOPLE = 20, 5  # the long form takes 100 of each: python -m tests.journeys.scanners


@pytest.mark.parametrize("kind", over_http.KINDS, ids=lambda kind: kind.__name__.upper())
def test_a_scanner_leaves_no_trace(sqlite_demo_app: Flask, kind: Callable[[Storm], Found]) -> None:
    found = kind(Storm(sqlite_demo_app, LINKS, PEOPLE))
    assert found.links >= LINKS
    assert (found.confirmed, found.visits, found.cookies) == (0, 0, 0), found
    assert (found.consents, found.unsubscribes, found.errors) == (0, 0, 0), found
    assert found.people == found.let_in == found.known > 0, found


def test_the_lists_of_people_are_flagged_by_none_of_the_marks() -> None:
    text = (DATA / "human-user-agents-isbot.yml").read_text(encoding="utf-8")
    agents = re.findall(r"^  - (.+)$", text, re.MULTILINE)
    assert len(agents) > 400
    for agent in agents:
        marks = marks_of(
            Signs(agent, "", "", "", "", ""), handed_over_at=None, at=clock.now(), quarantine=timedelta(seconds=60)
        )
        assert not marks & STRONG, agent
        assert not marks - {Mark.HEADLESS}, agent
