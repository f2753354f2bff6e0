"""Releasing rules: at once, at a moment, back, and one rule off."""

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.audit import Actor
from portal.db import Database, new_id
from portal.rulebook import actions, queries
from portal.rulebook.models import StoredRuleSet
from portal.rulebook.refusals import Refusal, RuleSetRefused
from portal.rulebook.states import Origin, Standing, State
from tests.rulebook.rooms import ANNA, AT, BERT, CARA, HOUR, a_rule, a_site, deeds, in_review, live, rules


def approved(database: Database, site: str, by: float, at: datetime = AT) -> str:
    draft = in_review(database, site, a_rule(by=by), at=at)
    with database.writing() as db:
        actions.approve(db, draft, by=BERT, at=at)
    return draft


def version_live(database: Database, site: str, at: datetime) -> int | None:
    with database.reading() as db:
        found = queries.live_rule_set(db, site, at)
    return found.version if found is not None else None


def lives(database: Database, site: str) -> list[tuple[int, datetime, datetime | None]]:
    with database.reading() as db:
        rows = [(v.version, v.live_from, v.live_until) for v in queries.history(db, site)]
    return sorted((version, since, until) for version, since, until in rows if since is not None)


def test_the_version_before_ends_when_the_next_goes_live(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule(by=1), at=AT)
    live(database, site, a_rule(by=2), at=AT + HOUR)
    assert version_live(database, site, AT - HOUR) is None
    assert version_live(database, site, AT) == 1
    assert version_live(database, site, AT + HOUR - timedelta(microseconds=1)) == 1
    assert version_live(database, site, AT + HOUR) == 2
    assert lives(database, site) == [(1, AT, AT + HOUR), (2, AT + HOUR, None)]


def test_the_database_itself_refuses_a_second_open_end(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule())
    with database.writing() as db:
        first = db.scalars(select(StoredRuleSet)).one()
        values = {c.name: getattr(first, c.name) for c in StoredRuleSet.__table__.columns}
        db.add(StoredRuleSet(**{**values, "id": new_id(), "version": 9}))
        with pytest.raises(IntegrityError):
            db.flush()
        db.rollback()


def test_a_draft_cannot_go_live_and_neither_can_one_in_review(database: Database) -> None:
    site = a_site(database)
    waiting = in_review(database, site, a_rule())
    with database.writing() as db:
        draft = actions.draft_from(db, site, by=ANNA, at=AT)
        for version in (draft, waiting):
            with pytest.raises(RuleSetRefused):
                actions.go_live(db, version, by=CARA, at=AT)


def test_what_was_approved_over_other_rules_needs_a_fresh_review(database: Database) -> None:
    site = a_site(database)
    late = approved(database, site, 1)
    live(database, site, a_rule(by=2), at=AT)
    with database.writing() as db, pytest.raises(RuleSetRefused) as refused:
        actions.go_live(db, late, by=CARA, at=AT)
    assert refused.value.reason is Refusal.MOVED_ON


def test_a_scheduled_version_takes_over_at_its_moment_with_nobody_doing_anything(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule(by=1))
    draft = approved(database, site, 2)
    with database.writing() as db:
        actions.schedule(db, draft, since=AT + HOUR, by=ANNA, at=AT)
    assert version_live(database, site, AT) == 1
    assert version_live(database, site, AT + HOUR) == 2
    with database.reading() as db:
        version = queries.rule_set(db, draft)
        assert version is not None
        assert version.standing(AT) is Standing.SCHEDULED
        assert version.standing(AT + HOUR) is Standing.LIVE
    assert lives(database, site) == [(1, AT, AT + HOUR), (2, AT + HOUR, None)]


def test_a_moment_that_has_passed_is_no_schedule(database: Database) -> None:
    site = a_site(database)
    draft = approved(database, site, 1)
    with database.writing() as db, pytest.raises(RuleSetRefused) as refused:
        actions.schedule(db, draft, since=AT, by=ANNA, at=AT)
    assert refused.value.reason is Refusal.MOMENT


def test_one_version_is_on_the_schedule_and_it_can_be_taken_off(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule(by=1))
    first, second = approved(database, site, 2), approved(database, site, 3)
    with database.writing() as db:
        actions.schedule(db, first, since=AT + HOUR, by=ANNA, at=AT)
        for release in (
            lambda: actions.go_live(db, second, by=BERT, at=AT),
            lambda: actions.schedule(db, second, since=AT + 2 * HOUR, by=BERT, at=AT),
        ):
            with pytest.raises(RuleSetRefused) as refused:
                release()
            assert refused.value.reason is Refusal.SCHEDULED
        actions.unschedule(db, first, by=ANNA, at=AT)
    assert lives(database, site) == [(1, AT, None)]
    with database.writing() as db:
        actions.go_live(db, second, by=BERT, at=AT + HOUR)
        with pytest.raises(RuleSetRefused):
            actions.unschedule(db, second, by=ANNA, at=AT + HOUR)
    assert version_live(database, site, AT + HOUR) == 3


def test_a_killed_rule_is_off_from_the_next_request_on_and_says_why(database: Database) -> None:
    site = a_site(database)
    old = live(database, site, a_rule(), a_rule("other"))
    with database.writing() as db:
        new = actions.kill_rule(db, site, "renal", reason="the trial was withdrawn", by=CARA, at=AT + HOUR)
    with database.reading() as db:
        found = queries.live_rule_set(db, site, AT + HOUR)
        version, before = queries.rule_set(db, new), queries.rule_set(db, old)
    assert found is not None
    assert found.id == new
    assert version is not None
    assert [(r.id, r.enabled, r.off_reason) for r in version.rules.rules] == [
        ("renal", False, "the trial was withdrawn"),
        ("other", True, None),
    ]
    assert (version.origin, version.killed_rule, version.author_id) == (Origin.KILL, "renal", CARA.id)
    assert before is not None
    assert before.rules.rules[0].enabled
    assert deeds(database)[-1] == "rule.killed"


@pytest.mark.parametrize(
    ("rule", "reason", "refusal"),
    [
        ("renal", "", Refusal.NOTE),
        ("renal", " ! ", Refusal.NOTE),
        ("renal", "x" * 201, Refusal.NOTE),
        ("renal", "a bell \x07 rings", Refusal.NOTE),
        ("nobody", "good reason", Refusal.MISSING),
    ],
)
def test_a_kill_needs_a_rule_and_a_reason(database: Database, rule: str, reason: str, refusal: Refusal) -> None:
    site = a_site(database)
    live(database, site, a_rule())
    with pytest.raises(RuleSetRefused) as refused, database.writing() as db:
        actions.kill_rule(db, site, rule, reason=reason, by=CARA, at=AT)
    assert refused.value.reason is refusal
    assert version_live(database, site, AT) == 1


def test_a_rule_is_killed_once_and_never_where_nothing_is_live(database: Database) -> None:
    site, bare = a_site(database), a_site(database, "bare-us-en")
    live(database, site, a_rule())
    with database.writing() as db:
        actions.kill_rule(db, site, "renal", reason="wrong dose", by=CARA, at=AT)
        for where in (site, bare):
            with pytest.raises(RuleSetRefused):
                actions.kill_rule(db, where, "renal", reason="wrong dose", by=CARA, at=AT)


def test_a_version_approved_before_a_kill_needs_a_fresh_review(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule(by=1))
    draft = approved(database, site, 2)
    with database.writing() as db:
        actions.kill_rule(db, site, "renal", reason="wrong dose", by=CARA, at=AT)
        with pytest.raises(RuleSetRefused) as refused:
            actions.go_live(db, draft, by=BERT, at=AT)
    assert refused.value.reason is Refusal.MOVED_ON


def test_a_scheduled_version_never_switches_a_killed_rule_on_again(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule(by=1))
    draft = approved(database, site, 2)
    with database.writing() as db:
        actions.schedule(db, draft, since=AT + HOUR, by=ANNA, at=AT)
        actions.kill_rule(db, site, "renal", reason="wrong dose", by=CARA, at=AT)
        version = queries.rule_set(db, draft)
    assert version is not None
    assert (version.state, version.live_from, version.approved_by) == (State.DRAFT, None, None)
    with database.reading() as db:
        later = queries.live_version(db, site, AT + 2 * HOUR)
    assert later is not None
    assert not later.rules.rules[0].enabled


def test_a_scheduled_version_without_the_killed_rule_stays_on_the_schedule(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule(), a_rule("other"))
    draft = in_review(database, site, a_rule("other", by=9))
    with database.writing() as db:
        actions.approve(db, draft, by=BERT, at=AT)
        actions.schedule(db, draft, since=AT + 2 * HOUR, by=ANNA, at=AT)
        actions.kill_rule(db, site, "renal", reason="wrong dose", by=CARA, at=AT + HOUR)
    assert [version_live(database, site, AT + n * HOUR) for n in (0, 1, 2)] == [1, 3, 2]
    assert lives(database, site) == [
        (1, AT, AT + HOUR),
        (2, AT + 2 * HOUR, None),
        (3, AT + HOUR, AT + 2 * HOUR),
    ]


def test_a_reviewer_brings_an_older_version_back_at_once(database: Database) -> None:
    site = a_site(database)
    old = live(database, site, a_rule(by=1))
    live(database, site, a_rule(by=2), at=AT + HOUR)
    with database.writing() as db:
        new = actions.revert(db, old, note="the new order confused doctors", by=BERT, at=AT + 2 * HOUR)
        version = queries.rule_set(db, new)
    assert version is not None
    assert (version.origin, version.author_id, version.approved_by) == (Origin.REVERT, ANNA.id, BERT.id)
    assert version.rules.rules[0].model_dump()["then"]["by"] == 1
    assert version_live(database, site, AT + 2 * HOUR) == 3
    assert deeds(database)[-2:] == ["ruleset.reverted", "ruleset.went-live"]


def test_whoever_wrote_a_version_cannot_bring_it_back_alone(database: Database) -> None:
    site = a_site(database)
    old = live(database, site, a_rule(by=1))
    live(database, site, a_rule(by=2), at=AT + HOUR)
    with database.writing() as db, pytest.raises(RuleSetRefused) as refused:
        actions.revert(db, old, note="mine was better", by=ANNA, at=AT + 2 * HOUR)
    assert refused.value.reason is Refusal.FOUR_EYES


def test_a_proposed_revert_waits_for_a_second_person(database: Database) -> None:
    site = a_site(database)
    old = live(database, site, a_rule(by=1))
    live(database, site, a_rule(by=2), at=AT + HOUR)
    with database.writing() as db:
        new = actions.propose_revert(db, old, note="mine was better", by=ANNA, at=AT + 2 * HOUR)
        with pytest.raises(RuleSetRefused):
            actions.approve(db, new, by=ANNA, at=AT + 2 * HOUR)
        assert [version.id for version in queries.awaiting_review(db)] == [new]
        actions.approve(db, new, by=CARA, at=AT + 2 * HOUR)
        actions.go_live(db, new, by=CARA, at=AT + 2 * HOUR)
    assert version_live(database, site, AT + 2 * HOUR) == 3


def test_a_revert_leaves_killed_rules_off(database: Database) -> None:
    site = a_site(database)
    old = live(database, site, a_rule(by=1), a_rule("other"))
    live(database, site, a_rule(by=2), at=AT + HOUR)
    with database.writing() as db:
        actions.kill_rule(db, site, "renal", reason="wrong dose", by=CARA, at=AT + 2 * HOUR)
        new = actions.revert(db, old, note="back to the old order", by=BERT, at=AT + 3 * HOUR)
        version = queries.rule_set(db, new)
    assert version is not None
    assert [(rule.id, rule.off_reason) for rule in version.rules.rules] == [("renal", "wrong dose"), ("other", None)]


def test_only_what_was_live_and_differs_is_brought_back(database: Database) -> None:
    site = a_site(database)
    draft = in_review(database, site, a_rule(by=9))
    now = live(database, site, a_rule(by=1))
    with database.writing() as db:
        for version in (draft, now):
            with pytest.raises(RuleSetRefused):
                actions.revert(db, version, note="back", by=CARA, at=AT)


def test_releases_at_the_same_moment_leave_one_live_version(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule(by=1))
    drafts = [approved(database, site, float(n)) for n in range(2, 6)]
    outcomes: list[str] = []
    start = threading.Barrier(len(drafts))

    def release(draft: str) -> None:
        start.wait()
        try:
            with database.writing() as db:
                actions.go_live(db, draft, by=BERT, at=AT + HOUR)
            outcomes.append("live")
        except RuleSetRefused as refused:
            outcomes.append(refused.reason)

    threads = [threading.Thread(target=release, args=(draft,)) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["live", "moved-on", "moved-on", "moved-on"]
    open_ends = [entry for entry in lives(database, site) if entry[2] is None]
    assert len(open_ends) == 1


def test_drafts_begun_at_the_same_moment_get_numbers_of_their_own(database: Database) -> None:
    site = a_site(database)
    start = threading.Barrier(4)

    def begin(person: Actor) -> None:
        start.wait()
        with database.writing() as db:
            actions.draft_from(db, site, by=person, at=AT)

    threads = [threading.Thread(target=begin, args=(ANNA,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as db:
        assert [version.version for version in queries.history(db, site)] == [4, 3, 2, 1]


def test_an_approval_and_an_edit_at_the_same_moment_never_release_what_nobody_reviewed(database: Database) -> None:
    site = a_site(database)
    draft = in_review(database, site, a_rule(by=1))
    start = threading.Barrier(2)

    def run(deed: object) -> None:
        start.wait()
        try:
            with database.writing() as db:
                if deed == "approve":
                    seen = actions.Seen(revision=2, live=None)
                    actions.approve(db, draft, seen=seen, by=BERT, at=AT)
                else:
                    actions.edit_draft(db, draft, body=rules(a_rule(by=99)), by=ANNA, at=AT)
        except RuleSetRefused:
            pass

    threads = [threading.Thread(target=run, args=(deed,)) for deed in ("approve", "edit")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as db:
        version = queries.rule_set(db, draft)
    assert version is not None
    assert version.state is State.DRAFT
    assert version.approved_by is None
