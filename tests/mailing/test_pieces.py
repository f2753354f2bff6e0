"""Templates and fragments: a closed language, four eyes, rendered once, kept by the database."""

import re

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from portal import clock
from portal.audit import Actor
from portal.content.queries import site_by_key
from portal.db import Database
from portal.mailing import pieces
from portal.mailing.drafts import PieceContent
from portal.mailing.fields import RESTRICTED, FilledField, faults_of, one_line, restricted_in, tidy
from portal.mailing.message import Letter, as_bytes, is_sendable
from portal.mailing.models import MailPieceVersion
from portal.mailing.placeholders import escaped, fill
from portal.mailing.refusals import PieceRefused
from portal.mailing.rendering import foreign_addresses, render
from portal.mailing.source import read
from portal.mailing.states import PieceKind
from tests.client import HouseClient
from tests.mailing.conftest import SITE
from tests.mailing.test_writing import desk

FOOT = (
    "<mj-section><mj-column><mj-text>{{sender.address}} "
    '<a href="{{unsubscribe}}">Unsubscribe</a></mj-text></mj-column></mj-section>'
)


def section(inner: str) -> str:
    return f"<mj-section><mj-column>{inner}</mj-column></mj-section>"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (section("<mj-text>{{hcp.name}}</mj-text>"), "Unknown placeholder “hcp.name” in line 1"),
        ("\n\n" + section("<mj-text>{{ 7*7 }}</mj-text>"), "Unknown placeholder “7*7” in line 3"),
        (section("<mj-text>{{hcp.salutation</mj-text>"), "is not closed"),
        (section("<mj-text>a</mj-text"), "not well formed at line"),
        (section("<mj-image src='https://x.example/a.gif'/>"), "mj-image may not stand in mj-column"),
        (section("<mj-raw><script>x()</script></mj-raw>"), "mj-raw may not stand"),
        (section("<mj-text><script>x()</script></mj-text>"), "script may not stand"),
        (section("<mj-text><img src='x'/></mj-text>"), "img may not stand"),
        (section("<mj-text><a href='https://evil.example'>x</a></mj-text>"), "An address is a placeholder"),
        (section("<mj-text><a href='{{link.home}}?x=1'>x</a></mj-text>"), "An address is a placeholder"),
        (section("<mj-text><a href='{{rep.name}}'>x</a></mj-text>"), "An address is a placeholder"),
        (section("<mj-button>x</mj-button>"), "leads nowhere"),
        (section("<mj-text onclick='x()'>x</mj-text>"), "onclick may not stand on mj-text"),
        (section("<mj-text padding='url(https://x)'>x</mj-text>"), "not one for a mail"),
        ("<mj-include path='/etc/passwd'/>", "mj-include may not stand"),
        ("<mj-head/>", "mj-head may not stand"),
        ("text", "outside of a section"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + FOOT, "not well formed"),
        ("</mj-body><mj-head/><mj-body>", "not well formed"),
        ("<mj-section><mj-column/><mj-column/></mj-section>" + FOOT, "exactly one mj-column"),
        ("   ", "between 1 and"),
        (section("<mj-text>Hello</mj-text>"), "needs {{unsubscribe}}"),
        (section("<mj-text>{{fragments}}</mj-text>") + FOOT, "stands once"),
        ("{{fragments}}{{fragments}}" + FOOT, "stands once"),
    ],
)
def test_what_is_outside_of_the_language_is_refused_with_its_place(body: str, said: str) -> None:
    with pytest.raises(PieceRefused, match=re.escape(said)):
        read(PieceKind.TEMPLATE, body)


def test_fonts_are_the_readers_own_and_nothing_is_fetched() -> None:
    html = render(PieceKind.TEMPLATE, FOOT + "{{fragments}}{{modules}}" + FOOT, title="a", language="en").html
    assert foreign_addresses(html) == []
    assert set(re.findall(r"font-family:([^;\"]+)", html)) == {"Arial, Helvetica, sans-serif"}


@given(st.text(max_size=300))
@hypothesis_settings(max_examples=300, deadline=None)
def test_no_value_can_leave_its_place(value: str) -> None:
    filled = fill('<a href="{{x}}">{{x}}</a>', lambda name, count: escaped(value))
    assert filled.count("<a ") == 1
    assert "<" not in escaped(value).replace("<br>", "")
    assert '"' not in escaped(value)
    assert fill(fill("{{a}}", lambda n, c: "x"), lambda n, c: "y") == "x"


@given(st.text(max_size=400), st.text(max_size=400))
@hypothesis_settings(max_examples=200, deadline=None)
def test_no_name_or_subject_can_add_a_header(name: str, subject: str) -> None:
    from datetime import UTC, datetime
    from email import message_from_bytes

    letter = Letter(
        "a" * 32,
        "<a@b.example>",
        "approved",
        "b" * 32,
        "a@b.example",
        name,
        None,
        "c@d.example",
        subject,
        "<p>x</p>",
        "x",
        "https://p.example/u/abc",
        datetime(2026, 11, 22, tzinfo=UTC),
    )
    raw = as_bytes(letter)
    message = message_from_bytes(raw)
    assert sorted(message.keys()) == sorted(
        [
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "Feedback-ID",
            "MIME-Version",
            "Content-Type",
        ]
    )
    assert message["List-Unsubscribe"] == "<https://p.example/u/abc>"
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert as_bytes(letter) == raw


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b",
        "a@b.c\r\nBcc: x@y.z",
        "a b@c.de",
        "a@b.de,c@d.de",
        "<a@b.de>",
        "ä@b.de",
        "a@b..de",
        ".a@b.de",
        "a" * 65 + "@b.de",
        "a@" + "b" * 64 + ".de",
        "a@b@c.de",
    ],
)
def test_what_is_no_single_plain_address_is_not_mailed(address: str) -> None:
    assert not is_sendable(address)


@pytest.mark.parametrize("address", ["karin.meier@clinic.example", "o'neil+news@a-b.example", "x@y.co"])
def test_ordinary_addresses_are_mailed(address: str) -> None:
    assert is_sendable(address)


@pytest.mark.parametrize(
    "text",
    [
        "guaranteed",
        "GUARANTEED!",
        "gua\u00adranteed",
        "gu\u200baranteed",
        "no   side\neffects",
        "ｇｕａｒａｎｔｅｅｄ",
        "off-label",
        "off label",
        "Off–Label",
    ],
)
def test_restricted_words_are_found_however_they_are_written(text: str) -> None:
    assert restricted_in(f"This is {text} for you", RESTRICTED) is not None


@pytest.mark.parametrize("text", ["secure", "gifted people", "the cured", "label", "off the label"])
def test_other_words_are_left_alone(text: str) -> None:
    assert restricted_in(text, RESTRICTED) is None


def test_free_text_is_tidied_and_limited() -> None:
    note = FilledField(key="note", kind="text", label="Note", max_length=5, required=False)
    assert tidy(" a \r\n\x00 b\u202e  c ") == "a\nb c"
    assert faults_of([note], {"note": "12345"}) == []
    assert faults_of([note], {"note": ""}) == []
    assert "at most 5 characters; this has 6" in faults_of([note], {"note": "123456"})[0].sentence
    assert one_line("a\r\nb" * 100, 10) == "a ba ba ba"


def test_author_and_approver_are_two_people_and_a_change_starts_review_again(demo_database: Database) -> None:
    author, other = Actor.staff("a" * 32), Actor.staff("b" * 32)
    content = PieceContent(title="T", subject="S", body=FOOT)
    with demo_database.writing() as db:
        at, site = clock.now(), site_by_key(db, SITE)
        assert site is not None
        piece = pieces.create_piece(db, site.id, key="probe", kind=PieceKind.TEMPLATE, at=at)
        first = pieces.draft(db, piece, content, by=author, at=at)
        with pytest.raises(PieceRefused, match="Only a version in review"):
            pieces.approve(db, first, approval_code="X1", by=other, at=at)
        with pytest.raises(PieceRefused, match="Only its author"):
            pieces.submit(db, first, by=other, at=at)
        pieces.submit(db, first, by=author, at=at)
        with pytest.raises(PieceRefused, match="second person"):
            pieces.approve(db, first, approval_code="X1", by=author, at=at)
        with pytest.raises(PieceRefused, match="Only a draft is edited"):
            pieces.edit(db, first, content, by=author, at=at)
        pieces.send_back(db, first, note="Say more", by=other, at=at)
        pieces.edit(db, first, PieceContent(title="T2", subject="S", body=FOOT), by=author, at=at)
        with pytest.raises(PieceRefused, match="Only a version in review"):
            pieces.approve(db, first, approval_code="X1", by=other, at=at)
        pieces.submit(db, first, by=author, at=at)
        with pytest.raises(PieceRefused, match="belongs to another version"):
            pieces.approve(db, first, approval_code="DEMO-ATV-MAIL-01", by=other, at=at)
        pieces.approve(db, first, approval_code="X1", by=other, at=at)
        rendered = db.get_one(MailPieceVersion, first).html
        second = pieces.draft(db, piece, content, by=author, at=at)
        assert db.get_one(MailPieceVersion, second).number == 2
        assert rendered
    for statement in (
        f"UPDATE mail_piece_versions SET html = 'x' WHERE id = '{first}'",
        f"UPDATE mail_piece_versions SET body = 'x' WHERE id = '{first}'",
        f"UPDATE mail_piece_versions SET state = 'draft' WHERE id = '{first}'",
        f"DELETE FROM mail_piece_versions WHERE id = '{first}'",
        "DELETE FROM mail_reviews",
        "UPDATE mail_reviews SET note = 'x'",
    ):
        with pytest.raises(DBAPIError, match=r"ends or|edited|kept|append-only"), demo_database.engine.begin() as held:
            held.exec_driver_sql(statement)


def test_a_template_goes_through_the_studio(sqlite_demo_app: Flask) -> None:
    marketer, reviewer = (
        desk(sqlite_demo_app, "marketer@portal.example"),
        desk(sqlite_demo_app, "reviewer@portal.example"),
    )
    data = {
        "kind": "template",
        "site": SITE,
        "key": "news",
        "title": "News",
        "subject": "News",
    }
    wrong = marketer.submit("/staff/mail-pieces/new", "/staff/mail-pieces/new", {**data, "body": "{{nope}}" + FOOT})
    assert wrong.status_code == 422
    assert "Unknown placeholder “nope” in line 1" in wrong.text
    made = marketer.submit("/staff/mail-pieces/new", "/staff/mail-pieces/new", {**data, "body": FOOT})
    assert made.status_code == 303, made.text
    path = made.headers["Location"]
    assert marketer.submit(path, path + "/submit").status_code == 303
    assert "Your review" not in marketer.get(path).text
    refused = reviewer.submit(path, path + "/review", {"decision": "approve", "code": ""})
    assert refused.status_code == 422
    assert reviewer.submit(path, path + "/review", {"decision": "approve", "code": "N-1"}).status_code == 303
    assert "In force" in reviewer.get(path).text
    assert reviewer.submit(path, path + "/withdraw", {"reason": "outdated"}).status_code == 303
    assert "Withdrawn" in HouseClient.get(reviewer, path).text
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        assert db.scalars(select(MailPieceVersion.state).where(MailPieceVersion.title == "News")).all() == ["withdrawn"]
