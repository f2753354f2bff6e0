"""Rules over HTTP: written by one, released by another, and everything that is refused on the way."""

import pytest
from flask import Flask

from portal import clock
from portal.db import Database
from portal.rulebook import actions, queries
from tests.client import HouseClient
from tests.people import sign_in_as
from tests.rulebook.rooms import a_rule, a_site, rules
from tests.rules.pages import APPROVER, AUTHOR, SignIn, begun, form_on, seeded, send

HOME = "/staff/rules/"


@pytest.fixture
def other(app: Flask) -> HouseClient:
    """A second browser."""
    return HouseClient(app)


def live_body(app: Flask, site_id: str) -> queries.RuleSetVersion:
    database: Database = app.extensions["portal.database"]
    with database.reading() as db:
        found = queries.live_version(db, site_id, clock.now())
    assert found is not None
    return found


def test_a_weight_is_changed_by_one_person_and_made_live_by_another(
    app: Flask, client: HouseClient, other: HouseClient, sign_in: SignIn
) -> None:
    site_id, _ = seeded(app)
    sign_in(client, "marketer")
    draft = begun(client)
    edited = send(client, f"{draft}/rules/renal", f"{draft}/rules/renal", **{"then.by": "7,5", "do": "save"})
    assert edited.headers["Location"] == draft
    page = client.get(draft).text
    assert "was: raise modules on efficacy by 5; is now: raise modules on efficacy by 7.5" in page
    submitted = send(client, draft, f"{draft}/submit", note="Cardiologists asked for it")
    version = str(submitted.headers["Location"])
    assert "Waiting for a reviewer" in client.get(version).text
    assert live_body(app, site_id).version == 1

    sign_in(other, "reviewer")
    assert "Cardiologists asked for it" in other.get(version).text
    approved = send(other, version, f"{version}/review", verdict="release", note="Fine")
    assert approved.status_code == 303
    assert live_body(app, site_id).rules.rules[0].model_dump()["then"]["by"] == 7.5
    assert "7.5" in other.get(HOME).text


def test_whoever_wrote_a_version_is_not_offered_the_approval_and_is_refused_it(
    app: Flask, client: HouseClient, sign_in: SignIn
) -> None:
    site_id, _ = seeded(app)
    person = sign_in(client, "reviewer")
    database: Database = app.extensions["portal.database"]
    me, at = actions_actor(person.id), clock.now()
    with database.writing() as db:
        draft = actions.draft_from(db, site_id, by=me, at=at)
        actions.edit_draft(db, draft, body=rules(a_rule(by=9)), by=me, at=at)
        actions.submit(db, draft, note="my own", by=me, at=at)
    page = client.get(f"{HOME}versions/{draft}").text
    assert "Somebody else has to approve this" in page
    answer = client.submit(HOME, f"{HOME}versions/{draft}/review", {"verdict": "approve", "revision": "2"})
    assert answer.status_code == 422
    assert "somebody else has to approve it" in answer.text


def actions_actor(user_id: str) -> "actions.Actor":
    return actions.Actor.staff(user_id)


def test_a_reviewer_asks_for_changes_and_has_to_say_which(
    app: Flask, client: HouseClient, other: HouseClient, sign_in: SignIn
) -> None:
    seeded(app)
    sign_in(client, "marketer")
    draft = begun(client)
    send(client, draft, f"{draft}/rules/renal/remove")
    version = str(send(client, draft, f"{draft}/submit", note="no longer needed").headers["Location"])
    sign_in(other, "reviewer")
    silent = send(other, version, f"{version}/review", verdict="changes")
    assert silent.status_code == 422
    assert "Say what should be changed." in silent.text
    assert send(other, version, f"{version}/review", verdict="changes", note="Keep it for nurses").status_code == 303
    assert "Keep it for nurses" in client.get(draft).text


def test_a_page_that_is_out_of_date_approves_nothing(
    app: Flask, client: HouseClient, other: HouseClient, sign_in: SignIn
) -> None:
    site_id, _ = seeded(app)
    sign_in(client, "marketer")
    draft = begun(client)
    send(client, draft, f"{draft}/rules/renal/remove")
    version = str(send(client, draft, f"{draft}/submit", note="no longer needed").headers["Location"])
    sign_in(other, "reviewer")
    stale = form_on(other.get(version).text, f"{version}/review")
    database: Database = app.extensions["portal.database"]
    with database.writing() as db:
        actions.kill_rule(db, site_id, "renal", reason="wrong dose", by=APPROVER, at=clock.now())
    answer = other.post(f"{version}/review", data={**stale.to_dict(), "verdict": "release"})
    assert answer.status_code == 422
    assert "This page is out of date" in answer.text


def test_two_people_with_the_same_draft_do_not_overwrite_each_other(
    app: Flask, client: HouseClient, other: HouseClient, sign_in: SignIn
) -> None:
    seeded(app)
    sign_in(client, "marketer")
    sign_in_as(app, other, "marketer", "second@portal.example")
    draft = begun(client)
    stale = form_on(other.get(draft).text, "/rules/renal/remove")
    send(client, f"{draft}/rules/renal", f"{draft}/rules/renal", **{"then.by": "3", "do": "save"})
    answer = other.post(f"{draft}/rules/renal/remove", data=stale)
    assert answer.status_code == 422
    assert "Somebody else changed this draft" in answer.text


def test_rules_are_moved_removed_and_added(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    seeded(app, a_rule("one"), a_rule("two"))
    sign_in(client, "marketer")
    draft = begun(client)
    send(client, draft, f"{draft}/rules/two/move", to="up")
    page = client.get(draft).text
    assert page.index('id="rule-two"') < page.index('id="rule-one"')
    send(client, draft, f"{draft}/rules/one/remove")
    fresh = {
        "name": "Third one",
        "because": "Because it is new",
        "n0-0.fact": "visits",
        "n0-0.op": ">",
        "n0-0.value": "2",
        "then.topic": "efficacy",
        "then.by": "1",
        "do": "save",
    }
    added = send(client, f"{draft}/rules/new", f"{draft}/rules/new", **fresh)
    assert added.status_code == 303, added.text
    page = client.get(draft).text
    assert 'id="rule-third-one"' in page
    assert 'id="rule-one"' not in page


def test_settings_are_changed_and_wrong_ones_named(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    seeded(app)
    sign_in(client, "marketer")
    draft = begun(client)
    wrong = send(client, f"{draft}/settings", f"{draft}/settings", interest_weight="much", holdout_percent="90")
    assert wrong.status_code == 422
    assert "Write a number." in wrong.text
    assert "Write at most 50." in wrong.text
    assert 'value="much"' in wrong.text
    kept = send(client, f"{draft}/settings", f"{draft}/settings", interest_weight="1,5")
    assert kept.status_code == 303
    assert "Points for each minute of interest: was 1, is now 1.5." in client.get(draft).text


def test_a_rule_is_switched_off_by_one_person_with_a_reason(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    site_id, _ = seeded(app)
    sign_in(client, "compliance")
    page = f"{HOME}sites/demo-us-en/rules/renal/off"
    silent = send(client, page, page)
    assert silent.status_code == 422
    assert "Say why this rule is switched off" in silent.text
    assert send(client, page, page, reason="The trial was withdrawn").status_code == 303
    assert not live_body(app, site_id).rules.rules[0].enabled
    assert "Off: The trial was withdrawn" in client.get(HOME).text
    assert client.get(page).status_code == 404


def test_a_version_is_scheduled_and_taken_off_the_schedule(
    app: Flask, client: HouseClient, other: HouseClient, sign_in: SignIn
) -> None:
    seeded(app)
    sign_in(client, "marketer")
    draft = begun(client)
    send(client, draft, f"{draft}/rules/renal/remove")
    version = str(send(client, draft, f"{draft}/submit", note="no longer needed").headers["Location"])
    sign_in(other, "reviewer")
    send(other, version, f"{version}/review", verdict="approve")
    for moment in ("2020-01-01T00:00", "soon", ""):
        assert send(client, version, f"{version}/schedule", since=moment).status_code == 422
    assert send(client, version, f"{version}/schedule", since="2099-01-01T08:00").status_code == 303
    assert "Takes over" in client.get(version).text
    assert send(client, version, f"{version}/unschedule").status_code == 303
    assert send(client, version, f"{version}/live").status_code == 303
    assert "Version 2</a>, live since" in client.get(HOME).text


def test_an_older_version_comes_back_by_a_reviewer_at_once_and_by_a_marketer_after_review(
    app: Flask, client: HouseClient, other: HouseClient, sign_in: SignIn
) -> None:
    site_id, first = seeded(app, a_rule(by=1))
    database: Database = app.extensions["portal.database"]
    with database.writing() as db:
        actions.kill_rule(db, site_id, "renal", reason="by mistake", by=APPROVER, at=clock.now())
        draft = actions.draft_from(db, site_id, by=AUTHOR, at=clock.now())
        actions.edit_draft(db, draft, body=rules(a_rule("other")), by=AUTHOR, at=clock.now())
        actions.submit(db, draft, note="another rule", by=AUTHOR, at=clock.now())
        actions.approve(db, draft, by=APPROVER, at=clock.now())
        actions.go_live(db, draft, by=APPROVER, at=clock.now())
    sign_in(client, "marketer")
    sign_in(other, "reviewer")
    old = f"{HOME}versions/{first}"
    assert send(client, old, f"{old}/propose", note="The old order was better").status_code == 303
    assert live_body(app, site_id).version == 3
    assert send(other, old, f"{old}/revert", note="The old order was better").status_code == 303
    back = live_body(app, site_id)
    assert back.version == 5
    assert [(rule.id, rule.enabled) for rule in back.rules.rules] == [("renal", False)]
    history = client.get(f"{HOME}history?site=demo-us-en").text
    assert "Back to version 1" in history


def test_a_draft_is_discarded_and_stays_readable(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    seeded(app)
    sign_in(client, "marketer")
    draft = begun(client)
    assert send(client, draft, f"{draft}/discard").status_code == 303
    assert client.get(draft).status_code == 404
    assert "Discarded" in client.get(draft.replace("/drafts/", "/versions/")).text


def test_a_site_without_rules_says_what_will_stand_here(app: Flask, client: HouseClient, sign_in: SignIn) -> None:
    a_site(app.extensions["portal.database"])
    sign_in(client, "marketer")
    assert "No rules are live yet" in client.get(HOME).text
