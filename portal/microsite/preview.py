"""How a version looks to a doctor, approved or not: from its stored fragments, else rendered as approval would."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.content import questions
from portal.content.approval import Printable, Render
from portal.content.formulas import with_code
from portal.content.history import VersionText
from portal.content.queries import fragments
from portal.microsite.notes import question
from portal.microsite.pieces import join, use

_NO_CODE = "no approval code yet"


def preview_html(db: Session, text: VersionText, render: Render, *, at: datetime) -> tuple[str, str]:
    """Return the HTML of the card and of the page, nothing in their slots but the answers of a question, inert.

    A draft carries no code.
    """
    if text.card_hash is not None and text.page_hash is not None:
        stored = fragments(db, [text.card_hash, text.page_hash])
        card, page = stored[text.card_hash], stored[text.page_hash]
    else:
        card, page = render(_printable(text, at))
    answers = questions.answers_of(text.row.source)
    asked = [question(text.row.key, text.row.title, answers, inert=True)] if answers else []
    return join([use("card")], {"card": card}), join([use("page", {"question": asked})], {"page": page})


def _printable(text: VersionText, at: datetime) -> Printable:
    row = text.row
    return Printable(
        subject=row.subject,
        id=row.version_id,
        site_id="",
        key=row.key,
        kind=row.kind,
        number=row.number,
        title=row.title,
        summary=text.summary,
        body=text.body,
        words=text.words,
        sections=text.sections,
        source=row.source,
        topics=text.topics,
        calculator=text.calculator,
        calculator_version=text.calculator_version,
        definition=with_code(text.definition, _NO_CODE) if text.definition else None,
        approval_code=_NO_CODE,
        approved_at=at,
        in_force_from=at,
        in_force_until=None,
    )
