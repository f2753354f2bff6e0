"""Trying rules: on one doctor, side by side, and on every page served before, part by part."""

import re
import threading
from datetime import timedelta

import pytest
from flask import Flask

from portal import clock
from portal.content.queries import site_by_key
from portal.db import Database, new_id
from portal.microsite import trying
from portal.microsite.history import count_pages
from portal.personalize.backtest import Backtest, Fidelity, Movement
from portal.rulebook import actions, backtests, queries
from portal.rulebook.backtests import BacktestRow
from portal.rulebook.trials import Tally, dump_tally, load_tally
from tests.client import HouseClient
from tests.people import sign_in_as
from tests.rulebook.rooms import a_rule, rules
from tests.rules.pages import AUTHOR, SignIn, form_on, send
from tests.rules.test_commands import LIVE, served

HIDE = a_rule("gone", then={"do": "hide", "target": {"modules": ["warnings"]}}, when={"all": []})
DEMO = "atorvastatin-us-en"


def a_draft(app: Flask, site_key: str = "demo-us-en") -> str:
    """Write a draft that hides the warnings; return its id."""
    database: Database = app.extensions["portal.database"]
    with database.writing() as db:
        site = site_by_key(db, site_key)
        assert site is not None
        draft = actions.draft_from(db, site.id, by=AUTHOR, at=clock.now())
        actions.edit_draft(db, draft, body=rules(LIVE, HIDE), by=AUTHOR, at=clock.now())
    return draft


def page_of(draft: str, what: str) -> str:
    return f"/staff/rules/versions/{draft}/{what}"


def begun_on(app: Flask, draft: str) -> str:
    """Begin a back-test without doing any of it; return its id."""
    database: Database = app.extensions["portal.database"]
    at = clock.now()
    with database.writing() as db:
        version = queries.rule_set(db, draft)
        assert version is not None
        total = count_pages(db, version.site_id, until=at)
        return backtests.begin(db, draft, total=total, by=AUTHOR, at=at)


def result(app: Flask, backtest_id: str) -> BacktestRow:
    database: Database = app.extensions["portal.database"]
    with database.reading() as db:
        row = backtests.backtest_of(db, backtest_id)
    assert row is not None
    return row


def test_a_back_test_says_what_changes_and_that_history_comes_out(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    served(app)
    draft = a_draft(app)
    sign_in(client, "marketer")
    page = page_of(draft, "backtest")
    assert "Not tried yet" in client.get(page).text
    assert send(client, page, page).status_code == 303
    told = client.get(page).text
    assert "Doctors who lose sight of a module" in told
    assert "of 3 pages" in told
    assert "do not come out as they were served" not in told
    database: Database = app.extensions["portal.database"]
    with database.reading() as db:
        row = backtests.newest_backtest(db, draft)
    assert row is not None
    changes, history = row.found
    assert (changes.pages, changes.changed, history.same, row.done) == (3, 3, 3, 3)
    assert changes.modules["warnings"].vanishes == 3


def test_a_back_test_goes_on_where_it_stopped(
    app: Flask, client: HouseClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(app, pages=5)
    draft = a_draft(app)
    monkeypatch.setattr(trying, "_PART", 2)
    backtest_id = begun_on(app, draft)
    database: Database = app.extensions["portal.database"]
    trying.take_on(database, backtest_id, seconds=0, clock=clock.now)
    assert (result(app, backtest_id).done, result(app, backtest_id).finished_at) == (2, None)
    sign_in(client, "marketer")
    page = page_of(draft, "backtest")
    assert 'of <span class="number">5</span> pages tried' in client.get(page).text
    assert send(client, page, f"{page}/{backtest_id}").status_code == 303
    row = result(app, backtest_id)
    assert (row.done, row.found.changes.changed, row.found.history.same) == (5, 5, 5)
    assert row.finished_at is not None


def test_two_who_take_a_back_test_on_count_no_page_twice(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    served(app, pages=6)
    draft = a_draft(app)
    monkeypatch.setattr(trying, "_PART", 2)
    backtest_id = begun_on(app, draft)
    database: Database = app.extensions["portal.database"]
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        for _ in range(4):
            trying.take_on(database, backtest_id, seconds=0, clock=clock.now)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = result(app, backtest_id)
    assert (row.done, row.found.history.same) == (6, 6)
    assert row.finished_at is not None


def test_the_worker_takes_back_tests_on(sqlite_app: Flask) -> None:
    served(sqlite_app, pages=4)
    backtest_id = begun_on(sqlite_app, a_draft(sqlite_app))
    database: Database = sqlite_app.extensions["portal.database"]
    assert trying.take_on_all(database, seconds=1, clock=clock.now) == 1
    assert trying.take_on_all(database, seconds=1, clock=clock.now) == 0
    assert result(sqlite_app, backtest_id).done == 4


def test_pages_served_after_it_began_are_left_out(sqlite_app: Flask) -> None:
    served(sqlite_app, pages=2)
    draft = a_draft(sqlite_app)
    database: Database = sqlite_app.extensions["portal.database"]
    with database.writing() as db:
        backtest_id = backtests.begin(db, draft, total=0, by=AUTHOR, at=clock.now() - timedelta(days=1))
    assert result(sqlite_app, backtest_id).finished_at is not None
    with database.writing() as db:
        early = backtests.begin(db, draft, total=9, by=AUTHOR, at=clock.now() - timedelta(days=1))
    trying.take_on(database, early, seconds=1, clock=clock.now)
    assert result(sqlite_app, early).found.changes.pages == 0


def test_a_tally_comes_back_from_its_text() -> None:
    changes = Backtest(pages=3, changed=2, modules={"a": Movement(1, 2, 3, 4)}, changed_ids=["x"], refused=["y"])
    changes.doctors["d"] = 2
    changes.seen_doctors.add("d")
    changes.losing["d", "a"] = 1
    tally = Tally(changes, Fidelity(3, 2, ["x"], ["y"]))
    assert load_tally(dump_tally(tally)) == tally
    assert load_tally("") == Tally(Backtest(), Fidelity())


def test_one_doctor_is_tried_with_every_rule_and_both_orders(sqlite_demo_app: Flask) -> None:
    draft = a_draft(sqlite_demo_app, DEMO)
    client = HouseClient(sqlite_demo_app)
    sign_in_as(sqlite_demo_app, client, "reviewer")
    page = page_of(draft, "try")
    told = client.get(f"{page}?doctor=H-1001").text
    assert "What each rule does for H-1001" in told
    assert "no longer shown" in told
    assert "has not agreed to profiling" in client.get(f"{page}?doctor=H-1004").text
    assert client.get(f"{page}?doctor=H-1001&at=2026-11-01T09:00").status_code == 200
    assert "Nobody has come yet" in client.get(page_of(draft, "matrix")).text


def test_author_and_reviewer_both_see_whom_a_rule_keeps_from_safety_content(sqlite_demo_app: Flask) -> None:
    draft = a_draft(sqlite_demo_app, DEMO)
    author, reviewer = HouseClient(sqlite_demo_app), HouseClient(sqlite_demo_app)
    sign_in_as(sqlite_demo_app, author, "marketer")
    sign_in_as(sqlite_demo_app, reviewer, "reviewer")
    page, version = f"/staff/rules/drafts/{draft}", f"/staff/rules/versions/{draft}"
    told = author.get(page).text
    assert "Warnings and precautions must be seen, and is hidden." in told
    assert "For example a doctor of whom this holds: " in told
    kinds = re.findall(r"(Displaces mandatory|Not in force|Always matches|Never matches)", told)
    assert kinds == sorted(kinds, key=["Displaces mandatory", "Not in force", "Never matches", "Always matches"].index)
    assert "Worth a second look" not in reviewer.get(version).text
    assert send(author, page, f"{page}/submit", note="Less to read").status_code == 303
    told = reviewer.get(version).text
    assert "Worth a second look" in told
    assert "Warnings and precautions must be seen, and is hidden." in told


@pytest.mark.parametrize(
    "query",
    ["doctor=H-9999", "doctor=" + "x" * 300, "doctor=H-1001&at=soon", "at=0001-01-01T00:00%2B23:00"],
)
def test_a_doctor_or_moment_that_is_none_is_said_in_words(sqlite_demo_app: Flask, query: str) -> None:
    draft = a_draft(sqlite_demo_app, DEMO)
    client = HouseClient(sqlite_demo_app)
    sign_in_as(sqlite_demo_app, client, "marketer")
    answer = client.get(f"{page_of(draft, 'try')}?{query}")
    assert answer.status_code == 200
    assert "There is a problem" in answer.text


def test_doors_of_the_trials(sqlite_app: Flask) -> None:
    served(sqlite_app, pages=1)
    draft = a_draft(sqlite_app)
    reader, stranger = HouseClient(sqlite_app), HouseClient(sqlite_app)
    sign_in_as(sqlite_app, reader, "compliance")
    sign_in_as(sqlite_app, stranger, "rep")
    token = form_on(reader.get("/staff/rules/").text, "/sign-out")["csrf_token"]
    for what in ("try", "matrix", "backtest"):
        assert reader.get(page_of(draft, what)).status_code == 200
        assert stranger.get(page_of(draft, what)).status_code == 403
        assert reader.get(page_of("f0" * 16, what)).status_code == 404
        assert reader.get(page_of("x", what)).status_code == 404
    assert "Try on all pages" not in reader.get(page_of(draft, "backtest")).text
    assert reader.post(page_of(draft, "backtest"), data={"csrf_token": token}).status_code == 403
    marketer = HouseClient(sqlite_app)
    sign_in_as(sqlite_app, marketer, "marketer")
    token = form_on(marketer.get("/staff/rules/").text, "/sign-out")["csrf_token"]
    wrong = page_of(draft, f"backtest/{new_id()}")
    assert marketer.post(wrong, data={"csrf_token": token}).status_code == 404
