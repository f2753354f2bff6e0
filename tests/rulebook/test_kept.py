"""What was released is kept by the database itself: an UPDATE or DELETE by hand is refused."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.db import Database, new_id
from portal.microsite.models import StoredArrangement
from tests.rulebook.rooms import AT, a_rule, a_site, in_review, live

CHANGES = {
    "body": "body = '{}'",
    "note": "note = 'x'",
    "version": "version = 99",
    "site": "site_id = 'x'",
    "author": "author_id = 'x'",
    "approver": "approved_by = 'x'",
    "own-approver": "approved_by = author_id",
    "approved-at": "approved_at = NULL",
    "editor": "edited_by = 'x'",
    "revision": "revision = 7",
    "begun": "live_from = NULL",
    "origin": "origin = 'kill'",
    "rules-by-way-of-draft": "state = 'draft', body = '{}'",
}


def refused(database: Database, statement: str) -> bool:
    """Tell whether a statement by hand is refused by the database."""
    try:
        with database.engine.begin() as held:
            held.execute(text(statement))
    except DBAPIError as error:
        return "kept" in str(error)
    return False


def test_no_hand_changes_or_deletes_what_was_released(database: Database) -> None:
    live(database, a_site(database), a_rule())
    let_through = [name for name, change in CHANGES.items() if not refused(database, f"UPDATE rule_sets SET {change}")]
    assert let_through == []
    for statement in (
        "DELETE FROM rule_sets",
        "UPDATE rule_set_steps SET note = 'x'",
        "UPDATE rule_set_steps SET by_id = 'x'",
        "DELETE FROM rule_set_steps",
    ):
        assert refused(database, statement), statement


def test_what_was_reviewed_is_edited_only_on_the_way_back_to_a_draft(database: Database) -> None:
    in_review(database, a_site(database), a_rule())
    with pytest.raises(DBAPIError, match="not edited"), database.engine.begin() as held:
        held.execute(text("UPDATE rule_sets SET body = '{}'"))
    assert refused(database, "UPDATE rule_sets SET approved_by = author_id")


def test_a_version_that_decided_a_page_stays_released(database: Database) -> None:
    site = a_site(database)
    version = live(database, site, a_rule())
    page = {"page": "home", "mode": "personal", "facts": "{}", "candidates": "", "decision": "{}", "page_sha256": ""}
    with database.writing() as db:
        db.add(StoredArrangement(id=new_id(), at=AT, site_id=site, rule_set_id=version, pieces=[], **page))
    assert refused(database, "UPDATE rule_sets SET state = 'draft', live_from = NULL")
