"""The short form of the measurement with malformed tokens, over HTTP and in every other purpose's place."""

from flask import Flask

from tests.access.malformed import misplaced, statuses


def test_no_purpose_and_no_installation_passes_for_another() -> None:
    assert misplaced() == 0


def test_malformed_tokens_over_http_are_refused_and_break_nothing(sqlite_demo_app: Flask) -> None:
    found = statuses(sqlite_demo_app.test_client().open, sqlite_demo_app.extensions["portal.tokens"], 400, seed=3)
    assert set(found) <= {400, 404, 405}, found
