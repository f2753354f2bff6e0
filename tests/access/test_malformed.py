"""The short form of the measurement with malformed tokens, over HTTP and in every other purpose's place."""

from flask import Flask

from portal.db import Database
from tests.access.malformed import add_mail, misplaced, opened, questions, rows_of


def test_no_purpose_and_no_installation_passes_for_another() -> None:
    assert misplaced() == 0


def test_malformed_tokens_over_http_are_refused_and_break_nothing(sqlite_demo_app: Flask) -> None:
    database: Database = sqlite_demo_app.extensions["portal.database"]
    with database.writing() as db:
        add_mail(db)
    client, before, found = sqlite_demo_app.test_client(), opened(database), set()
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1"}
    for each in questions(sqlite_demo_app.extensions["portal.tokens"], rows_of(database), 400, seed=3):
        answer = client.open(
            each.path,
            method=each.method,
            data=each.body,
            headers=headers,
            content_type="application/x-www-form-urlencoded",
        )
        found.add(answer.status_code)
    assert found <= {400, 404, 405}, found
    assert opened(database) == before
