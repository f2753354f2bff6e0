"""Commands against what people mistype and machines send: a sentence and exit code 1 or 2, never a traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from portal.cli import speak_plainly
from tests.attacks.rows import row_counts

ROOT = Path(__file__).resolve().parents[2]
KEY = "k" * 40

TEXTS = (
    "",
    " ",
    "-1",
    "0" * 32,
    "A" * 32,
    "../../etc/passwd",
    "/dev/null",
    "'; DROP TABLE hcps; --",
    "{{ 7*7 }}",
    "<script>alert(1)</script>",
    "é" * 32,
    "\u202etxt",
    "1e999",
    "NaN",
    "x" * 10_000,
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    '{"a":',
    "[" * 3000,
    "٣",
)
# Where the deeds of commands themselves stand: a check of the log is an event, the worker seals what it finds.
DEEDS = frozenset({"audit_events", "audit_leaves", "audit_nodes", "audit_checkpoints"})
MARKET = ("--market", "US", "--language", "en")
LEFT_ALONE = {"demo", "db", "run", "shell", "routes", "backup"}  # these change or serve the whole installation


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        if not path and name in LEFT_ALONE:
            continue
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


def arguments(command: click.Command, text: str, file: Path) -> list[str]:
    """Every option and argument of a command, filled with one text; files with a file that holds it."""
    words: list[str] = []
    for parameter in command.params:
        value = str(file) if isinstance(parameter.type, click.Path | click.File) else text
        if isinstance(parameter, click.Argument):
            words.append(value)
        elif (
            isinstance(parameter, click.Option)
            and not parameter.is_flag
            and parameter.name not in ("seconds", "workers")
        ):
            words += [parameter.opts[-1] if parameter.opts[-1].startswith("--") else parameter.opts[0], value]
    if any(parameter.name == "once" for parameter in command.params):
        words.append("--once")
    return words


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("flask", "--app", "wsgi", "calculators", "list"), {}),
        (("flask", "--app", "wsgi", "db", "check"), {"PORTAL_SECRET_KEY": "short", "PORTAL_LINK_DAYS": "x"}),
        (("gunicorn", "--config", "python:portal.serving", "wsgi:app"), {}),
    ],
)
def test_missing_settings_are_said_in_sentences(words: tuple[str, ...], given: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PORT": "8231"} | given,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout
    assert "PORTAL_" in done.stderr
    assert ".env.example" in done.stderr
    assert "short" not in done.stderr, "a key was told"


def test_no_argument_breaks_a_command(sqlite_demo_app: Flask, tmp_path: Path) -> None:
    runner: FlaskCliRunner = sqlite_demo_app.test_cli_runner()
    file = tmp_path / "hostile"
    broken = []
    for path, command in leaves(sqlite_demo_app.cli):
        before = row_counts(sqlite_demo_app, beside=DEEDS)
        for text in TEXTS:
            file.write_text(text)
            with sqlite_demo_app.app_context():
                done = runner.invoke(args=[*path, *arguments(command, text, file)])
            if done.exit_code not in (0, 1, 2) or not (
                done.exception is None or isinstance(done.exception, SystemExit)
            ):
                broken.append((path, text[:40], repr(done.exception)[:200]))
            elif done.exit_code and not done.output.strip():
                broken.append((path, text[:40], "no sentence"))
        if row_counts(sqlite_demo_app, beside=DEEDS) != before:
            broken.append((path, "", "left something behind"))
    assert not broken, "\n".join(map(str, broken))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"\xff\xfe\x00", b"<a" * 50_000, b"ref\n" * 10, b"\xef\xbb\xbf", "ref;é".encode("utf-16")],
)
def test_no_file_breaks_a_command(sqlite_demo_app: Flask, tmp_path: Path, content: bytes) -> None:
    runner, file = sqlite_demo_app.test_cli_runner(), tmp_path / "hostile"
    file.write_bytes(content)
    before = row_counts(sqlite_demo_app, beside=DEEDS)
    for path, command in leaves(sqlite_demo_app.cli):
        if not any(isinstance(parameter.type, click.Path | click.File) for parameter in command.params):
            continue
        with sqlite_demo_app.app_context():
            done = runner.invoke(args=[*path, *arguments(command, "atorvastatin-us-en", file)])
        assert done.exception is None or isinstance(done.exception, SystemExit), (path, repr(done.exception))
        assert done.exit_code in (0, 1, 2), path
    assert row_counts(sqlite_demo_app, beside=DEEDS) == before


def test_commands_on_an_empty_database_say_what_to_do(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "PORTAL_SECRET_KEY": KEY, "PORTAL_INSTANCE_PATH": str(tmp_path)}
    words = [sys.executable, "-m", "flask", "--app", "wsgi", "content", "list", "--site", "x"]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "db upgrade" in done.stderr


def test_an_export_replaces_ordinary_files_only(sqlite_demo_app: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    runner, pipe = sqlite_demo_app.test_cli_runner(), folder / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, folder / "verify_audit.py"):
        with sqlite_demo_app.app_context():
            done = runner.invoke(args=["audit", "export", str(path)])
        assert done.exit_code == 2, path
        assert "PATH" in done.output
    assert pipe.is_fifo()
    assert [each.name for each in folder.iterdir()] == ["pipe"]


def test_files_and_arguments_that_cannot_be_used_are_said(sqlite_demo_app: Flask, tmp_path: Path) -> None:
    runner = sqlite_demo_app.test_cli_runner()
    speak_plainly(sqlite_demo_app.cli)
    for words in (
        ("audit", "export", str(tmp_path / "none" / "bundle")),
        ("explain", "--arrangement", "\udcff"),
        ("links", "issue", "--hcp", "\udcff", "--site", "atorvastatin-us-en"),
        ("db", "upgrade", "--to", "nope"),
        ("db", "downgrade", "nope"),
    ):
        with sqlite_demo_app.app_context():
            done = runner.invoke(args=words)
        assert isinstance(done.exception, SystemExit), (words, repr(done.exception))
        assert done.exit_code == 1
        assert "Error: " in done.output
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["tracking", "drops", "--day", "nope"], "does not match"),
        (["tracking", "drops", "--day", "2026-02-30"], "does not match"),
        (
            [
                "content",
                "create-site",
                "a-b",
                "--brand",
                "b" * 81,
                "--generic",
                "g",
                "--market",
                "US",
                "--language",
                "en",
            ],
            "at most 80 characters",
        ),
    ],
    ids=["no-day", "no-such-day", "long-brand"],
)
def test_what_would_be_taken_for_something_else_is_refused(sqlite_demo_app: Flask, args: list[str], said: str) -> None:
    before = row_counts(sqlite_demo_app)
    refused = sqlite_demo_app.test_cli_runner().invoke(args=args)
    assert refused.exit_code in (1, 2)
    assert said in refused.output
    assert row_counts(sqlite_demo_app) == before
