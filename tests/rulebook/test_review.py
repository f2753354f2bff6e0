"""Writing and reviewing rules."""

import pytest

from portal.db import Database
from portal.rulebook import actions, queries
from portal.rulebook.actions import Seen
from portal.rulebook.refusals import Refusal, RuleSetRefused
from portal.rulebook.states import Standing, State, Step
from tests.rulebook.rooms import ANNA, AT, BERT, CARA, HOUR, a_rule, a_site, deeds, in_review, live, rules


def test_a_first_draft_is_empty_and_a_later_one_begins_with_the_live_rules(database: Database) -> None:
    site = a_site(database)
    with database.writing() as db:
        first = queries.rule_set(db, actions.draft_from(db, site, by=ANNA, at=AT))
        assert first is not None
        assert (first.version, first.based_on, first.rules.rules) == (1, None, ())
    live(database, site, a_rule())
    with database.writing() as db:
        later = queries.rule_set(db, actions.draft_from(db, site, by=CARA, at=AT))
        assert later is not None
        assert (later.version, later.based_on) == (3, 2)
        assert [rule.id for rule in later.rules.rules] == ["renal"]
        assert (later.rules.id, later.rules.version, later.rules.site) == (later.id, 3, "demo-us-en")


def test_a_draft_can_begin_with_any_older_version(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule(by=1))
    live(database, site, a_rule(by=2))
    with database.writing() as db:
        draft = queries.rule_set(db, actions.draft_from(db, site, based_on_version=1, by=ANNA, at=AT))
        assert draft is not None
        assert draft.based_on == 1
        assert draft.rules.rules[0].model_dump()["then"]["by"] == 1


def test_a_draft_of_an_unknown_site_or_version_is_refused(database: Database) -> None:
    site = a_site(database)
    with database.writing() as db:
        with pytest.raises(RuleSetRefused) as no_site:
            actions.draft_from(db, "0" * 32, by=ANNA, at=AT)
        with pytest.raises(RuleSetRefused) as no_version:
            actions.draft_from(db, site, based_on_version=7, by=ANNA, at=AT)
    assert no_site.value.reason is no_version.value.reason is Refusal.MISSING


def test_rules_that_do_not_parse_are_refused_with_the_place_named(database: Database) -> None:
    site = a_site(database)
    with database.writing() as db:
        draft = actions.draft_from(db, site, by=ANNA, at=AT)
        with pytest.raises(RuleSetRefused) as refused:
            actions.edit_draft(db, draft, body=rules(a_rule(by=1e9)), by=ANNA, at=AT)
        with pytest.raises(RuleSetRefused) as not_json:
            actions.edit_draft(db, draft, body="{", by=ANNA, at=AT)
        kept = queries.rule_set(db, draft)
    assert refused.value.errors[0][0] == "rules[0].then.by"
    assert not_json.value.reason is Refusal.RULES
    assert kept is not None
    assert kept.revision == 1


def test_two_editors_do_not_overwrite_each_other(database: Database) -> None:
    site = a_site(database)
    with database.writing() as db:
        draft = actions.draft_from(db, site, by=ANNA, at=AT)
        assert actions.edit_draft(db, draft, body=rules(a_rule()), revision=1, by=ANNA, at=AT) == 2
        with pytest.raises(RuleSetRefused) as refused:
            actions.edit_draft(db, draft, body=rules(), revision=1, by=CARA, at=AT)
    assert refused.value.reason is Refusal.EDITED


def test_saving_the_same_rules_again_changes_nothing(database: Database) -> None:
    site = a_site(database)
    with database.writing() as db:
        draft = actions.draft_from(db, site, by=ANNA, at=AT)
        actions.edit_draft(db, draft, body=rules(a_rule()), by=ANNA, at=AT)
        assert actions.edit_draft(db, draft, body=rules(a_rule()), by=CARA, at=AT) == 2
    assert deeds(database) == ["ruleset.drafted", "ruleset.edited"]


def test_the_whole_way_is_recorded(database: Database) -> None:
    site = a_site(database)
    draft = live(database, site, a_rule())
    assert deeds(database) == [
        "ruleset.drafted",
        "ruleset.edited",
        "ruleset.submitted",
        "ruleset.approved",
        "ruleset.went-live",
    ]
    with database.reading() as db:
        written = {step.step for step in queries.steps(db, draft)}
        version = queries.rule_set(db, draft)
    assert written == {Step.DRAFTED, Step.EDITED, Step.SUBMITTED, Step.APPROVED, Step.LIVE}
    assert version is not None
    assert version.standing(AT) is Standing.LIVE
    assert version.note == "as agreed"


def test_the_author_does_not_approve(database: Database) -> None:
    site = a_site(database)
    draft = in_review(database, site, a_rule())
    with database.writing() as db, pytest.raises(RuleSetRefused) as refused:
        actions.approve(db, draft, by=ANNA, at=AT)
    assert refused.value.reason is Refusal.FOUR_EYES


def test_nobody_who_changed_a_version_approves_it_even_if_somebody_changed_it_later(database: Database) -> None:
    site = a_site(database)
    with database.writing() as db:
        draft = actions.draft_from(db, site, by=ANNA, at=AT)
        actions.edit_draft(db, draft, body=rules(a_rule(by=1)), by=BERT, at=AT)
        actions.edit_draft(db, draft, body=rules(a_rule(by=2)), by=CARA, at=AT)
        actions.submit(db, draft, note="together", by=CARA, at=AT)
        for person in (ANNA, BERT, CARA):
            with pytest.raises(RuleSetRefused):
                actions.approve(db, draft, by=person, at=AT)


def test_a_change_after_review_starts_review_again(database: Database) -> None:
    site = a_site(database)
    draft = in_review(database, site, a_rule(by=1))
    with database.writing() as db:
        actions.approve(db, draft, by=BERT, at=AT)
        actions.edit_draft(db, draft, body=rules(a_rule(by=2)), by=ANNA, at=AT)
        version = queries.rule_set(db, draft)
        assert version is not None
        assert (version.state, version.approved_by, version.submitted_at) == (State.DRAFT, None, None)
        with pytest.raises(RuleSetRefused):
            actions.go_live(db, draft, by=BERT, at=AT)


def test_a_reviewer_who_looked_at_an_older_revision_is_told_so(database: Database) -> None:
    site = a_site(database)
    draft = in_review(database, site, a_rule())
    with database.writing() as db, pytest.raises(RuleSetRefused) as refused:
        actions.approve(db, draft, seen=Seen(revision=1, live=None), by=BERT, at=AT)
    assert refused.value.reason is Refusal.MOVED_ON


def test_changes_are_asked_for_with_a_note_and_can_be_submitted_again(database: Database) -> None:
    site = a_site(database)
    draft = in_review(database, site, a_rule())
    with database.writing() as db:
        with pytest.raises(RuleSetRefused) as silent:
            actions.request_changes(db, draft, note="  ", by=BERT, at=AT)
        actions.request_changes(db, draft, note="say why", by=BERT, at=AT)
        actions.edit_draft(db, draft, body=rules(a_rule(by=7)), by=ANNA, at=AT)
        actions.submit(db, draft, note="now with a reason", by=ANNA, at=AT + HOUR)
        actions.approve(db, draft, by=BERT, at=AT + HOUR)
    assert silent.value.reason is Refusal.NOTE


def test_nothing_is_submitted_without_a_note_or_without_a_difference(database: Database) -> None:
    site = a_site(database)
    live(database, site, a_rule())
    with database.writing() as db:
        draft = actions.draft_from(db, site, by=ANNA, at=AT)
        with pytest.raises(RuleSetRefused) as same:
            actions.submit(db, draft, note="nothing new", by=ANNA, at=AT)
        actions.edit_draft(db, draft, body=rules(), by=ANNA, at=AT)
        with pytest.raises(RuleSetRefused) as silent:
            actions.submit(db, draft, note="", by=ANNA, at=AT)
    assert (same.value.reason, silent.value.reason) == (Refusal.UNCHANGED, Refusal.NOTE)


def test_a_released_or_discarded_version_is_never_changed(database: Database) -> None:
    site = a_site(database)
    released = live(database, site, a_rule())
    with database.writing() as db:
        discarded = actions.draft_from(db, site, by=ANNA, at=AT)
        actions.discard(db, discarded, by=ANNA, at=AT)
        for version in (released, discarded):
            with pytest.raises(RuleSetRefused):
                actions.edit_draft(db, version, body=rules(), by=ANNA, at=AT)
            with pytest.raises(RuleSetRefused):
                actions.submit(db, version, note="once more", by=ANNA, at=AT)
            with pytest.raises(RuleSetRefused):
                actions.discard(db, version, by=ANNA, at=AT)
            with pytest.raises(RuleSetRefused):
                actions.approve(db, version, by=CARA, at=AT)


def test_a_refused_deed_leaves_nothing_behind(database: Database) -> None:
    site = a_site(database)
    draft = in_review(database, site, a_rule())
    before = deeds(database)
    with pytest.raises(RuleSetRefused), database.writing() as db:
        actions.approve(db, draft, by=ANNA, at=AT)
    assert deeds(database) == before


def test_what_waits_for_review_is_listed_and_drafts_are_found_under_way(database: Database) -> None:
    site, other = a_site(database), a_site(database, "other-us-en")
    waiting = in_review(database, site, a_rule())
    with database.writing() as db:
        draft = actions.draft_from(db, other, by=ANNA, at=AT)
    with database.reading() as db:
        assert [version.id for version in queries.awaiting_review(db)] == [waiting]
        assert [version.id for version in queries.unreleased(db, other, AT)] == [draft]
        assert [version.version for version in queries.history(db, site)] == [1]
        assert queries.rule_set(db, "f" * 32) is None
