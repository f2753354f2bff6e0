"""Why a deed on a rule set is refused."""

from enum import StrEnum


class Refusal(StrEnum):
    """The reasons; each comes with a sentence for the person."""

    MISSING = "missing"  # no such site, version or rule
    STATE = "state"  # not possible where this version stands
    EDITED = "edited"  # somebody else changed it in between
    FOUR_EYES = "four-eyes"
    NOTE = "note"
    UNCHANGED = "unchanged"
    MOVED_ON = "moved-on"  # other rules went live since the review
    SCHEDULED = "scheduled"  # another version is on the schedule
    MOMENT = "moment"
    RULES = "rules"  # the rules do not parse


class RuleSetRefused(Exception):
    """A deed that is not done; `sentence` tells the person why, `errors` pairs places with what is wrong there."""

    def __init__(self, reason: Refusal, sentence: str, errors: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.errors = errors
