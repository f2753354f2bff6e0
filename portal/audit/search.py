"""The search language of the audit log. Pure.

::

    actor:anna action:email.sent hcp:H-1021 created:2026-01-01..2026-03-31 -actor:system "second device"

Terms are parted by spaces and all of them must hold; the same qualifier twice means either; a minus leaves out; words
without a qualifier must each stand in the event. Nothing is ever ignored: what is not understood is refused.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from enum import StrEnum

LONGEST = 400
MOST_TERMS = 24

_SPACE = re.compile(r"\s+")
_QUALIFIER = re.compile(r"([A-Za-z][A-Za-z_-]*):")
_BARE = re.compile(r'[^\s"]+')
_QUOTED = re.compile(r'"([^"]*)"(?=\s|$)')
_CURLY_QUOTES = str.maketrans("“”„", '"""')
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}))?", re.ASCII)
_BOUND = re.compile(r"(>=|<=|>|<)(.+)", re.DOTALL)
_ACTION = re.compile(r"[a-z][a-z-]*(\.(\*|[a-z][a-z-]*))?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999

DATE_HELP = "Write a day as created:2026-01-31, a range as created:2026-01-01..2026-03-31, or created:>=2026-01-01."


class Qualifier(StrEnum):
    """What a term can be about; WORD is a term without a qualifier."""

    ACTOR = "actor"
    ACTION = "action"
    HCP = "hcp"
    CREATED = "created"
    WORD = "word"


_MEANT = {"doctor": "hcp", "who": "actor", "user": "actor", "what": "action", "event": "action", "date": "created"}
_KNOWN = tuple(each.value for each in Qualifier if each is not Qualifier.WORD)


class SearchRefused(ValueError):
    """A search that is not understood; `sentence` says what is wrong with which part and `help_text` what to write."""

    def __init__(self, sentence: str, help_text: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.help_text = help_text


@dataclass(frozen=True, slots=True)
class Span:
    """Moments from `start` (included) to `end` (excluded), both aware UTC; None is open."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a search; `span` is set for `created` only."""

    qualifier: Qualifier
    value: str
    negated: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was understood; without terms it finds everything."""

    terms: tuple[Term, ...] = ()

    def of(self, qualifier: Qualifier, *, negated: bool) -> tuple[Term, ...]:
        """Return the terms of one kind in the order they were written."""
        return tuple(term for term in self.terms if term.qualifier is qualifier and term.negated is negated)

    def text(self) -> str:
        """Return the search as one may type it; parsing it again gives the same search."""
        return " ".join(_written(term) for term in self.terms)


def parse(text: str, *, zone: tzinfo, actions: Collection[str]) -> Search:
    """Return the search that `text` says, days being days of `zone`; raises SearchRefused.

    `actions` are the known names of events.
    """
    text = text.translate(_CURLY_QUOTES)
    _refuse_unfit(text)
    terms: list[Term] = []
    place = 0
    while place < len(text):
        space = _SPACE.match(text, place)
        if space is not None:
            place = space.end()
            continue
        term, place = _term(text, place, zone, actions)
        terms.append(term)
    if len(terms) > MOST_TERMS:
        raise SearchRefused(f"A search has at most {MOST_TERMS} parts; this one has {len(terms)}.")
    return Search(tuple(terms))


def _refuse_unfit(text: str) -> None:
    if len(text) > LONGEST:
        raise SearchRefused(f"A search has at most {LONGEST} characters; this one has {len(text)}.")
    for character in text:
        if (ord(character) < 32 and not character.isspace()) or 0xD800 <= ord(character) <= 0xDFFF:
            raise SearchRefused("The search holds a control character.", "Type it again rather than pasting it.")


def _term(text: str, place: int, zone: tzinfo, actions: Collection[str]) -> tuple[Term, int]:
    began = place
    negated = text[place] == "-"
    place += negated
    named = _QUALIFIER.match(text, place)
    if named is not None:
        place = named.end()
    value, place = _value(text, place, text[began:place])
    if named is None:
        return Term(Qualifier.WORD, value, negated), place
    return _qualified(named[1], value, negated, zone, actions), place


def _value(text: str, place: int, before: str) -> tuple[str, int]:
    if text[place : place + 1] == '"':
        quoted = _QUOTED.match(text, place)
        if quoted is None:
            raise SearchRefused(
                "A quotation mark is not closed, or something follows it without a space.",
                'Write "two words" with a mark before and after.',
            )
        value, end = _SPACE.sub(" ", quoted[1]).strip(), quoted.end()
    else:
        bare = _BARE.match(text, place)
        value, end = (bare[0], bare.end()) if bare is not None else ("", place)
        if text[end : end + 1] == '"':
            raise SearchRefused(f"A quotation mark stands inside “{value}”.", 'Put the marks around all of it: "…".')
    if not value:
        said = before or '""'
        raise SearchRefused(f"Nothing stands after “{said}”.", "Write a value right after it, without a space.")
    return value, end


def _qualified(name: str, value: str, negated: bool, zone: tzinfo, actions: Collection[str]) -> Term:
    known = name.lower()
    if known not in _KNOWN:
        near = [_MEANT[known]] if known in _MEANT else get_close_matches(known, _KNOWN, n=1)
        meant = f"Did you mean {near[0]}:{value}? " if near else ""
        raise SearchRefused(
            f"There is no qualifier “{name}:”.",
            f'{meant}Known are {", ".join(f"{each}:" for each in _KNOWN)}. Put "quotes" around a text to find it.',
        )
    qualifier = Qualifier(known)
    if qualifier is Qualifier.CREATED:
        return Term(qualifier, value, negated, _span(value, zone))
    if qualifier is Qualifier.ACTION:
        return Term(qualifier, _action(value, actions), negated)
    return Term(qualifier, value, negated)


def _action(value: str, actions: Collection[str]) -> str:
    """Return `noun.past-tense` or `noun.*`; a noun alone means all that happened to it."""
    wanted = value.lower()
    if _ACTION.fullmatch(wanted):
        wanted = wanted if "." in wanted else f"{wanted}.*"
        if wanted in actions or (wanted.endswith(".*") and any(each.startswith(wanted[:-1]) for each in actions)):
            return wanted
    near = get_close_matches(wanted.removesuffix(".*"), sorted(actions), n=3, cutoff=0.4)
    raise SearchRefused(
        f"No event is called “{value}”.",
        f"Did you mean {' or '.join(near)}?"
        if near
        else "Write action:link.issued, or action:link for all about links.",
    )


def _span(value: str, zone: tzinfo) -> Span:
    start_text, dots, end_text = value.partition("..")
    if dots:
        span = Span(
            None if start_text in ("", "*") else _ends(start_text, zone)[0],
            None if end_text in ("", "*") else _ends(end_text, zone)[1],
        )
        if span.start is None and span.end is None:
            raise SearchRefused(f"“created:{value}” has no day in it.", DATE_HELP)
        if span.start is not None and span.end is not None and span.end <= span.start:
            raise SearchRefused(f"“created:{value}” ends before it begins.", DATE_HELP)
        return span
    bound = _BOUND.fullmatch(value)
    if bound is None:
        return Span(*_ends(value, zone))
    first, after = _ends(bound[2], zone)
    return {">=": Span(first, None), ">": Span(after, None), "<": Span(None, first), "<=": Span(None, after)}[bound[1]]


def _ends(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the first moment of a day (or minute) of `zone` and the first moment after it."""
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        day = date.fromisoformat(found[1])
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise ValueError
        first = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}")
    except ValueError:
        raise SearchRefused(f"“{text}” is not a day.", DATE_HELP) from None
    # The next day is taken on the calendar, not 24 hours on: days with a clock change are shorter or longer.
    after = first + (timedelta(minutes=1) if found[2] else timedelta(days=1))
    return first.replace(tzinfo=zone).astimezone(UTC), after.replace(tzinfo=zone).astimezone(UTC)


def _written(term: Term) -> str:
    bare = _BARE.fullmatch(term.value) is not None
    if term.qualifier is Qualifier.WORD:
        # A word that looks like a qualifier or a minus would be read as one.
        bare = bare and not term.value.startswith("-") and _QUALIFIER.match(term.value) is None
        name = ""
    else:
        name = f"{term.qualifier}:"
    return f"{'-' if term.negated else ''}{name}{term.value if bare else chr(34) + term.value + chr(34)}"
