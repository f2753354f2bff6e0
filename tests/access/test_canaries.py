"""Secrets of the front door stand where they must and nowhere else: not in logs, errors, addresses or tables."""

import re
import sqlite3
from io import StringIO
from typing import TextIO, cast

import structlog
from flask import Flask
from sqlalchemy import make_url

from tests.access.test_door import CHROME, GESTURE, new_link, nonce_of, press
from tests.access.test_stepping_up import ASK, CODE, address_of, mailed
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
