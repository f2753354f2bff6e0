"""An article or a question begun in the studio: approved by another person, then on the site; refused in words."""

import pytest
from flask import Flask

from portal import clock
from portal.content.queries import site_by_key
from portal.personalize.catalogue import Of
from portal.reports.rule_offer import offer
from portal.rulebook.builder import Control, RowView, ValueView, view_of
from portal.rulebook.forms import Group, Row
from tests.client import HouseClient
from tests.microsite.doctors import SITE, Doctor
from tests.studio.test_definitions import signed_in

NEW = "/staff/content/modules/new"
QUESTION = {
    "site": SITE,
    "kind": "question",
    "key": "next-topic",
    "title": "Which topic would help you most next time?",
    "summary": "One press.",
    "body": "",
    "answers": "dosing: Dosing\nsafety: Safety\n\nother:  Something   else",
}
ARTICLE = QUESTION | {"kind": "article", "key": "to-read", "title": "To read", "body": "<p>Words.</p>", "answers": ""}


@pytest.fixture
def author(sqlite_demo_app: Flask) -> HouseClient:
    return signed_in(sqlite_demo_app, "marketer")


def begun(author: HouseClient, given: dict[str, str]) -> str:
    """Begin a module and return the path of its first version."""
    answer = author.submit(NEW, NEW, given)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def approved(app: Flask, author: HouseClient, version: str, code: str) -> None:
    """Put a version to review and have another person approve it."""
    assert author.submit(version, f"{version}/submit").status_code == 303
    data = {"verdict": "approve", "approval_code": code}
    answer = signed_in(app, "reviewer").submit(version, f"{version}/review", data)
    assert answer.status_code == 303, answer.text


def test_a_question_lives_like_everything_else(demo_app: Flask) -> None:
    author, doctor = signed_in(demo_app, "marketer"), Doctor(demo_app)
    assert "New module" in author.get("/staff/content/").text
    version = begun(author, QUESTION)
    page = author.get(version).text
    assert "Something else" in page
    preview = author.get(f"{version}/preview").text
    assert 'type="radio"' in preview
    assert preview.count("disabled") == 2
    assert doctor.client.get("/m/next-topic").status_code == 404
    assert author.submit(version, f"{version}/submit").status_code == 303
    own = author.submit(version, f"{version}/review", {"verdict": "approve", "approval_code": "Q-1"})
    assert own.status_code == 403
    reviewer = signed_in(demo_app, "reviewer")
    assert "Something else" in reviewer.get(version).text
    data = {"verdict": "approve", "approval_code": "Q-1"}
    assert reviewer.submit(version, f"{version}/review", data).status_code == 303
    assert 'value="dosing"' in doctor.get("/m/next-topic")

    following = str(author.submit(version, f"{version}/next").headers["Location"])
    form = author.get(following).text
    assert "other: Something else" in form
    second = following.removesuffix("/edit")
    edited = {"title": QUESTION["title"], "summary": "", "body": "", "position": "500", "topics": []}
    refused = author.submit(following, following, edited | {"answers": "dosing: Only one"})
    assert (refused.status_code, "2 to 6 answers; these are 1" in refused.text) == (422, True)
    assert "dosing: Only one" in refused.text
    kept = author.submit(following, following, edited | {"answers": "renal: Renal <b>function</b>\nnone: Nothing"})
    assert kept.status_code == 303
    assert "Renal &lt;b&gt;function&lt;/b&gt;" in author.get(second).text
    assert 'value="dosing"' in doctor.get("/m/next-topic")
    approved(demo_app, author, second, "Q-2")
    page = doctor.get("/m/next-topic")
    assert "Renal &lt;b&gt;function&lt;/b&gt;" in page
    assert 'value="dosing"' not in page
    reason = {"reason": "No longer asked."}
    assert author.submit(f"{second}/withdraw", f"{second}/withdraw", reason).status_code == 303
    assert doctor.client.get("/m/next-topic").status_code == 404


def test_an_article_is_begun_and_read(sqlite_demo_app: Flask, author: HouseClient) -> None:
    version = begun(author, ARTICLE)
    approved(sqlite_demo_app, author, version, "A-1")
    doctor = Doctor(sqlite_demo_app)
    page = doctor.get("/m/to-read")
    assert "<p>Words.</p>" in page
    assert "Send my answer" not in page
    assert "Take it along" in page


def test_the_builder_offers_the_answers_of_a_question_in_force(sqlite_demo_app: Flask, author: HouseClient) -> None:
    approved(sqlite_demo_app, author, begun(author, QUESTION), "Q-1")
    with sqlite_demo_app.extensions["portal.database"].reading() as db:
        site = site_by_key(db, SITE)
        assert site is not None
        offered = offer(db, site, clock.now())
    assert ("next-topic", QUESTION["title"]) in offered.of(Of.MODULE)
    options = (("dosing", "Dosing (dosing)"), ("safety", "Safety (safety)"), ("other", "Something else (other)"))
    assert offered.answers["next-topic"] == options
    row = Row(fact="module_answers", of="next-topic", op="contains", values=("safety",))
    (shown,) = view_of(Group(parts=(row,)), offered).parts
    assert isinstance(shown, RowView)
    assert shown.value == ValueView(Control.SELECT, ("safety",), options)


REFUSED: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"key": ""}, "key", "A key has 1 to 60"),
    ({"key": "Next Topic"}, "key", "A key has 1 to 60"),
    ({"key": "saved"}, "key", "taken by a page"),
    ({"key": "warnings"}, "key", "a module warnings already"),
    ({"title": " "}, "title", "The title is empty"),
    ({"title": "x" * 201}, "title", "longer than 200"),
    ({"summary": "x" * 2001}, "summary", "longer than 2000"),
    ({"topics": "nonsense"}, "topics", "not one of this site"),
    ({"kind": "calculator"}, "kind", "an article or a question"),
    ({"kind": ""}, "kind", "an article or a question"),
    ({"kind": "article", "answers": ""}, "body", "The body is empty"),
    ({"kind": "article", "body": "<p>Words.</p>"}, "answers", "Only a question has answers"),
    ({"answers": ""}, "answers", "2 to 6 answers; these are 0"),
    ({"answers": "a: A"}, "answers", "2 to 6 answers; these are 1"),
    ({"answers": "\n".join(f"a{n}: A {n}" for n in range(7))}, "answers", "these are 7"),
    ({"answers": "a: A\nno colon"}, "answers", "Not so: no colon"),
    ({"answers": "a: A\nb:"}, "answers", "Not so: b:"),
    ({"answers": "A b: A\nc: C"}, "answers", "The key of an answer begins"),
    ({"answers": "a: A\na: B"}, "answers", "the same key"),
    ({"answers": "a: A\nb: a"}, "answers", "the same text"),
    ({"answers": f"a: A\nb: {'x' * 201}"}, "answers", "at most 200"),
)


def test_what_cannot_begin_is_refused_beside_its_field_and_leaves_nothing(author: HouseClient) -> None:
    before = author.get("/staff/content/").text.count("<tr>")
    for changes, field, said in REFUSED:
        answer = author.submit(NEW, NEW, QUESTION | changes)
        assert (answer.status_code, said in answer.text) == (422, True), (changes, answer.text)
        assert f'href="#{field}"' in answer.text, changes
        assert "One press." in answer.text or "summary" in changes
    assert author.get("/staff/content/").text.count("<tr>") == before


def test_only_those_who_write_content_begin_a_module(sqlite_demo_app: Flask) -> None:
    reviewer = signed_in(sqlite_demo_app, "reviewer")
    assert reviewer.get(NEW).status_code == 403
    assert "New module" not in reviewer.get("/staff/content/").text
