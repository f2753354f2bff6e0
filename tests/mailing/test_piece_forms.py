"""The studio for mail pieces: a form that keeps what was typed, says what is wrong where, and needs no script."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.mailing import piece_forms
from portal.mailing.drafts import PieceContent
from portal.mailing.fields import FilledField, faults_of
from portal.mailing.models import MailPiece, MailPieceVersion
from portal.mailing.piece_forms import PieceForm, changed, judged, read
from portal.mailing.states import PieceKind
from tests.client import HouseClient
from tests.mailing.conftest import SITE
from tests.mailing.test_pieces import FOOT
from tests.mailing.test_writing import desk

NEW = "/staff/mail-pieces/new"
BODY = "<mj-section><mj-column><mj-text>{{choice.occasion}} {{text.note}}</mj-text></mj-column></mj-section>" + FOOT
FIELDS = {
    "f0.kind": "choice",
    "f0.key": "occasion",
    "f0.label": "Occasion",
    "f0.options": "As you asked,\r\n\r\n Thank you. ",
    "f0.required": "yes",
    "f1.kind": "text",
    "f1.key": "note",
    "f1.label": "A line",
    "f1.longest": "120",
    "f1.restricted": "price\ndiscount",
}
PIECE = {
    "kind": "template",
    "site": SITE,
    "key": "news",
    "title": "News",
    "subject": "News for {{hcp.salutation}}",
    "body": BODY,
    "fewest_fragments": "0",
    "most_fragments": "2",
    "fewest_modules": "1",
    "most_modules": "4",
    "modules": ["dosing", "warnings"],
    **FIELDS,
}


def form(**changes: Any) -> PieceForm:
    data = {**PIECE, **{name.replace("__", "."): value for name, value in changes.items()}}
    return read({name: value if isinstance(value, list) else [value] for name, value in data.items()})


def test_what_was_typed_becomes_the_piece() -> None:
    content, faults = judged(form())
    assert faults == []
    assert content is not None
    assert content.fields == (
        FilledField(key="occasion", kind="choice", label="Occasion", options=("As you asked,", "Thank you.")),
        FilledField(
            key="note", kind="text", label="A line", max_length=120, required=False, restricted=("price", "discount")
        ),
    )
    bounds = content.bounds
    assert (bounds.most_fragments, bounds.fewest_modules, bounds.most_modules) == (2, 1, 4)
    assert bounds.modules == ("dosing", "warnings")


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"title": " "}, "title", "1 to 120 characters"),
        ({"title": "A\u202eB"}, "title", "cannot be seen"),
        ({"subject": "a\r\nBcc: x@y.example"}, "subject", "on one line"),
        ({"subject": "{{text.note}}"}, "subject", "cannot stand in the subject"),
        ({"body": BODY + "<mj-section>"}, "body", "not well formed at line 1"),
        ({"body": FOOT}, "f0.key", "stands nowhere in the body"),
        ({"body": BODY.replace("{{text.note}}", "{{text.note}} {{text.more}}")}, "body", "no field declared for it"),
        ({"f0__key": "Big Key"}, "f0.key", "small letters"),
        ({"f1__key": "occasion"}, "f1.key", "declared twice"),
        ({"f0__label": ""}, "f0.label", "what the sender fills in"),
        ({"f0__label": "x\u200by"}, "f0.label", "what the sender fills in"),
        ({"f0__options": "one"}, "f0.options", "two options or more"),
        ({"f0__options": "one\none"}, "f0.options", "twice"),
        ({"f0__options": "\n".join(map(str, range(41)))}, "f0.options", "At most 40"),
        ({"f1__longest": "0"}, "f1.longest", "1 to 500"),
        ({"f1__longest": "501"}, "f1.longest", "1 to 500"),
        ({"f1__longest": "²"}, "f1.longest", "1 to 500"),
        ({"f1__restricted": "x" * 201}, "f1.restricted", "one a line"),
        ({"most_modules": "6"}, "most_modules", "0 to 5"),
        ({"fewest_modules": "-1"}, "fewest_modules", "0 to 5"),
        ({"fewest_modules": "5"}, "fewest_modules", "more than the most"),
        ({"fewest_fragments": "1"}, "fewest_fragments", "stands nowhere in the body"),
        ({"audiences": ["wizards"]}, "audiences", "no audience wizards"),
    ],
)
def test_each_fault_is_said_in_a_sentence_at_its_field(changes: dict[str, Any], field: str, said: str) -> None:
    _, faults = judged(form(**changes))
    assert any(fault.field == field and said in fault.sentence for fault in faults), faults


def test_several_faults_are_said_at_once() -> None:
    _, faults = judged(form(title="", subject="", f0__options="", most_modules="x"))
    assert {fault.field for fault in faults} == {"title", "subject", "f0.options", "most_modules"}


def test_rows_are_added_moved_and_removed() -> None:
    typed = form()
    added = changed(typed, "field:add:choice")
    assert [each.kind for each in added.fields] == ["choice", "text", "choice"]
    assert [each.key for each in changed(typed, "field:down:0").fields] == ["note", "occasion"]
    assert [each.key for each in changed(typed, "field:up:1").fields] == ["note", "occasion"]
    assert [each.key for each in changed(typed, "field:remove:0").fields] == ["note"]
    for nothing in ("field:up:0", "field:down:1", "field:remove:9", "field:remove:x", "", "save"):
        assert changed(typed, nothing).fields == typed.fields
    full = typed
    for _ in range(20):
        full = changed(full, "field:add:text")
    assert len(full.fields) == 12
    assert changed(PieceForm(kind=PieceKind.FRAGMENT), "shape").body == piece_forms.EXAMPLE_FRAGMENT
    assert changed(typed, "shape").body == typed.body


def test_a_field_has_restricted_words_of_its_own_and_old_hashes_stay() -> None:
    field = FilledField(key="note", kind="text", label="A line", restricted=("price",))
    assert "“price” may not be used" in faults_of([field], {"note": "A PRICE, then"})[0].sentence
    plain = FilledField(key="note", kind="text", label="A line")
    assert "restricted" not in plain.as_stored()
    with_words, without = PieceContent("T", "", fields=(field,)), PieceContent("T", "", fields=(plain,))
    assert with_words.digest() != without.digest()


def shown(client: HouseClient, data: dict[str, Any], **headers: str) -> str:
    return client.submit(NEW, NEW, data, headers=headers).text


def test_the_form_works_without_a_script_and_keeps_nothing_before_it_is_kept(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app, "marketer@portal.example")
    page = shown(client, {**PIECE, "do": "field:add:text"})
    assert "<html" in page
    assert 'name="f2.key"' in page
    assert "As you asked," in page
    assert 'value="News for {{hcp.salutation}}"' in page
    page = shown(client, {**PIECE, "do": "field:up:1"})
    assert re.search(r'name="f0.key" type="text" value="note"', page)
    fragment = shown(client, {**PIECE, "kind": "fragment", "body": "", "do": "shape"})
    assert 'name="subject"' not in fragment
    assert 'name="f0.key"' not in fragment
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        assert db.scalar(select(MailPiece.id).where(MailPiece.key == "news")) is None


def test_htmx_gets_the_part_it_asked_for(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app, "marketer@portal.example")
    part = shown(client, {**PIECE, "do": "findings"}, **{"HX-Request": "true"})
    assert part.strip().startswith('<div class="stack" id="piece-findings"')
    assert "It can be rendered" in part
    assert "News for Dr Example" in part
    assert "As you asked, [A line]" in part
    wrong = shown(client, {**PIECE, "body": "<mj-text>x</mj-text>", "do": "findings"}, **{"HX-Request": "true"})
    assert "mj-text may not stand in mj-body" in wrong
    lost = BODY.replace("{{text.note}}", '{{text.note}} <a href="{{link.nowhere}}">x</a>')
    assert "no module of that name is in force" in shown(
        client, {**PIECE, "body": lost, "do": "findings"}, **{"HX-Request": "true"}
    )
    editor = shown(client, {**PIECE, "do": "field:remove:1"}, **{"HX-Request": "true"})
    assert editor.strip().startswith("<form")


def test_the_preview_shows_what_is_typed_and_keeps_nothing(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app, "marketer@portal.example")
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', client.get(NEW).text)
    assert token

    def previewed(**changes: str) -> TestResponse:
        # A mail has the inline styles that no other page has, so the client that forbids them looks away.
        data = {**PIECE, **changes, "csrf_token": token[1]}
        return client.raw.post(
            "/staff/mail-pieces/preview", data=data, base_url=client.base_url, headers={"Sec-Fetch-Site": "same-origin"}
        )

    answer = previewed(title="<b>News")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "sandbox" in policy
    assert "As you asked, [A line]" in answer.text
    assert "<b>News" not in answer.text
    wrong = previewed(body="<script>x</script>")
    assert wrong.status_code == 422
    assert "<script" not in wrong.text
    assert "Open my page" in previewed(kind="fragment", body=piece_forms.EXAMPLE_FRAGMENT).text
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        assert db.scalar(select(MailPiece.id).where(MailPiece.key == "news")) is None


def test_a_piece_is_written_kept_edited_and_its_kind_stays(sqlite_demo_app: Flask) -> None:
    client = desk(sqlite_demo_app, "marketer@portal.example")
    wrong = client.submit(NEW, NEW, {**PIECE, "f0.options": "one", "site": "nowhere"})
    assert wrong.status_code == 422
    for said in ("Choose a site.", "two options or more", 'href="#f0_options"', "one</textarea>"):
        assert said in wrong.text, said
    made = client.submit(NEW, NEW, PIECE)
    assert made.status_code == 303, made.text
    path = made.headers["Location"]
    assert "small letters, digits and hyphens" in client.submit(NEW, NEW, {**PIECE, "key": "Bad Key"}).text
    again = client.submit(NEW, NEW, PIECE)
    assert (again.status_code, "has a piece news already" in again.text) == (422, True)
    said = client.get(path).text
    for words in ("one of “As you asked,”", "never price, discount", "1 to 4 of dosing, warnings", "Edit this draft"):
        assert words in said, words
    edited = client.submit(path + "/edit", path + "/edit", {**PIECE, "kind": "fragment", "key": "other", "title": "N2"})
    assert edited.headers["Location"] == path
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        rows = db.scalars(select(MailPieceVersion).where(MailPieceVersion.title == "N2")).all()
        assert [(row.number, row.subject, len(row.fields)) for row in rows] == [(1, "News for {{hcp.salutation}}", 2)]
    for view in ("html", "phone", "text"):
        assert client.get(f"{path}?view={view}").status_code == 200
    assert "News for Dr Example" in client.get(path).text


def test_the_next_version_says_what_changed(sqlite_demo_app: Flask) -> None:
    marketer = desk(sqlite_demo_app, "marketer@portal.example")
    reviewer = desk(sqlite_demo_app, "reviewer@portal.example")
    path = marketer.submit(NEW, NEW, PIECE).headers["Location"]
    marketer.submit(path, path + "/submit")
    assert "You wrote it." in marketer.get(path).text
    refused = reviewer.submit(
        path, path + "/review", {"decision": "approve", "code": "N-1", "until": "2001-01-01T00:00"}
    )
    assert (refused.status_code, "lies in the past" in refused.text, 'value="N-1"' in refused.text) == (422, True, True)
    refused = reviewer.submit(path, path + "/review", {"decision": "return", "note": ""})
    assert (refused.status_code, "Say what has to change" in refused.text) == (422, True)
    assert reviewer.submit(path, path + "/review", {"decision": "approve", "code": "N-1"}).status_code == 303
    nxt = marketer.submit(path + "/edit", path + "/edit", {**PIECE, "title": "Newer"}).headers["Location"]
    assert nxt != path
    page = marketer.get(nxt).text
    assert re.search(r"<ins>.*?Newer.*?</ins>", page)
    assert re.search(r"<del>.*?News.*?</del>", page)
