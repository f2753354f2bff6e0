"""The life of a rule set: stored states, what may follow what, and where a version stands at one moment."""

from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """The stored states; scheduled, live and retired follow from the dates of a released version."""

    DRAFT = "draft"
    IN_REVIEW = "in-review"
    APPROVED = "approved"
    RELEASED = "released"
    DISCARDED = "discarded"


class Standing(StrEnum):
    """Where a version stands at one moment, in the words staff read."""

    DRAFT = "draft"
    IN_REVIEW = "in review"
    APPROVED = "approved, not released"
    SCHEDULED = "scheduled"
    LIVE = "live"
    RETIRED = "retired"
    DISCARDED = "discarded"


class Origin(StrEnum):
    """How a version came about."""

    DRAFT = "draft"  # somebody wrote it
    REVERT = "revert"  # an older version, word for word, but for rules switched off since
    KILL = "kill"  # the live version with one rule switched off


class Step(StrEnum):
    """What is written in the history of a version."""

    DRAFTED = "drafted"
    EDITED = "edited"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    CHANGES = "changes requested"
    SCHEDULED = "scheduled"
    UNSCHEDULED = "taken off the schedule"
    LIVE = "went live"
    REVERTED = "made by reverting"
    KILLED = "made by switching a rule off"
    DISCARDED = "discarded"


FOLLOWING: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.IN_REVIEW, State.DISCARDED}),
    State.IN_REVIEW: frozenset({State.DRAFT, State.APPROVED}),
    State.APPROVED: frozenset({State.DRAFT, State.RELEASED}),
    State.RELEASED: frozenset({State.DRAFT, State.APPROVED}),  # only while scheduled, that is before its first moment
    State.DISCARDED: frozenset(),
}


def may_follow(state: str, following: State) -> bool:
    """Tell whether a version in `state` may become `following`."""
    return following in FOLLOWING[State(state)]


def standing(state: str, live_from: datetime | None, live_until: datetime | None, at: datetime) -> Standing:
    """Return where a version stands at `at`; the first moment belongs to its life, the last does not."""
    if state == State.RELEASED and live_from is not None:
        if at < live_from:
            return Standing.SCHEDULED
        return Standing.LIVE if live_until is None or at < live_until else Standing.RETIRED
    return {
        State.DRAFT: Standing.DRAFT,
        State.IN_REVIEW: Standing.IN_REVIEW,
        State.APPROVED: Standing.APPROVED,
        State.RELEASED: Standing.RETIRED,
        State.DISCARDED: Standing.DISCARDED,
    }[State(state)]
