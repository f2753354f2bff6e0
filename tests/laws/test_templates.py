"""L20 in the templates: nothing inline, evaluated or from elsewhere; vendored files are what they were."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

PORTAL = Path(__file__).parents[2] / "portal"
TEMPLATES = sorted((PORTAL / "templates").rglob("*.html"))
STYLES = sorted((PORTAL / "static" / "css").glob("*.css"))
SCRIPTS = sorted((PORTAL / "static" / "js").glob("*.js"))
VENDORED = sorted(path for path in (PORTAL / "static" / "vendor").iterdir() if path.is_dir())

COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
FORBIDDEN = {
    "an hx-on attribute": re.compile(r"\bhx-on\b|['\"](?:data-)?hx-on", re.IGNORECASE),
    "an evaluated js: value": re.compile(r"['\"\s](?:js|javascript):", re.IGNORECASE),
    "a filter in hx-trigger": re.compile(r"hx-trigger[^>]{0,80}?[\"'][^\"'>]*\[", re.IGNORECASE),
    "a style attribute": re.compile(r"(?:<[^>]*\s|['\"])style(?:=|['\"]\s*:)", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an event attribute": re.compile(
        r"<[^>]*\son[a-z]+\s*=|['\"]on(?:click|load|submit|change|error|input)['\"]\s*:", re.IGNORECASE
    ),
    "an inline script": re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE),
    "an asset from elsewhere": re.compile(
        r"<(?:script|img|iframe|source|video|audio|embed|object|use|image)\b[^>]*\s(?:src|href|data|poster)=[\"']?(?:https?:)?//"
        r"|<link\b[^>]*\shref=[\"']?(?:https?:)?//",
        re.IGNORECASE,
    ),
    "an escape switched off": re.compile(r"\{%-?\s*autoescape\s+false", re.IGNORECASE),
}


def lines_with(pattern: re.Pattern[str], text: str) -> list[int]:
    return [text.count("\n", 0, found.start()) + 1 for found in pattern.finditer(text)]


def without_comments(text: str) -> str:
    return COMMENT.sub(lambda found: "\n" * found.group().count("\n"), text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PORTAL / "templates")))
def test_a_template_holds_nothing_the_policy_forbids(path: Path) -> None:
    text = without_comments(path.read_text(encoding="utf-8"))
    found = {what: lines for what, pattern in FORBIDDEN.items() if (lines := lines_with(pattern, text))}
    assert found == {}


@pytest.mark.parametrize(
    ("sample", "what"),
    [
        ('<a hx-on:click="x()">', "an hx-on attribute"),
        ('<a hx-vals="js:{a: 1}">', "an evaluated js: value"),
        ('<a hx-trigger="click[ctrlKey]">', "a filter in hx-trigger"),
        ('<p class="a" style="color: red">', "a style attribute"),
        ('<button onclick="go()">', "an event attribute"),
        ("<script>go()</script>", "an inline script"),
        ('<script src="//cdn.example/x.js"></script>', "an asset from elsewhere"),
        ('<link rel="stylesheet" href="https://fonts.example/x">', "an asset from elsewhere"),
        ("{{ button('a', attrs={'onclick': 'go()'}) }}", "an event attribute"),
    ],
)
def test_the_lint_sees_what_it_looks_for(sample: str, what: str) -> None:
    assert lines_with(FORBIDDEN[what], sample) == [1]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_style_sheet_fetches_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"@import|@font-face|url\(\s*['\"]?(?:https?:)?//", text)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_colours_are_named_in_one_file_only(path: Path) -> None:
    if path.name != "tokens.css":
        text = re.sub(r"rgb\([^)]*/[^)]*\)", "", path.read_text(encoding="utf-8"))
        assert not re.search(r":[^;{}]*#[0-9a-fA-F]{3,8}\b|\brgb\(|\bhsl\(", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_evaluates_nothing_and_submits_no_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\beval\(|new Function\(|\.(?:submit|requestSubmit)\(|setTimeout\(\s*['\"`]", text)
    assert not re.search(r"document\.cookie", text)


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.name)
def test_a_vendored_library_is_the_one_that_was_checked(folder: Path) -> None:
    listed: dict[str, str] = {}
    for line in (folder / "CHECKSUMS.sha256").read_text(encoding="ascii").splitlines():
        checksum, name = line.split("  ", 1)
        listed[name] = checksum
    present = {path.name for path in folder.iterdir()} - {"CHECKSUMS.sha256"}
    assert set(listed) == present
    assert "LICENSE" in present
    for name, checksum in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum
