"""The life of a version: stored states, what may follow what, and when a version is in force."""

from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """The stored states; scheduled, in force and ended follow from the dates of an approved version."""

    DRAFT = "draft"
    IN_REVIEW = "in-review"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Standing(StrEnum):
    """Where a version stands at one moment, in the words staff read."""

    DRAFT = "draft"
    IN_REVIEW = "in review"
    SCHEDULED = "approved, not yet in force"
    IN_FORCE = "in force"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Kind(StrEnum):
    """The kinds of module."""

    ARTICLE = "article"
    CALCULATOR = "calculator"
    FIGURE = "figure"
    VIDEO = "video"
    DOWNLOAD = "download"
    QUESTION = "question"


class BlockKind(StrEnum):
    """The kinds of mandatory block."""

    NOTICE = "notice"
    INDICATION = "indication"
    BOXED_WARNING = "boxed-warning"
    SAFETY = "isi"
    PRESCRIBING = "pi"
    REPORTING = "adverse-events"
    APPROVAL = "approval"


class Outcome(StrEnum):
    """What a review ends in."""

    APPROVED = "approved"
    CHANGES = "changes"


FOLLOWING: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.IN_REVIEW}),
    State.IN_REVIEW: frozenset({State.DRAFT, State.APPROVED}),
    State.APPROVED: frozenset({State.WITHDRAWN}),
    State.WITHDRAWN: frozenset(),
}


def may_follow(state: State, following: State) -> bool:
    """Tell whether a version in `state` may become `following`."""
    return following in FOLLOWING[state]


def is_in_force(state: str, since: datetime | None, until: datetime | None, at: datetime) -> bool:
    """Tell whether a version is served at `at`: approved, begun, and not yet at its end (the end is excluded)."""
    return state == State.APPROVED and since is not None and since <= at and (until is None or at < until)


def standing(state: str, since: datetime | None, until: datetime | None, at: datetime, *, superseded: bool) -> Standing:
    """Return where a version stands at `at`; `superseded` says that a later version was approved over it."""
    if state == State.APPROVED:
        if since is not None and since > at:
            return Standing.SUPERSEDED if superseded and until is not None and until <= since else Standing.SCHEDULED
        if is_in_force(state, since, until, at):
            return Standing.IN_FORCE
        return Standing.SUPERSEDED if superseded else Standing.EXPIRED
    return {
        State.DRAFT: Standing.DRAFT,
        State.IN_REVIEW: Standing.IN_REVIEW,
        State.WITHDRAWN: Standing.WITHDRAWN,
    }[State(state)]
