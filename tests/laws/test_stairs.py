"""Imports go down the stairs only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PORTAL = ROOT / "portal"

PURE = {"config", "clock", "moments", "personalize", "calculators"}
ROOMS_3 = {"hcp", "staff", "content", "rulebook"}
ROOMS_4 = {"access", "tracking", "mailing"}
MAY_IMPORT: dict[str, set[str]] = {
    "clock": set(),
    "config": set(),
    "moments": set(),
    "personalize": set(),
    "calculators": set(),
    "db": set(),
    "audit": {"db"},
    **{room: {"audit", "db", *PURE} for room in ROOMS_3},
    **{room: {"audit", "db", *PURE, *ROOMS_3} for room in ROOMS_4},
    "microsite": {"audit", "db", *PURE, *ROOMS_3, *ROOMS_4},
    "privacy": {"audit", "db", *PURE, *ROOMS_3, *ROOMS_4},
    "reports": {"audit", "db", *PURE, *ROOMS_3, *ROOMS_4, "microsite"},
    "web": {"db", "audit", "access", "staff", *PURE},
}
FRAMEWORKS = {"flask", "flask_login", "htmx_flask", "flask_wtf", "flask_babel"}
NEVER: dict[str, set[str]] = {
    **{room: FRAMEWORKS | {"sqlalchemy", "werkzeug", "jinja2"} for room in PURE},
    **dict.fromkeys(("db", "audit", *ROOMS_3, *ROOMS_4, "microsite", "privacy", "reports"), FRAMEWORKS),
    "blueprints": {"sqlalchemy", "pandas", "itsdangerous"},
}


def files() -> list[Path]:
    return sorted(p for p in PORTAL.rglob("*.py") if "static" not in p.parts)


def room_of(path: Path) -> str:
    parts = path.relative_to(PORTAL).parts
    return parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every module a file imports, and whether at its top level."""
    tree = ast.parse(path.read_text())
    found: list[tuple[str, bool]] = []
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            if node.module == "portal":
                found += [(f"portal.{alias.name}", id(node) in top) for alias in node.names]
            else:
                found.append((node.module, id(node) in top))
    return found


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_the_stairs_only(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "cli", "serving", "demo"):
        return
    for name, _ in imports(path):
        first = name.split(".")[0]
        assert first not in NEVER.get(room, set()), f"{room} may not import {name}"
        if first != "portal" or name == "portal":
            continue
        other = name.split(".")[1]
        if other == room:
            if room == "blueprints":
                raise AssertionError(f"blueprints meet in the application only: {name}")
            continue
        if room == "blueprints":
            assert other != "cli", name
            continue
        assert other in MAY_IMPORT[room], f"{room} may not import {name}"


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_clock_reads_the_clock(path: Path) -> None:
    if path.name == "clock.py" and path.parent == PORTAL:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today"):
            owner = node.value
            assert not (isinstance(owner, ast.Name) and owner.id in ("datetime", "date")), f"{path}: {node.attr}"


def test_what_is_pure_rests_on_no_chance() -> None:
    """Rooms that only compute take chance as an argument too: the same question gets the same answer for ever."""
    for path in files():
        if room_of(path) in PURE:
            for name, _ in imports(path):
                assert name.split(".")[0] not in ("random", "secrets", "uuid", "time"), f"{path} imports {name}"


def test_pandas_stays_in_one_file_and_out_of_start_up() -> None:
    for path in files():
        for name, at_top in imports(path):
            if name.split(".")[0] == "pandas":
                assert path == PORTAL / "reports" / "frames.py", f"{path} imports pandas"
                assert not at_top, "pandas is imported in the functions that use it"


def test_actions_never_commit() -> None:
    for path in files():
        if room_of(path) in ("web", "cli", "db", "demo", "__init__"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "commit":
                raise AssertionError(f"{path.relative_to(ROOT)}:{node.lineno} commits; the edge settles once")


def test_files_split_at_about_three_hundred_lines() -> None:
    long = {str(p.relative_to(ROOT)): n for p in files() if (n := len(p.read_text().splitlines())) > 320}
    assert not long
