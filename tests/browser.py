"""The system Chromium for tests, and what is said where there is none."""

import os
import shutil

import pytest
from playwright.sync_api import expect

expect.set_options(timeout=30_000)  # ms; a busy machine is slow, not wrong

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-blink-features=AutomationControlled",
]


def chromium_path() -> str:
    """The path of a Chromium on this machine, empty where there is none."""
    named = os.environ.get("PORTAL_TEST_CHROMIUM", "")
    for candidate in (named, "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    return ""


def leave_out_browser_tests(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where there is no Chromium, browser tests are deselected: not run, and never counted as passed."""
    if chromium_path():
        return
    out = [item for item in items if item.get_closest_marker("browser")]
    if out:
        items[:] = [item for item in items if not item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=out)
