"""Two people, one code, one rendering; nothing approved is edited."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from portal.audit import Actor
from portal.audit.models import AuditEvent
from portal.content import actions
from portal.content.actions import ApprovalRefused, BlockContent, DraftRefused, ModuleContent, WithdrawalRefused
from portal.content.models import ModuleVersion, Review
from portal.content.queries import fragment, modules_in_force
from portal.content.states import State
from portal.db import Database
from tests.content.conftest import AT, AUTHOR, OTHER, REVIEWER, SECOND, Desk, plainly


def events(desk: Desk) -> list[str]:
    desk.db.flush()
    return list(desk.db.scalars(select(AuditEvent.name).order_by(AuditEvent.seq)))


def version(desk: Desk, version_id: str) -> ModuleVersion:
    return desk.db.get_one(ModuleVersion, version_id)


def test_a_version_goes_from_draft_through_review_to_service(desk: Desk) -> None:
    draft = desk.in_review(desk.module())
    desk.approve(draft)
    served = modules_in_force(desk.db, desk.site, AT)
    assert [module.version_id for module in served] == [draft]
    assert served[0].sections == ({"key": "one", "title": "One", "words": 3},)
    assert fragment(desk.db, served[0].card_hash) == "<article>Dosing 1</article>"
    assert '<section id="one" data-section="dosing#one" data-words="3">' in (
        fragment(desk.db, served[0].page_hash) or ""
    )
    assert events(desk) == [
        "site.created",
        "content.created",
        "version.drafted",
        "version.submitted",
        "version.approved",
    ]


def test_the_author_cannot_approve_their_own_version(desk: Desk) -> None:
    draft = desk.in_review(desk.module())
    with pytest.raises(ApprovalRefused, match="second person"):
        actions.approve(desk.db, draft, approval_code="M-1", render=plainly, by=AUTHOR, at=AT)


@pytest.mark.parametrize("actor", [Actor.system("worker"), Actor.hcp("d" * 32), Actor.visitor()])
def test_only_a_person_of_the_staff_approves(desk: Desk, actor: Actor) -> None:
    draft = desk.in_review(desk.module())
    with pytest.raises(ApprovalRefused, match="signed-in person"):
        actions.approve(desk.db, draft, approval_code="M-1", render=plainly, by=actor, at=AT)
    with pytest.raises(ApprovalRefused, match="signed-in person"):
        actions.request_changes(desk.db, draft, note="no", by=actor, at=AT)


def test_whoever_takes_over_a_draft_of_the_system_is_its_author(desk: Desk) -> None:
    system = Actor.system("cli")
    draft = actions.draft(desk.db, desk.module(), ModuleContent("T", "<p>x</p>"), by=system, at=AT)
    actions.submit(desk.db, draft, by=OTHER, at=AT)
    with pytest.raises(ApprovalRefused, match="second person"):
        actions.approve(desk.db, draft, approval_code="M-1", render=plainly, by=OTHER, at=AT)
    desk.approve(draft)


def test_only_the_author_edits_or_submits_a_draft(desk: Desk) -> None:
    draft = desk.draft(desk.module())
    with pytest.raises(DraftRefused, match="author"):
        actions.edit_draft(desk.db, draft, ModuleContent("T", "<p>x</p>"), by=OTHER, at=AT)
    with pytest.raises(DraftRefused, match="author"):
        actions.submit(desk.db, draft, by=OTHER, at=AT)


def test_what_has_left_the_draft_is_not_edited(desk: Desk) -> None:
    draft = desk.in_review(desk.module())
    with pytest.raises(DraftRefused, match="Only a draft"):
        actions.edit_draft(desk.db, draft, ModuleContent("T", "<p>x</p>"), by=AUTHOR, at=AT)
    desk.approve(draft)
    with pytest.raises(DraftRefused, match="Only a draft"):
        actions.edit_draft(desk.db, draft, ModuleContent("T", "<p>x</p>"), by=AUTHOR, at=AT)


def test_a_change_after_review_starts_review_again(desk: Desk) -> None:
    draft = desk.in_review(desk.module())
    actions.request_changes(desk.db, draft, note="Name the section.", by=REVIEWER, at=AT)
    actions.edit_draft(desk.db, draft, ModuleContent("Dosing", "<p>better</p>"), by=AUTHOR, at=AT)
    with pytest.raises(ApprovalRefused, match="in review"):
        desk.approve(draft)
    actions.submit(desk.db, draft, by=AUTHOR, at=AT)
    desk.approve(draft)
    outcomes = desk.db.scalars(select(Review.outcome).order_by(Review.outcome)).all()
    assert outcomes == ["approved", "changes"]
    assert "version.changes-requested" in events(desk)


def test_an_edit_that_changes_nothing_leaves_no_event(desk: Desk) -> None:
    draft = desk.draft(desk.module())
    same = ModuleContent("Dosing", "<h2>One</h2><p>two three</p>", topics=("dosing",))
    actions.edit_draft(desk.db, draft, same, by=AUTHOR, at=AT)
    assert "version.edited" not in events(desk)


def test_what_was_submitted_is_what_is_approved(desk: Desk) -> None:
    draft = desk.draft(desk.module())
    version(desk, draft).summary = "slipped in beside the door"
    actions.submit(desk.db, draft, by=AUTHOR, at=AT)
    with pytest.raises(ApprovalRefused, match="not what was submitted"):
        desk.approve(draft)


@pytest.mark.parametrize("code", ["", "   ", "x" * 61, "two\nlines"])
def test_an_approval_needs_a_code(desk: Desk, code: str) -> None:
    draft = desk.in_review(desk.module())
    with pytest.raises(ApprovalRefused, match="approval code"):
        actions.approve(desk.db, draft, approval_code=code, render=plainly, by=REVIEWER, at=AT)


def test_each_version_has_its_own_code(desk: Desk) -> None:
    desk.approve(desk.in_review(desk.module("one")), code="PP-UNP-USA-6048")
    with pytest.raises(ApprovalRefused, match="belongs to another"):
        desk.approve(desk.in_review(desk.module("two")), code="PP-UNP-USA-6048")


def test_a_site_can_ask_for_a_form_of_code(desk: Desk) -> None:
    actions.change_site(desk.db, desk.site, {"approval_code_pattern": r"MAT-US-\d{7}"}, by=AUTHOR, at=AT)
    draft = desk.in_review(desk.module())
    with pytest.raises(ApprovalRefused, match="form"):
        desk.approve(draft, code="PP-1")
    desk.approve(draft, code="MAT-US-2017668")


def test_validity_lies_ahead_and_is_limited(desk: Desk) -> None:
    draft = desk.in_review(desk.module())
    with pytest.raises(ApprovalRefused, match="before it is approved"):
        desk.approve(draft, since=AT - SECOND)
    with pytest.raises(ApprovalRefused, match="before its beginning"):
        desk.approve(draft, until=AT)
    with pytest.raises(ApprovalRefused, match="at most 730 days"):
        desk.approve(draft, until=AT + timedelta(days=731))
    desk.approve(draft)
    assert version(desk, draft).in_force_until == AT + timedelta(days=730)


def test_what_asks_for_a_person_s_confirmation_gets_it(desk: Desk) -> None:
    source = {"needs_confirmation": "Is this a safety boxed warning?"}
    content = BlockContent("Boxed warning", "<p>x</p>", source=source)
    draft = actions.draft(desk.db, desk.block("boxed-warning"), content, by=AUTHOR, at=AT)
    actions.submit(desk.db, draft, by=AUTHOR, at=AT)
    with pytest.raises(ApprovalRefused, match="safety boxed warning"):
        desk.approve(draft)
    desk.approve(draft, confirmed=True)


def test_a_later_version_is_never_replaced_by_an_earlier(desk: Desk) -> None:
    module = desk.module()
    first, second = desk.in_review(module), desk.in_review(module)
    desk.approve(second)
    with pytest.raises(ApprovalRefused, match="Version 2 is approved already"):
        desk.approve(first)


def test_a_withdrawal_needs_a_reason_and_something_approved(desk: Desk) -> None:
    draft = desk.in_review(desk.module())
    with pytest.raises(WithdrawalRefused, match="approved"):
        actions.withdraw(desk.db, draft, reason="wrong", by=REVIEWER, at=AT)
    desk.approve(draft)
    with pytest.raises(WithdrawalRefused, match="why"):
        actions.withdraw(desk.db, draft, reason="  ", by=REVIEWER, at=AT)
    actions.withdraw(desk.db, draft, reason="wrong dose", by=AUTHOR, at=AT)
    assert version(desk, draft).state == State.WITHDRAWN
    body = desk.db.scalars(select(AuditEvent.body).where(AuditEvent.name == "version.withdrawn")).one()
    assert json.loads(body)["about"]["reason"] == "wrong dose"


def test_content_of_a_module_does_not_go_into_a_block(desk: Desk) -> None:
    with pytest.raises(DraftRefused):
        actions.draft(desk.db, desk.block(), ModuleContent("T", "<p>x</p>"), by=AUTHOR, at=AT)
    with pytest.raises(actions.VersionMissing):
        actions.draft(desk.db, "0" * 32, ModuleContent("T", "<p>x</p>"), by=AUTHOR, at=AT)
    with pytest.raises(actions.VersionMissing):
        actions.submit(desk.db, "0" * 32, by=AUTHOR, at=AT)


@pytest.mark.parametrize(
    "content",
    [
        ModuleContent("", "<p>x</p>"),
        ModuleContent("x" * 201, "<p>x</p>"),
        ModuleContent("T", ""),
        ModuleContent("T", "<script>x</script>"),
        ModuleContent("T", "<p>a\x00b</p>"),
        ModuleContent("T", "<p>x</p>", position=-1),
        ModuleContent("T", "<p>x</p>", topics=("Not a key",)),
        ModuleContent("T", "<p>x</p>", calculator="bmi"),
        ModuleContent("T", "<p>x</p>", calculator="DROP TABLE", calculator_version="1"),
        ModuleContent("T", "<p>x</p>", calculator="bmi", calculator_version="x" * 21),
    ],
)
def test_content_that_cannot_stand_is_refused(desk: Desk, content: ModuleContent) -> None:
    with pytest.raises(DraftRefused):
        actions.draft(desk.db, desk.module(), content, by=AUTHOR, at=AT)


def test_what_an_author_writes_is_sanitised(desk: Desk) -> None:
    body = '<h2 onclick="x()">A</h2><p style="color:red">b<script>c</script><img src="http://e.example/p.gif"></p>'
    draft = desk.draft(desk.module(), body)
    assert "script" not in version(desk, draft).body
    assert version(desk, draft).body.endswith("<h2>A</h2><p>b</p>\n</section>")


def test_an_author_cannot_write_the_marks_of_slots(desk: Desk) -> None:
    draft = desk.draft(desk.module(), "<p>a \ue000reason\ue001 b</p>")
    assert "<p>a reason b</p>" in version(desk, draft).body


def change_title(module: ModuleVersion) -> None:
    module.title = "Other"


def change_sections(module: ModuleVersion) -> None:
    module.sections = []


def reopen(module: ModuleVersion) -> None:
    module.state = State.DRAFT


def prolong(module: ModuleVersion) -> None:
    module.in_force_until = AT + timedelta(days=9999)


def change_code(module: ModuleVersion) -> None:
    module.approval_code = "OTHER"


def change_page(module: ModuleVersion) -> None:
    module.page_hash = "0" * 64


@pytest.mark.parametrize("change", [change_title, change_sections, reopen, prolong, change_code, change_page])
def test_the_database_itself_refuses_to_change_what_is_approved(
    desk: Desk, change: Callable[[ModuleVersion], None]
) -> None:
    approved = desk.approved(desk.module())
    desk.db.flush()
    change(version(desk, approved))
    with pytest.raises(DatabaseError):
        desk.db.flush()


def test_the_database_itself_refuses_an_author_as_approver(desk: Desk) -> None:
    draft = desk.in_review(desk.module())
    desk.db.flush()
    row = version(desk, draft)
    row.state, row.approved_by = State.APPROVED, AUTHOR.id
    with pytest.raises(DatabaseError, match="two people"):
        desk.db.flush()


@pytest.mark.parametrize("table", ["module_versions", "reviews", "fragments"])
def test_the_database_itself_keeps_what_was_approved(desk: Desk, table: str) -> None:
    desk.approved(desk.module())
    desk.db.flush()
    with pytest.raises(DatabaseError), desk.db.begin_nested():
        desk.db.execute(text(f"DELETE FROM {table}"))


def test_the_triggers_come_and_go(guarded: Database) -> None:
    from portal.content import triggers

    up, down = (
        (triggers.SQLITE_UP, triggers.SQLITE_DOWN)
        if guarded.is_sqlite
        else (triggers.POSTGRES_UP, triggers.POSTGRES_DOWN)
    )
    with guarded.engine.begin() as connection:
        for statement in (*down, *up):
            connection.exec_driver_sql(statement)
