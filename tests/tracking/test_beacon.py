"""Beats over HTTP, on the demo: the road from a page to the doctor's numbers."""

import io
import json
import random
import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.access.actions import revoke_link
from portal.access.models import Visit
from portal.audit import Actor
from portal.hcp.actions import record_consent
from portal.hcp.queries import hcp_by_ref
from portal.tracking import queries
from portal.tracking.models import PageView
from tests.access.test_door import new_link, press
from tests.client import HouseClient
from tests.tracking.malformed import malformed_beats
from tests.tracking.timelines import Timeline, raw

BY = Actor.system("tests")


class Reader:
    """A doctor with an open page."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.link_id, path = new_link(app)
        self.client = HouseClient(app)
        assert press(self.client, path).status_code == 303
        self.html = self.client.get("/m/warnings").text
        found = re.search(r'data-view="([^"]+)"', self.html)
        assert found
        self.credential = found[1]
        section = re.search(r'data-section="([^"]+)"', self.html[self.html.index("data-view") :])
        assert section
        self.section = section[1]
        self.line = Timeline()

    def read(self, ms: int) -> bytes:
        self.line.live("read", ms, self.section)
        return raw(self.line.message() | {"c": self.credential})

    def send(self, body: bytes, **headers: str) -> int:
        status: int = self.client.post("/b", data=body, headers={"Content-Type": "text/plain", **headers}).status_code
        return status

    def row(self) -> PageView:
        with self.app.extensions["portal.database"].reading() as db:
            found = db.scalars(select(PageView).order_by(PageView.opened_at.desc())).first()
            assert found is not None
            db.expunge(found)
            return found


@pytest.fixture
def reader(demo_app: Flask) -> Reader:
    return Reader(demo_app)


def drops_of(reader: Reader) -> dict[str, int]:
    with reader.app.extensions["portal.database"].reading() as db:
        return queries.drops(db)


def test_a_beat_is_kept_and_raises_the_grade_of_its_visit(reader: Reader) -> None:
    assert reader.send(reader.read(2000)) == 204
    row = reader.row()
    assert (row.page, row.eng_ms, row.confirmed) == ("warnings", 2000, True)


def test_five_engaged_seconds_make_a_confirmed_visit(reader: Reader) -> None:
    database = reader.app.extensions["portal.database"]
    for ms, grade in ((2900, 2), (3000, 3)):
        with time_machine.travel(clock.now() + timedelta(seconds=3), tick=True):
            assert reader.send(reader.read(ms)) == 204
        with database.reading() as db:
            assert db.scalar(select(Visit.grade).where(Visit.id == reader.row().visit_id)) == grade


def test_the_cookie_is_never_read(reader: Reader) -> None:
    stranger = HouseClient(reader.app)
    answer = stranger.post("/b", data=reader.read(1000), headers={"Cookie": "visit=somebody-else"})
    assert answer.status_code == 204
    assert "Set-Cookie" not in answer.headers
    assert reader.row().eng_ms == 1000


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}])
def test_another_sites_beat_is_refused_and_counted(reader: Reader, headers: dict[str, str]) -> None:
    assert reader.send(reader.read(1000), **headers) == 403
    assert reader.row().eng_ms is None
    assert drops_of(reader) == {"wrong-origin": 1}


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [(b"{", 400, "not-json"), (b" " * 5000, 413, "too-large"), (b"\xff", 400, "not-text"), (b"{}", 400, "wrong-shape")],
)
def test_what_is_no_beat_is_refused_and_counted(reader: Reader, body: bytes, status: int, reason: str) -> None:
    assert reader.send(body) == status
    assert drops_of(reader) == {reason: 1}


class _Broken:
    def read(self, _most: int = -1) -> bytes:
        raise RuntimeError("no chunk begins like this")


@pytest.mark.parametrize(
    ("environ", "status", "reason"),
    [
        ({"wsgi.input": _Broken(), "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, 400, "broken-body"),
        ({"CONTENT_LENGTH": "two"}, 400, "broken-body"),
        ({"wsgi.input": _Broken(), "CONTENT_LENGTH": "9" * 30}, 413, "too-large"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_counted(
    reader: Reader, environ: dict[str, object], status: int, reason: str
) -> None:
    environ |= {"PATH_INFO": "/b", "REQUEST_METHOD": "POST", "HTTP_SEC_FETCH_SITE": "same-origin"}
    answered: list[str] = []
    given = {"wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(b"{}"), **environ}
    reader.app.wsgi_app(given, lambda line, headers: answered.append(line) or (lambda _: None))
    assert answered[0].startswith(str(status))
    assert drops_of(reader) == {reason: 1}


def test_a_revoked_link_stops_the_next_beat(reader: Reader) -> None:
    assert reader.send(reader.read(500)) == 204
    with reader.app.extensions["portal.database"].writing() as db:
        revoke_link(db, reader.link_id, reason="tests", by=BY, at=clock.now())
    assert reader.send(reader.read(500)) == 410
    assert reader.row().eng_ms == 500


def test_withdrawn_consent_stops_the_next_beat(reader: Reader) -> None:
    assert reader.send(reader.read(500)) == 204
    with reader.app.extensions["portal.database"].writing() as db:
        card = hcp_by_ref(db, "H-1001")
        assert card is not None
        record_consent(
            db, card.id, None, "tracking", "none", "tests", "stop", by=BY, at=clock.now() + timedelta(seconds=1)
        )
    assert reader.send(reader.read(500)) == 410
    assert reader.row().eng_ms == 500


def test_get_at_the_beacon_is_no_road(reader: Reader) -> None:
    assert reader.client.get("/b").status_code == 405


def test_show_prints_what_is_stored(reader: Reader) -> None:
    reader.send(reader.read(1800))
    run = reader.app.test_cli_runner()
    told = run.invoke(args=["tracking", "show", "--hcp", "H-1001", "--json"])
    assert told.exit_code == 0, told.output
    shown = json.loads(told.output)
    view = shown["page_views"][0]
    assert (view["dwell_ms"], view["bracket_ms"], view["confirmed"]) == (1800, [1800, 1800], True)
    assert view["sections"][0]["dwell_ms"] == 1800
    assert (view["confidence"], view["grade"]) == ("device", 2)
    assert shown["engaged_ms"] == 1800
    assert "warnings" in run.invoke(args=["tracking", "show", "--hcp", "H-1001"]).output
    later = run.invoke(args=["tracking", "show", "--hcp", "H-1001", "--since", "2099-01-01", "--json"])
    assert json.loads(later.output)["page_views"] == []


def test_show_refuses_what_it_does_not_know(reader: Reader) -> None:
    run = reader.app.test_cli_runner()
    assert run.invoke(args=["tracking", "show", "--hcp", "nobody"]).exit_code == 1
    assert run.invoke(args=["tracking", "show", "--hcp", "H-1001", "--since", "yesterday"]).exit_code == 2
    assert run.invoke(args=["tracking", "drops"]).output.strip() == "Nothing was dropped."
    assert run.invoke(args=["tracking", "purge"]).exit_code == 0


def test_hundreds_of_malformed_beats_over_http_give_no_server_error(reader: Reader) -> None:
    honest = reader.line
    honest.live("read", 1000, reader.section)
    message = honest.message() | {"c": reader.credential}
    statuses = {reader.send(body) for body in malformed_beats(random.Random(5), message, 400)}
    assert statuses <= {204, 400, 410, 413, 429}
    assert (reader.row().eng_ms or 0) <= 4000 + 250


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
def test_a_page_fetched_ahead_creates_nothing(reader: Reader, purpose: str) -> None:
    before = reader.row().id
    answer = reader.client.get("/m/", headers={"Sec-Purpose": purpose})
    assert (answer.status_code, answer.data) == (204, b"")
    assert reader.row().id == before
