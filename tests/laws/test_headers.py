"""Headers and error pages of every road at every status; the error page stands when the database does not."""

import re

import pytest
from flask import Flask, abort
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from portal import create_app
from portal.config import Settings
from portal.db import Database
from portal.web import guards
from portal.web.headers import STRICT
from tests.attacks.roads import body_for, roads, values_for
from tests.attacks.world import NOBODY, STAFF, build, press, sign_in, token_of
from tests.client import HouseClient

SETS_COOKIES = {"staff.enter", "staff.sign_out", "door.enter", "microsite.leave"}
TELLTALES = ("Traceback", "File &#34;", 'File "', "sqlalchemy", "psycopg", "sqlite3", "werkzeug", "jinja2")


def check_headers(answer: TestResponse, road: str) -> None:
    """Every answer: a strict policy, no sniffing, no referrer, told how long it may be kept, and no version."""
    headers = answer.headers
    policy = headers.get("Content-Security-Policy", "")
    assert policy.startswith("default-src 'none'"), road
    assert "unsafe-eval" not in policy, road
    assert "http:" not in policy, road
    assert "https:" not in policy, road
    if "unsafe-inline" in policy:  # mail as it was sent carries its own style, and no script runs beside it
        assert "script-src 'none'" in policy, road
        assert "sandbox" in policy, road
    elif "sandbox" not in policy and "frame-src" not in policy:
        assert policy == STRICT, road
    assert headers["X-Content-Type-Options"] == "nosniff", road
    assert headers["Referrer-Policy"] == "strict-origin", road
    assert headers["X-Frame-Options"] in ("DENY", "SAMEORIGIN"), road
    assert headers["Cache-Control"] in ("no-store", "private, no-cache"), road
    assert "noindex" in headers["X-Robots-Tag"], road
    for name in ("Server", "X-Powered-By", "Via", "X-Runtime"):
        assert name not in headers, road
    assert "Access-Control-Allow-Origin" not in headers, road


def check_error(answer: TestResponse, road: str) -> None:
    """An error page: one heading, a reference, and nothing of the inside."""
    assert answer.mimetype == "text/html", road
    text = answer.text
    assert len(re.findall(r"<h1\b", text)) == 1, road
    assert "<title>" in text, road
    for word in TELLTALES:
        assert word not in text, (road, word)


def test_every_road_has_its_headers(sqlite_demo_app: Flask) -> None:
    world = build(sqlite_demo_app)
    for name in ("anonymous", "doctor", "rep", "marketer", "reviewer", "compliance", "admin"):
        client = world.actor(name)
        world.ids["session"] = NOBODY
        token = token_of(client) if name in STAFF else ""
        for road in roads(sqlite_demo_app, *(("HEAD", "OPTIONS") if name == "rep" else ()), "GET", "POST"):
            form = {"csrf_token": token} | body_for(world, road) if road.method == "POST" else None
            answer = client.raw.open(
                road.path(values_for(world, road)),
                method=road.method,
                base_url=client.base_url,
                headers={"Sec-Fetch-Site": "same-origin"},
                data=form,
            )
            said = f"{name}: {road.method} {road.rule.rule} {answer.status_code}"
            assert answer.status_code < 500, said
            check_headers(answer, said)
            if answer.status_code >= 400 and road.method in ("GET", "POST") and answer.data:
                assert "Traceback" not in answer.text, said
            for cookie in answer.headers.getlist("Set-Cookie"):
                flash_only = cookie.startswith("staff=")  # a sentence for the next page
                assert road.endpoint in SETS_COOKIES or flash_only, said
                assert "HttpOnly" in cookie, said
                assert "SameSite=Lax" in cookie, said
                assert "Path=/" in cookie, said
                assert "Domain" not in cookie, said


def test_every_kind_of_error_has_its_page(sqlite_demo_app: Flask) -> None:
    statuses = (400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503)

    @guards.public("Answers with the error that a test asks for.")
    def broken(status: int) -> str:
        abort(status)

    sqlite_demo_app.add_url_rule("/broken/<int:status>", view_func=broken, endpoint="broken")
    client = HouseClient(sqlite_demo_app)
    for status in statuses:
        answer = client.get(f"/broken/{status}")
        assert answer.status_code == status
        check_headers(answer, str(status))
        check_error(answer, str(status))
        assert re.search(r"\b[0-9a-f]{8}\b", answer.text), f"{status} has no reference"
        assert "Set-Cookie" not in answer.headers


def test_errors_that_the_server_finds_have_the_page_too(sqlite_demo_app: Flask) -> None:
    client = HouseClient(sqlite_demo_app)
    sign_in(client, STAFF["admin"])
    found = {
        404: client.get("/nowhere/at/all"),
        405: client.raw.open("/staff/", method="DELETE"),
        400: client.post("/staff/users/new", data={"csrf_token": "wrong"}),
        413: client.post("/staff/import", data=b"x" * (13 * 1024 * 1024), content_type="application/octet-stream"),
        403: client.get("/staff/audit/"),
    }
    for status, answer in found.items():
        assert answer.status_code == status
        check_headers(answer, str(status))
        check_error(answer, str(status))
    for method in ("TRACE", "PROPFIND", "PATCH", "BREW", "get"):
        answer = client.raw.open("/staff/", method=method)
        assert 400 <= answer.status_code < 500 or method == "get", method
        check_headers(answer, method)


def test_static_files_have_their_headers(sqlite_app: Flask) -> None:
    client = sqlite_app.test_client()
    page = client.get("/staff/sign-in").text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert addresses
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "max-age=" in answer.headers["Cache-Control"]
        for name in ("Set-Cookie", "Server", "Access-Control-Allow-Origin"):
            assert name not in answer.headers
        answer.close()
    for outside in (
        "/static/../config.py",
        "/static/%2e%2e/config.py",
        "/static/",
        "/static/nothing.css",
        "/static//etc/passwd",
    ):
        assert client.get(outside).status_code == 404, outside


def test_cookies_are_bound_to_the_host_over_https(settings: Settings, sqlite_demo_app: Flask) -> None:
    url = sqlite_demo_app.extensions["portal.database"].url.render_as_string(hide_password=False)
    app = create_app(settings.model_copy(update={"database_url": url, "base_url": "https://portal.example"}))
    world = build(sqlite_demo_app)
    world.app = app
    client = HouseClient(app, "https://portal.example")
    press(client, "/v/" + world.ids["doctor's token"])
    visit = client.raw.get_cookie("__Host-visit", domain="portal.example")
    device = client.raw.get_cookie("__Host-device", domain="portal.example")
    staff = HouseClient(app, "https://portal.example")
    sign_in(staff, STAFF["rep"])
    held = [visit, device, staff.raw.get_cookie("__Host-staff", domain="portal.example")]
    assert held[0] is not None or held[1] is not None
    assert held[2] is not None
    for cookie in filter(None, held):
        assert cookie.secure
        assert cookie.http_only
        assert cookie.same_site == "Lax"
        assert cookie.path == "/"
    assert "max-age=" in staff.get("/staff/sign-in").headers["Strict-Transport-Security"]
    app.extensions["portal.database"].close()


@pytest.fixture
def without_database(sqlite_demo_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application after its database has gone away."""
    sqlite_demo_app.testing = False  # as in production: what fails at the end of a request is answered, not raised

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("SELECT secret", {"email": "karin@clinic.example"}, Exception("connection refused"))

    for name in ("session", "reading", "writing"):
        monkeypatch.setattr(Database, name, gone)
    return sqlite_demo_app


def test_the_error_page_needs_no_database(without_database: Flask) -> None:
    for path in ("/v/" + "a" * 80, "/staff/doctors/", "/m/", "/staff/sign-in", "/nowhere"):
        client = HouseClient(without_database)
        client.raw.set_cookie("visit", "x" * 43, domain="127.0.0.1")
        client.raw.set_cookie("device", "x" * 43, domain="127.0.0.1")
        answer = client.get(path)
        assert answer.status_code in (200, 303, 404, 503), path
        check_headers(answer, path)
        if answer.status_code == 503:
            check_error(answer, path)
            assert "karin" not in answer.text
    posted = HouseClient(without_database).post("/staff/sign-in", data={"email": "a@b.example", "password": "x"})
    assert posted.status_code == 503
    check_error(posted, "sign-in")
    assert HouseClient(without_database).get("/healthz").status_code == 200
