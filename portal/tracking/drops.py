"""Why a beat, or a part of one, is not kept: every reason has a name. Pure."""

from enum import StrEnum


class Drop(StrEnum):
    """The reasons, in the order in which the funnel looks for them; each is counted by day."""

    WRONG_ORIGIN = "wrong-origin"  # posted by a page that is not ours
    BROKEN_BODY = "broken-body"  # the body ended, or could not be read, before its length was reached
    TOO_LARGE = "too-large"  # more than 4 KB
    NOT_TEXT = "not-text"  # not UTF-8
    NOT_JSON = "not-json"  # not one JSON value, or one that repeats a name or spells NaN
    WRONG_SHAPE = "wrong-shape"  # a field is missing, unknown or of another kind
    OUT_OF_RANGE = "out-of-range"  # a number that no view can reach
    DISAGREES = "disagrees"  # the counters contradict one another by more than 250 ms
    TOO_MANY_SECTIONS = "too-many-sections"  # more than 64
    TOO_MANY_EVENTS = "too-many-events"  # more than 64
    BAD_CREDENTIAL = "bad-credential"  # not signed by us, for this purpose, with a key still in the ring
    NOT_YET = "not-yet"  # signed by us for a page made later than our clock says now: it was set back; comes again
    CLOSED = "closed"  # the view was opened more than 48 hours ago
    UNKNOWN_VIEW = "unknown-view"  # well signed, but the page view was erased
    REVOKED = "revoked"  # the link or the doctor's access was revoked, or measuring was withdrawn
    SPENT_NUMBER = "spent-number"  # a message with this number was refused before
    AHEAD_OF_CLOCK = "ahead-of-clock"  # more visible time than the server's clock allows since the page was made
    GREW_TOO_FAST = "grew-too-fast"  # more new visible time than has passed since the state it grew from
    CONTRADICTS = "contradicts"  # together with what is stored, the counters would disagree
    TOO_MANY_COPIES = "too-many-copies"  # one page restored in more documents than any reader keeps
    TOO_FAST = "too-fast"  # more messages in a minute than the script ever sends
    UNKNOWN_SECTION = "unknown-section"  # trimmed: a section that is not on that version of the page
    UNDECLARED_EVENT = "undeclared-event"  # trimmed: an event type that is not in the registry
    UNDECLARED_VALUE = "undeclared-value"  # trimmed: a subject or value that the event's declaration does not allow
    OTHER_CALCULATOR = "other-calculator"  # trimmed: a calculator, or a version of one, that this page does not hold
    UNKNOWN_BAND = "unknown-band"  # trimmed: a result band that the definition this page used does not let be recorded


TRIMMED = frozenset(
    {
        Drop.UNKNOWN_SECTION,
        Drop.UNDECLARED_EVENT,
        Drop.UNDECLARED_VALUE,
        Drop.OTHER_CALCULATOR,
        Drop.UNKNOWN_BAND,
    }
)

MALFORMED = frozenset(
    {
        Drop.BROKEN_BODY,
        Drop.TOO_LARGE,
        Drop.NOT_TEXT,
        Drop.NOT_JSON,
        Drop.WRONG_SHAPE,
        Drop.OUT_OF_RANGE,
        Drop.DISAGREES,
        Drop.TOO_MANY_SECTIONS,
        Drop.TOO_MANY_EVENTS,
        Drop.BAD_CREDENTIAL,
    }
)
