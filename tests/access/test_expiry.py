"""One second before and after the end of links, visits and nonces, over leap days, time changes and clocks set back."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.access.models import Link
from portal.db import Database
from portal.mailing.models import Sending
from tests.access.test_door import CHROME, GESTURE, new_link, nonce_of, press
from tests.client import HouseClient

MOMENTS = [
    datetime(2028, 2, 28, 12, tzinfo=UTC),  # the day before a leap day
    datetime(2027, 2, 28, 12, tzinfo=UTC),  # no leap day
    datetime(2027, 3, 13, 12, tzinfo=UTC),  # New York sets its clocks forward
    datetime(2027, 10, 30, 12, tzinfo=UTC),  # Berlin sets its clocks back
    datetime(2026, 12, 31, 12, tzinfo=UTC),
]


def pressed(client: HouseClient, path: str, nonce: str) -> TestResponse:
    return client.post(path, data={"nonce": nonce}, headers=GESTURE)


@pytest.mark.parametrize("start", MOMENTS, ids=str)
def test_links_and_visits_end_to_the_second(sqlite_demo_app: Flask, start: datetime) -> None:
    with time_machine.travel(start, tick=False) as now:
        _, path = new_link(sqlite_demo_app, days=1)
        client = HouseClient(sqlite_demo_app)
        now.move_to(start + timedelta(hours=12, seconds=1))
        assert press(client, path).status_code == 303  # lasts twelve hours, and no longer than the link
        for seconds, link, home in ((-1, 200, 200), (0, 404, 303), (1, 404, 303)):
            now.move_to(start + timedelta(days=1, seconds=seconds))
            assert client.get(path).status_code == link
            assert client.get("/m/").status_code == home


@pytest.mark.parametrize("start", MOMENTS, ids=str)
def test_a_visit_ends_after_its_minutes(sqlite_demo_app: Flask, start: datetime) -> None:
    with time_machine.travel(start, tick=False) as now:
        client = HouseClient(sqlite_demo_app)
        press(client, new_link(sqlite_demo_app)[1])
        for seconds, status in ((-1, 200), (0, 303), (1, 303)):
            now.move_to(start + timedelta(hours=12, seconds=seconds))
            assert client.get("/m/").status_code == status


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(-121, 404), (-120, 303), (0, 303), (12 * 3600, 303), (12 * 3600 + 1, 404)],  # a clock set back by two minutes
)
def test_the_button_works_for_twelve_hours(sqlite_demo_app: Flask, seconds: int, status: int) -> None:
    with time_machine.travel(MOMENTS[0], tick=False) as now:
        _, path = new_link(sqlite_demo_app)
        now.shift(600)
        client = HouseClient(sqlite_demo_app)
        nonce = nonce_of(client.get(path, headers={"User-Agent": CHROME}))
        now.shift(seconds)
        assert pressed(client, path, nonce).status_code == status


def issued(app: Flask, database: Database) -> tuple[str, str]:
    """A link that the command line made, for a day: its id and its path."""
    run = app.test_cli_runner().invoke(
        args=["links", "issue", "--hcp", "H-1001", "--site", "atorvastatin-us-en", "--days", "1", "--json"]
    )
    told = json.loads(run.output)
    return told["id"], "/v/" + told["url"].rsplit("/v/")[1]


def asked_for(app: Flask, database: Database) -> tuple[str, str]:
    """A fresh link that was asked for on the page of an expired one: its id and its path as the mail has it."""
    with HouseClient(app).post("/v/fresh", data={"address": "karin.meier@clinic.example"}) as answer:
        assert answer.status_code == 200
    with database.reading() as db:
        link_id, text = db.execute(
            select(Link.id, Sending.text)
            .join(Sending, Sending.id == Link.sending_id)
            .where(Sending.kind == "fresh-link")
        ).one()
    found = re.search(r"/v/[a-z2-7]{20,}", text or "")
    assert found
    return link_id, found[0]


@pytest.mark.parametrize("made", [issued, asked_for], ids=["command", "fresh"])
@pytest.mark.parametrize("start", MOMENTS[:3], ids=str)
def test_links_end_to_the_second_however_they_were_made(
    sqlite_demo_app: Flask, made: Callable[[Flask, Database], tuple[str, str]], start: datetime
) -> None:
    database = sqlite_demo_app.extensions["portal.database"]
    with time_machine.travel(start, tick=False) as now:
        link_id, path = made(sqlite_demo_app, database)
        with database.reading() as db:
            ends = db.get_one(Link, link_id).expires_at
        assert ends > start
        for seconds, status in ((-1, 200), (0, 404), (1, 404)):
            now.move_to(ends + timedelta(seconds=seconds))
            client = HouseClient(sqlite_demo_app)
            page = client.get(path, headers={"User-Agent": CHROME})
            assert page.status_code == status
            if seconds < 0:
                assert pressed(client, path, nonce_of(page)).status_code == 303
                assert client.get("/m/").status_code == 200
