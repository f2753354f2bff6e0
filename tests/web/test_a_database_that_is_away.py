"""A database that is locked or gone answers 503 with a time to come back, and what was sent leaves nothing behind."""

import sqlite3
from pathlib import Path

from flask import Flask

from tests.client import HouseClient


def test_a_locked_database_asks_to_come_back(sqlite_demo_app: Flask) -> None:
    database = sqlite_demo_app.extensions["portal.database"]
    client = HouseClient(sqlite_demo_app)
    path = Path(str(database.url.database))
    with database.writing() as db:
        db.connection().exec_driver_sql("PRAGMA busy_timeout=10")  # ms: the pool gives this connection to the request
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = client.post("/staff/sign-in", data={"email": "rep@portal.example", "password": "walk-through-26"})
    other.execute("ROLLBACK")
    other.close()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Nothing is lost" in answer.text
    assert client.get("/staff/sign-in").status_code == 200
