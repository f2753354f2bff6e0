"""What a browser does with the pages about rules: reads a form's fields as they stand and sends them."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from portal import clock
from portal.audit import Actor
from portal.db import Database
from portal.rulebook import actions
from tests.client import HouseClient
from tests.people import Staff
from tests.rulebook.rooms import a_rule, a_site, rules

SignIn = Callable[[HouseClient, str], Staff]
AUTHOR, APPROVER = Actor.staff("a" * 32), Actor.staff("b" * 32)


class _Forms(HTMLParser):
    """Collects the fields of every form of a page, as they would be sent without pressing a named button."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, MultiDict[str, str]]] = []
        self._select = self._textarea = ""
        self._text = ""
        self._chosen: str | None = None
        self._first: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), MultiDict()))
        elif tag == "select":
            self._select, self._chosen, self._first = given.get("name", ""), None, None
        elif tag == "option" and self._select:
            self._first = given.get("value", "") if self._first is None else self._first
            if "selected" in given:
                self._chosen = given.get("value", "")
        elif tag == "textarea":
            self._textarea, self._text = given.get("name", ""), ""
        elif tag == "input" and self.forms and given.get("name") and _is_sent(given):
            self.forms[-1][1].add(given["name"], given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            chosen = self._chosen if self._chosen is not None else self._first
            self.forms[-1][1].add(self._select, chosen or "")
            self._select = ""
        elif tag == "textarea" and self._textarea:
            self.forms[-1][1].add(self._textarea, self._text.removeprefix("\n"))
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._text += data


def _is_sent(given: dict[str, str]) -> bool:
    return given.get("type") not in ("radio", "checkbox") or "checked" in given


def form_on(html: str, action_end: str) -> MultiDict[str, str]:
    """Return the fields of the form whose address ends so."""
    reader = _Forms()
    reader.feed(html)
    found = [fields for action, fields in reader.forms if action.endswith(action_end)]
    assert found, f"no form for …{action_end} among {[action for action, _ in reader.forms]}"
    return found[0]


def send(client: HouseClient, page: str, action: str, **changed: Any) -> TestResponse:
    """Open a page, fill in its form and send it."""
    fields = form_on(client.get(page).text, action)
    for name, value in changed.items():
        fields.setlist(name, value if isinstance(value, list) else [value])
    return client.post(action, data=fields)


def seeded(app: Flask, *given: dict[str, Any]) -> tuple[str, str]:
    """Write a site with live rules that others wrote; return the ids of the site and the version."""
    database: Database = app.extensions["portal.database"]
    site_id, at = a_site(database), clock.now()
    with database.writing() as db:
        draft = actions.draft_from(db, site_id, by=AUTHOR, at=at)
        actions.edit_draft(db, draft, body=rules(*(given or (a_rule(),))), by=AUTHOR, at=at)
        actions.submit(db, draft, note="as agreed", by=AUTHOR, at=at)
        actions.approve(db, draft, by=APPROVER, at=at)
        actions.go_live(db, draft, by=APPROVER, at=at)
    return site_id, draft


def begun(client: HouseClient) -> str:
    """Begin a draft as the signed-in marketer and return its address."""
    response = send(client, "/staff/rules/", "/staff/rules/drafts/")
    assert response.status_code == 303, response.text
    return str(response.headers["Location"])
