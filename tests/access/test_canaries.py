"""Secrets of the front door stand where they must and nowhere else: not in logs, errors, addresses or tables."""

import re
import sqlite3
from io import StringIO
from typing import TextIO, cast

import structlog
from flask import Flask
from sqlalchemy import make_url, select

from portal.db import Base
from portal.staff.demo_logins import DEMO_PHRASE
from tests.access.test_door import CHROME, GESTURE, new_link, nonce_of, press
from tests.access.test_stepping_up import ASK, CODE, address_of, mailed
from tests.attacks.roads import roads, values_for
from tests.attacks.world import NOBODY, STAFF, build, token_of
from tests.client import HouseClient
from tests.conftest import KEY


def dump(app: Flask, *, without: tuple[str, ...] = ()) -> str:
    """Everything in the database, some tables aside."""
    path = make_url(app.extensions["portal.settings"].database).database
    assert path is not None
    connection = sqlite3.connect(path)
    lines = [line for line in connection.iterdump() if not any(f'INTO "{table}"' in line for table in without)]
    connection.close()
    return "\n".join(lines)


def test_no_secret_leaves_its_place(sqlite_demo_app: Flask) -> None:
    app, log = sqlite_demo_app, StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=cast(TextIO, log)))
    _, path = new_link(app)
    token = path.removeprefix("/v/")
    press(HouseClient(app), path)
    second = HouseClient(app)
    page = second.get(path, headers={"User-Agent": CHROME})
    nonce = nonce_of(page)
    answers = [second.post(path, data={"nonce": nonce}, headers=GESTURE)]
    visit = second.raw.get_cookie("visit", domain="127.0.0.1")
    device = second.raw.get_cookie("device", domain="127.0.0.1")
    assert visit is not None
    assert device is not None
    asked = second.post(ASK, data={"address": address_of(app)})
    asked.close()
    code = mailed(app)[0]
    answers += [asked, second.get(CODE), second.post(CODE, data={"code": "000000" if code != "000000" else "1"})]
    answers += [second.post(CODE, data={"code": code}), second.get("/m/"), second.get("/m/warnings")]
    answers += [second.get(f"{path}x"), second.get(f"/m/{token}"), second.post(path, data={"nonce": nonce[:-1]})]
    answers += [second.get(f"/u/{token}"), second.get(f"/nowhere/{token}"), second.get(f"/m/search?q={token}")]
    secrets = {"token": token, "nonce": nonce, "visit": visit.value, "device": device.value, "key": KEY}
    logged = log.getvalue()
    assert "rule=/v/<string:token>" in logged
    stored = dump(app)
    for name, secret in secrets.items():
        assert secret not in logged, name
        assert secret not in stored, name
    assert not re.search(rf"\b{code}\b", logged)
    assert not re.search(rf"\b{code}\b", dump(app, without=("sendings",)))
    assert address_of(app) not in logged
    for answer in answers:
        assert token not in answer.headers.get("Location", "")
        assert answer.headers["Referrer-Policy"] == "strict-origin"  # a Referer is the origin, never a path
        if not answer.request.path.startswith("/m/search"):
            assert token not in answer.text, answer.request.path
        assert code not in answer.text


# The pages that tokens open; their forms post back to the same address.
OWN_PAGES = {
    "door.knock",
    "door.trap",
    "mail.leave",
    "mail.preferences",
    "mail.opt_in",
}
# Where a secret may stand: the mail as it was sent carries its own links.
DECLARED = {"sendings.html", "sendings.text", "sendings.unsubscribe_url"}
# The page as it was served is replayed byte for byte, the credential of its beats included; it is of no use after 48 h.
REPLAYED = {"arrangements.pieces"}


def columns_with(app: Flask, secret: str) -> set[str]:
    """The columns of the database in which a secret stands."""
    found = set()
    with app.extensions["portal.database"].reading() as db:
        for name, table in Base.metadata.tables.items():
            for row in db.execute(select(table)).mappings():
                found |= {f"{name}.{column}" for column, value in row.items() if secret in str(value)}
    return found


def test_no_secret_leaves_its_place_whoever_reads_every_page(sqlite_demo_app: Flask) -> None:
    app, log = sqlite_demo_app, StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=cast(TextIO, log)))
    world = build(app)
    secrets = {"password": DEMO_PHRASE, "key": KEY}
    for kind in ("token", "unsubscribe token", "preferences token", "opt-in token"):
        secrets[kind] = world.ids[f"doctor's {kind}"]
    doctor = world.actor("doctor")
    for name in ("visit", "device"):
        cookie = doctor.raw.get_cookie(name, domain="127.0.0.1")
        assert cookie is not None
        secrets[name] = cookie.value
    page = re.search(r'data-view="([^"]+)"', doctor.get("/m/warnings").text)
    assert page
    secrets["credential"] = page[1]
    bodies: dict[str, list[tuple[str, str]]] = {}
    for name in ("other doctor", "other rep", "manager", "marketer", "reviewer", "admin", "rep", "compliance"):
        client = world.actor(name)
        world.ids["session"] = NOBODY
        if name in STAFF:
            held = client.raw.get_cookie("staff", domain="127.0.0.1")
            assert held is not None
            secrets |= {f"session of {name}": held.value, f"form token of {name}": token_of(client)}
        for road in roads(app, "GET"):
            answer = client.raw.get(road.path(values_for(world, road)), base_url=client.base_url)
            assert "/v/" not in answer.headers.get("Location", "").removeprefix("/v/lost"), road.rule.rule
            if road.endpoint not in OWN_PAGES:  # who brings the token to its own page gets it back in the form
                bodies.setdefault(name, []).append((road.rule.rule, answer.text))
    logged = log.getvalue()
    assert "rule=/v/<string:token>" in logged
    for kind, secret in secrets.items():
        assert secret not in logged, kind
        assert columns_with(app, secret) <= (REPLAYED if kind == "credential" else DECLARED), kind
    shown = []
    for name, read in bodies.items():
        for rule, text in read:
            for kind, secret in secrets.items():
                own = kind == f"form token of {name}" or (
                    name in ("rep", "admin", "compliance") and ("/mail" in rule or "/outbox" in rule)
                )
                own = own or (kind, name) == ("credential", "compliance")
                own = own or (name in ("rep", "manager") and "/link/" in rule)  # to be copied or shown as a QR code
                if not own and secret in text:
                    shown.append((name, rule, kind))
    assert shown == []
