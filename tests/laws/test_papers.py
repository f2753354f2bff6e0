"""What the papers of the project say is so: locks agree, every setting is listed, the README's commands exist."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from portal.config import Settings

ROOT = Path(__file__).resolve().parents[2]


def pinned(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_exported_locks_agree_with_the_lock() -> None:
    locked = {
        package["name"]: package["version"]
        for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
        if "registry" in package["source"]
    }
    serve, test = pinned("requirements.lock"), pinned("requirements-dev.lock")
    assert {name: locked[name] for name in serve} == serve
    assert {name: locked[name] for name in test} == test
    assert set(serve) < set(test)
    for name in ("flask", "flask-login", "sqlalchemy", "htmx-flask", "pandas", "itsdangerous", "gunicorn"):
        assert name in serve


def test_every_setting_is_listed() -> None:
    example = (ROOT / ".env.example").read_text()
    listed = set(re.findall(r"^# PORTAL_([A-Z_]+)=", example, re.MULTILINE))
    assert listed == {name.upper() for name in Settings.model_fields}


def test_no_path_of_a_machine_and_no_secret_is_tracked() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix in (".xml", ".png", ".lock") or ".min." in name or not path.exists():
            continue
        text = path.read_text(errors="replace")
        assert not re.search("|".join(f"/{folder}/" for folder in ("work", "farm", "root")), text), name
        assert not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY", text), name


def test_commands_of_the_readme_exist() -> None:
    said = set(re.findall(r"\./run ([a-z-]+)", (ROOT / "README.md").read_text())) - {"test", "lint"}
    known = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "--help"],
        cwd=ROOT,
        env={"PORTAL_SECRET_KEY": "k" * 40, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for command in said:
        assert re.search(rf"^\s+{command}\b", known, re.MULTILINE), command
