"""`replay` and `links revoke` on the command line: bytes as served, JSON where it is asked for."""

import json

from flask import Flask
from sqlalchemy import select

from portal.microsite.models import StoredArrangement
from tests.microsite.doctors import Doctor


def test_the_served_page_comes_back_byte_for_byte(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    served = doctor.client.get("/m/").data
    [(arrangement, sha256)] = doctor.rows(select(StoredArrangement.id, StoredArrangement.page_sha256))
    run = sqlite_demo_app.test_cli_runner()
    shown = run.invoke(args=["replay", "--arrangement", arrangement])
    assert (shown.exit_code, shown.stdout_bytes) == (0, served)
    checked = run.invoke(args=["replay", "--arrangement", arrangement, "--check"])
    assert checked.output == f"same {sha256}\n"
    told = json.loads(run.invoke(args=["replay", "--arrangement", arrangement, "--json"]).output)
    assert (told["matches"], told["sha256"], told["bytes"]) == (True, sha256, len(served))
    assert run.invoke(args=["replay", "--arrangement", "0" * 32, "--json"]).exit_code == 1
    assert run.invoke(args=["replay"]).exit_code == 2


def test_a_link_is_revoked_once_and_says_so_as_json(sqlite_demo_app: Flask) -> None:
    doctor = Doctor(sqlite_demo_app)
    run = sqlite_demo_app.test_cli_runner()
    first, second = (
        json.loads(run.invoke(args=["links", "revoke", doctor.link_id, "--json"]).output) for _ in range(2)
    )
    assert (first["was_revoked_before"], second["was_revoked_before"]) == (False, True)
    assert doctor.client.get("/m/").status_code == 303
