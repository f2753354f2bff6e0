"""How this is measured: the settings in force as numbers for the script and as sentences for readers. Pure."""

from dataclasses import dataclass

from portal.personalize.rules import HALF_LIFE_DAYS
from portal.tracking.beats import AGREEMENT_MS, CLOSED_AFTER_MS, MAX_BYTES, MAX_SECTIONS
from portal.tracking.credits import OPENED_MS, READ_MS
from portal.tracking.dwell import SLACK_MS
from portal.tracking.events import REGISTRY, EventType

IDLE_LEAST_S = 30
IDLE_MOST_S = 180
WORDS_PER_MINUTE = 200
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of measuring: its name, its setting with unit, and what it means."""

    name: str
    setting: str
    meaning: str


def attributes(*, grace_s: int, idle_s: int, beacon: str = "/b") -> tuple[tuple[str, str], ...]:
    """Return the attributes of the content root that tell the script its settings (ms)."""
    return (
        ("data-beacon", beacon),
        ("data-grace", str(grace_s * 1000)),
        ("data-idle", str(idle_s * 1000)),
        ("data-idle-least", str(IDLE_LEAST_S * 1000)),
        ("data-idle-most", str(IDLE_MOST_S * 1000)),
        ("data-words-per-minute", str(WORDS_PER_MINUTE)),
    )


def rules(*, grace_s: int, idle_s: int) -> tuple[Rule, ...]:
    """Return the rules in force, in the order in which a reader asks for them."""
    return (
        Rule(
            "Dwell",
            "whole milliseconds",
            "Time in which the page was visible, the window had the focus and somebody was there. Nothing else counts.",
        ),
        Rule(
            "Grace",
            f"{grace_s} s",
            "Without a movement of hand, key, wheel or page, this much silence still counts as reading.",
        ),
        Rule(
            "Idle limit",
            f"1.5 × the reading time of the words on screen at {WORDS_PER_MINUTE} a minute, between {IDLE_LEAST_S} and"
            f" {IDLE_MOST_S} s; {idle_s} s where the words are not known",
            "A longer silence is undecided until the next movement: within the limit it was reading, after it absence.",
        ),
        Rule(
            "Bracket",
            "from, to",
            "Between what input alone proves and all the time the page was visible; the truth lies inside.",
        ),
        Rule(
            "Section",
            "by visible height",
            f"Each moment is shared among the sections on screen. Opened: {OPENED_MS // 1000} s of attention; read:"
            f" {READ_MS // 1000} s; passed by: on screen, then left upwards with less than {OPENED_MS // 1000} s.",
        ),
        Rule(
            "Sleep and clocks",
            "2 s",
            "A longer gap is a machine asleep and is not counted. No clock that can be set is ever subtracted.",
        ),
        Rule(
            "The server's word",
            f"{SLACK_MS // 1000} s, {AGREEMENT_MS} ms",
            "Visible time never exceeds the time since the page was made, nor grows faster than the server's clock, by"
            " more than the first figure; counters that contradict each other by more than the second are refused.",
        ),
        Rule(
            "Messages",
            f"at most {MAX_BYTES} bytes, {MAX_SECTIONS} sections, for {CLOSED_AFTER_MS // _HOUR_MS} h",
            "Each is the whole state so far and replaces the one before: lost, late or doubled messages add nothing.",
        ),
        Rule(
            "Confirmed",
            "trusted input",
            "A view without any stays unconfirmed and is in no total, no report of a doctor and no profile.",
        ),
        Rule(
            "Interest",
            "half-life in the settings of a site's rules",
            f"Engaged time by topic, halved every half-life ({HALF_LIFE_DAYS:g} days where nobody chose another); only"
            " with consent to profiling and a confident identity.",
        ),
    )


LIMITS = (
    "Without JavaScript the page view is counted and its dwell is unknown, never zero.",
    "A short absence and quiet reading look alike: who is away for less than the idle limit is counted as reading.",
    "A desk left for good is counted for the grace and no longer.",
    "When a browser is killed, up to one second is lost in a page's first minute, two until the fifth, five later.",
    "Two devices at once count once for the doctor, and each for its own page view.",
    "No signal of a browser proves a person: a remote-controlled browser can produce all of them.",
)


def registry() -> tuple[EventType, ...]:
    """Return every declared event beside dwell, by name."""
    return tuple(REGISTRY[name] for name in sorted(REGISTRY))
