"""Two people at the same moment, on both databases: nobody's words are lost, one version decides, a kill holds."""

import threading
from collections.abc import Callable

from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.audit import Actor
from portal.db import Database, new_id
from portal.microsite.models import StoredArrangement
from portal.rulebook import actions, queries
from portal.rulebook.refusals import RuleSetRefused
from tests.microsite.doctors import Doctor
from tests.rulebook.rooms import ANNA, AT, BERT, CARA, HOUR, a_rule, a_site, in_review, live, rules


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Do deeds at the same moment; return what came of each, `done` or why it was refused, sorted."""
    start, outcomes = threading.Barrier(len(deeds)), []

    def run(deed: Callable[[], object]) -> None:
        start.wait()
        try:
            deed()
            outcomes.append("done")
        except RuleSetRefused as refused:
            outcomes.append(str(refused.reason))

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_two_who_save_the_same_draft_one_is_told_and_nothing_is_lost(database: Database) -> None:
    site = a_site(database)
    with database.writing() as db:
        draft = actions.draft_from(db, site, by=ANNA, at=AT)

    def save(person: Actor, by: float) -> Callable[[], object]:
        def deed() -> None:
            with database.writing() as db:
                actions.edit_draft(db, draft, body=rules(a_rule(by=by)), revision=1, by=person, at=AT)

        return deed

    assert at_once(save(ANNA, 1), save(CARA, 2), save(BERT, 3)) == ["done", "edited", "edited"]
    with database.reading() as db:
        kept = queries.rule_set(db, draft)
    assert kept is not None
    assert kept.revision == 2
    assert kept.edited_by in (ANNA.id, BERT.id, CARA.id)


def test_releasing_while_another_goes_back_leaves_one_version_that_decides(database: Database) -> None:
    site = a_site(database)
    old = live(database, site, a_rule(by=1), at=AT - 2 * HOUR)
    live(database, site, a_rule(by=2), at=AT - HOUR)
    draft = in_review(database, site, a_rule(by=3))
    with database.writing() as db:
        actions.approve(db, draft, by=BERT, at=AT)

    def release() -> None:
        with database.writing() as db:
            actions.go_live(db, draft, by=CARA, at=AT)

    def back() -> None:
        with database.writing() as db:
            actions.revert(db, old, note="the old ones were better", by=BERT, at=AT)

    outcomes = at_once(release, back)
    assert outcomes in (["done", "done"], ["done", "moved-on"])
    with database.reading() as db:
        open_ends = [each for each in queries.history(db, site) if each.live_from and each.live_until is None]
        decides = queries.live_rule_set(db, site, AT)
    assert decides is not None
    assert [each.id for each in open_ends] == [decides.id]
    assert decides.id != old, "what was brought back is a version of its own"


def test_a_rule_switched_off_while_pages_are_served_acts_on_none_that_begins_after(demo_app: Flask) -> None:
    doctor, stop, broken = Doctor(demo_app), threading.Event(), []
    with doctor.database.reading() as db:
        before = queries.live_version(db, doctor.site_id, clock.now())
    assert before is not None
    rule = next(one.id for one in before.rules.rules if one.enabled)

    def read_on(reader: Doctor) -> None:
        while not stop.is_set():
            answer = reader.client.get("/m/")
            if answer.status_code != 200:
                broken.append(answer.status_code)

    reader = threading.Thread(target=read_on, args=(Doctor(demo_app, "H-1002"),))
    reader.start()
    with doctor.database.writing() as db:
        by = Actor.staff(new_id())
        off = actions.kill_rule(db, doctor.site_id, rule, reason="a new warning", by=by, at=clock.now())
    doctor.get()
    mine = select(StoredArrangement.rule_set_id).where(StoredArrangement.hcp_id == doctor.id)
    served = doctor.rows(mine.order_by(StoredArrangement.at.desc()).limit(1))[0][0]
    stop.set()
    reader.join()
    assert broken == []
    assert served == off
