"""Verified to entry so-and-so: by the button, by the command, and offline by anybody."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.audit.checkpoints import load_signer
from portal.audit.models import AuditEvent
from portal.audit.verifier import verify
from portal.config import Settings
from tests.compliance.conftest import Office
from tests.reports.world import World


def test_the_button_seals_checks_and_says_so(office: Office) -> None:
    assert "Not verified yet" in office.client.get("/staff/audit/").text
    done = office.client.submit("/staff/audit/", "/staff/audit/verify")
    assert done.status_code == 303
    assert re.search(r"Verified to entry \d+", office.client.get("/staff/audit/").text)
    assert office.world.count("audit.verified") == office.world.count("audit.key-made") == 1
    office.client.submit("/staff/audit/", "/staff/audit/verify")
    assert office.world.count("audit.key-made") == 1


def test_a_proof_of_one_event_holds_without_the_portal(office: Office) -> None:
    with office.world.database.reading() as db:
        event_id = db.scalars(select(AuditEvent.id).where(AuditEvent.name == "link.opened")).one()
    page = f"/staff/audit/event/{event_id}"
    assert "not sealed yet" in office.client.get(page).text
    office.client.submit("/staff/audit/", "/staff/audit/verify")
    assert "Take the proof" in office.client.get(page).text
    answer = office.client.submit(page, f"{page}/proof")
    assert verify(answer.data.splitlines(keepends=True))[0] == 1
    assert json.loads(json.loads(answer.data.splitlines()[1])["event"])["id"] == event_id
    assert office.client.get("/staff/audit/verifier.py").text.startswith('"""Checks a bundle')
    assert office.world.count("audit.exported") == 1


def test_an_event_that_waits_has_no_proof_yet(office: Office) -> None:
    office.client.submit("/staff/audit/", "/staff/audit/verify")
    with office.world.database.reading() as db:
        event_id = db.scalars(select(AuditEvent.id).where(AuditEvent.name == "audit.verified")).one()
    answer = office.client.submit("/staff/audit/", f"/staff/audit/event/{event_id}/proof")
    assert answer.status_code == 303
    assert office.world.count("audit.exported") == 0


def test_the_commands_seal_verify_print_and_export(app: Flask, world: World, tmp_path: Path) -> None:
    run = app.test_cli_runner()
    assert run.invoke(args=["audit", "checkpoint"]).exit_code == 1
    sealed = json.loads(run.invoke(args=["audit", "seal", "--json"]).output)
    assert sealed["fresh"] == sealed["size"] > 0
    checked = run.invoke(args=["audit", "verify", "--json"])
    assert (checked.exit_code, json.loads(checked.output)["size"]) == (0, sealed["size"])
    printed = run.invoke(args=["audit", "checkpoint", "--to", str(tmp_path / "kept")])
    assert printed.output == sealed["checkpoint"]
    (kept,) = (tmp_path / "kept").iterdir()
    assert run.invoke(args=["audit", "seal"]).output.startswith("sealed 1 events")
    exported = run.invoke(args=["audit", "export", str(tmp_path / "all.jsonl"), "--json"])
    said = json.loads(exported.output)
    assert said["entries"] == sealed["size"] + 1
    arguments = [said["verifier"], said["path"], "--key", said["key"], "--trusted-checkpoint", str(kept)]
    alone = subprocess.run(
        [sys.executable, "-I", *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (alone.returncode, alone.stdout.startswith("holds:")) == (0, True), alone.stderr


def test_a_log_cut_short_fails_against_the_checkpoint_kept_beside_it(
    app: Flask, world: World, settings: Settings
) -> None:
    run = app.test_cli_runner()
    run.invoke(args=["audit", "seal"])
    (kept,) = (settings.instance_path / "checkpoints").iterdir()
    signer = load_signer(settings.instance_path, "127.0.0.1:8000/audit")
    kept.write_text(signer.sign(10_000, bytes(32), at=clock.now()))
    checked = run.invoke(args=["audit", "verify"])
    assert checked.exit_code == 1
    assert "cut short" in checked.output


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["export", "x.jsonl", "--event", "nonsense"], 2),
        (["export", "x.jsonl", "--event", "0" * 32], 1),
        (["export", "x.jsonl", "--since", "/no/such/file"], 2),
        (["verify", "--trusted-checkpoint", "/no/such/file"], 2),
        (["export"], 2),
    ],
)
def test_wrong_commands_say_so_and_leave_no_file(
    app: Flask, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    run = app.test_cli_runner()
    run.invoke(args=["audit", "seal"])
    assert run.invoke(args=["audit", *args]).exit_code == code
    assert not list(tmp_path.glob("x.jsonl*"))


def test_an_export_replaces_files_and_nothing_else(sqlite_demo_app: Flask, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"  # a device would do as well, but who replaces one by mistake has no machine left
    os.mkfifo(pipe)
    run = sqlite_demo_app.test_cli_runner()
    refused = run.invoke(args=["audit", "export", str(pipe)])
    assert refused.exit_code == 2
    assert "no ordinary file" in refused.output
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(("pipe.", "verify"))) == []
