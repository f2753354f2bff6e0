"""Two people at once: one outcome, always, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.content import actions
from portal.content.actions import ContentRefused
from portal.content.models import Fragment, ModuleVersion
from portal.content.queries import modules_in_force, store_fragment
from portal.content.states import Kind
from portal.db import Database
from tests.content.conftest import AT, AUTHOR, OTHER, REVIEWER, SECOND, plainly

ROUNDS = 5
TICK = timedelta(microseconds=1)


def together(database: Database, *deeds: Callable[[Session], object]) -> list[bool]:
    """Do each deed in a transaction of its own, all begun at once; tell which were not refused."""
    gate = Barrier(len(deeds))

    def act(deed: Callable[[Session], object]) -> bool:
        gate.wait()
        try:
            with database.writing() as db:
                deed(db)
        except ContentRefused:
            return False
        return True

    with ThreadPoolExecutor(len(deeds)) as people:
        return list(people.map(act, deeds))


def site_with_module(database: Database, key: str) -> tuple[str, str]:
    with database.writing() as db:
        given = {"brand": "L", "generic": "a", "market": "US", "language": "en"}
        site = actions.create_site(db, key, **given, settings={}, by=AUTHOR, at=AT)
        return site, actions.create_module(db, site, key="dosing", kind=Kind.ARTICLE, by=AUTHOR, at=AT)


def in_review(database: Database, module: str) -> str:
    with database.writing() as db:
        version = actions.draft(db, module, actions.ModuleContent("T", "<p>x</p>"), by=AUTHOR, at=AT)
        actions.submit(db, version, by=AUTHOR, at=AT)
        return version


def test_two_reviewers_approve_one_version_once(guarded: Database) -> None:
    for turn in range(ROUNDS):
        _, module = site_with_module(guarded, f"s{turn}")
        version = in_review(guarded, module)

        def approve(by: Actor, code: str, version: str = version) -> Callable[[Session], object]:
            return lambda db: actions.approve(db, version, approval_code=code, render=plainly, by=by, at=AT)

        assert sorted(together(guarded, approve(REVIEWER, f"A{turn}"), approve(OTHER, f"B{turn}"))) == [False, True]
    with guarded.reading() as db:
        approved = select(func.count()).where(AuditEvent.name == "version.approved")
        assert db.scalar(approved) == ROUNDS


def test_two_versions_approved_at_once_never_stand_side_by_side(guarded: Database) -> None:
    for turn in range(ROUNDS):
        site, module = site_with_module(guarded, f"s{turn}")
        first, second = in_review(guarded, module), in_review(guarded, module)

        def approve(version: str) -> Callable[[Session], object]:
            return lambda db: actions.approve(
                db, version, approval_code=version, render=plainly, by=REVIEWER, at=AT + SECOND
            )

        done = together(guarded, approve(first), approve(second))
        assert done[1]
        with guarded.reading() as db:
            assert [m.number for m in modules_in_force(db, site, AT + SECOND)] == [2]


def test_approving_and_sending_back_at_once_has_one_outcome(guarded: Database) -> None:
    for turn in range(ROUNDS):
        _, module = site_with_module(guarded, f"s{turn}")
        version = in_review(guarded, module)
        done = together(
            guarded,
            lambda db, v=version: actions.approve(db, v, approval_code=v, render=plainly, by=REVIEWER, at=AT),
            lambda db, v=version: actions.request_changes(db, v, note="No.", by=OTHER, at=AT),
        )
        with guarded.reading() as db:
            state = db.scalar(select(ModuleVersion.state).where(ModuleVersion.id == version))
        assert (done, state) in (([True, False], "approved"), ([False, True], "draft"))


def test_approving_against_the_end_of_the_version_before(guarded: Database) -> None:
    """The one before is withdrawn, or runs out, at the moment its successor is approved: the successor stands alone."""
    for turn in range(ROUNDS):
        site, module = site_with_module(guarded, f"s{turn}")
        first, second = in_review(guarded, module), in_review(guarded, module)
        end = AT + 2 * SECOND
        with guarded.writing() as db:
            code = {"approval_code": first, "render": plainly, "by": REVIEWER, "at": AT}
            actions.approve(db, first, in_force_until=end, **code)

        def approve(db: Session, version: str = second, end: datetime = end) -> None:
            actions.approve(db, version, approval_code=version, render=plainly, by=REVIEWER, at=end)

        def withdraw(db: Session, version: str = first, end: datetime = end) -> None:
            actions.withdraw(db, version, reason="superseded label", by=REVIEWER, at=end)

        def read(db: Session, site: str = site, end: datetime = end) -> None:
            for at in (end - TICK, end, end + TICK):
                assert len(modules_in_force(db, site, at)) <= 1

        assert all(together(guarded, approve, withdraw, read, read))
        with guarded.reading() as db:
            found = [[each.number for each in modules_in_force(db, site, at)] for at in (end, end + TICK)]
            state = db.scalar(select(ModuleVersion.state).where(ModuleVersion.id == first))
        assert (found, state) == ([[2], [2]], "withdrawn")


def test_two_authors_never_take_the_same_number(guarded: Database) -> None:
    _, module = site_with_module(guarded, "s")
    content = actions.ModuleContent("T", "<p>x</p>")
    deeds = [lambda db: actions.draft(db, module, content, by=AUTHOR, at=AT)] * 6
    assert all(together(guarded, *deeds))
    with guarded.reading() as db:
        assert sorted(db.scalars(select(ModuleVersion.number))) == [1, 2, 3, 4, 5, 6]


def test_the_same_fragment_stored_at_once_is_kept_once(guarded: Database) -> None:
    deeds = [lambda db: store_fragment(db, "<p>same</p>", AT)] * 6
    assert all(together(guarded, *deeds))
    with guarded.reading() as db:
        assert db.scalar(select(func.count()).select_from(Fragment)) == 1
