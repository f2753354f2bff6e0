"""A version's content as the fields of a form, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from portal.content import questions
from portal.content.drafts import BlockContent, Content, ModuleContent
from portal.content.refusals import DraftRefused

if TYPE_CHECKING:
    from portal.content.history import VersionText

FIELDS = ("title", "summary", "body", "key_message", "position", "answers")


@dataclass(frozen=True, slots=True)
class ContentForm:
    """What was typed; what has a default means nothing for a mandatory block, answers for a question only."""

    title: str
    summary: str
    body: str
    position: str
    key_message: str = ""
    topics: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    answers: str = ""  # one on a line


def content_of(text: VersionText) -> Content:
    """Return the content of a version, to begin the next one with."""
    row = text.row
    if row.subject == "block":
        return BlockContent(
            title=row.title, body=text.body, summary=text.summary, position=text.position, source=row.source
        )
    return ModuleContent(
        title=row.title,
        body=text.body,
        summary=text.summary,
        position=text.position,
        source=row.source,
        topics=text.topics,
        key_message=text.key_message,
        audiences=text.audiences,
        calculator=text.calculator,
        calculator_version=text.calculator_version,
        definition=text.definition,
    )


def form_of(text: VersionText) -> ContentForm:
    """Return the form that stands for a version."""
    position, title = str(text.position), text.row.title
    answers = questions.in_lines(questions.answers_of(text.row.source))
    return ContentForm(title, text.summary, text.body, position, text.key_message, text.topics, text.audiences, answers)


def read(fields: Mapping[str, Sequence[str]]) -> ContentForm:
    """Return the form that a browser sent; a field that is missing is empty."""
    texts = {name: (fields.get(name) or [""])[0] for name in FIELDS}
    topics, audiences = (tuple(fields.get(name, ())) for name in ("topics", "audiences"))
    return ContentForm(**texts, topics=topics, audiences=audiences)


def changed(text: VersionText, form: ContentForm) -> Content:
    """Return a version's content with what was typed; raises DraftRefused for a place that is no number."""
    position = form.position.strip()
    if not position.isascii() or not position.isdecimal() or len(position) > 9:
        raise DraftRefused("The place in the standard order is a whole number.")
    content = content_of(text)
    same = replace(content, title=form.title, summary=form.summary, body=form.body, position=int(position))
    if isinstance(same, BlockContent):
        return same
    source = questions.with_answers(same.source, questions.typed(form.answers))
    return replace(same, source=source, key_message=form.key_message, topics=form.topics, audiences=form.audiences)


def field_of(sentence: str) -> str:
    """Return the field that a refusal speaks of, the text where it names none."""
    places = {
        "answer": "answers",
        "title": "title",
        "summary": "summary",
        "key message": "key_message",
        "place in": "position",
    }
    return next((field for word, field in places.items() if word in sentence.lower()), "body")
