"""The funnel a beat passes through: named steps, each of which lets it on or names why not. Pure.

wire → credential → age → pace → view → standing → number → clock → agreement → sections → events. The first four need
nothing but the message and the key; the others are told what is stored.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from portal.content.bands import Declared
from portal.tracking import events
from portal.tracking.beats import CLOSED_AFTER_MS, Beat, Occurrence, parse
from portal.tracking.credential import Mint, Ticket
from portal.tracking.drops import Drop
from portal.tracking.dwell import SLACK_MS, Totals, is_sound, merge, refusal, totals_of
from portal.tracking.spans import holds

_BURST = 60
_MS_PER_BEAT = 250  # the script looks four times a second and never sends more often


@dataclass(frozen=True, slots=True)
class Admitted:
    """A beat that is well formed, ours and young enough; `elapsed` is ms since its page was made."""

    beat: Beat
    ticket: Ticket
    elapsed: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What a beat makes of a view: its new totals, the declared events it brings first, what was trimmed off."""

    totals: Totals
    events: tuple[Occurrence, ...]
    trimmed: tuple[Drop, ...]


def admit(raw: bytes, mint: Mint, *, now_ms: int) -> Admitted | Drop:
    """Return what can be said of a message before anything stored is read."""
    beat = parse(raw)
    if isinstance(beat, Drop):
        return beat
    ticket = mint.read(beat.credential)
    if ticket is None:
        return Drop.BAD_CREDENTIAL
    elapsed = now_ms - ticket.issued_ms
    if elapsed > CLOSED_AFTER_MS:
        return Drop.CLOSED
    if elapsed < -SLACK_MS:
        return Drop.NOT_YET
    if beat.n > _BURST + elapsed // _MS_PER_BEAT:
        return Drop.TOO_FAST
    return Admitted(beat, ticket, elapsed)


def keep(
    admitted: Admitted,
    known: Totals,
    *,
    allowed: Collection[str],
    refused: Collection[int],
    declared: Collection[Declared] | None = None,
) -> Kept | Drop:
    """Return a view's totals with the beat merged in, or why the beat is dropped.

    `allowed` are the sections of the served version; `refused` the numbers of messages that were refused before;
    `declared` says of each calculator on the served page what it may report, None where nobody was asked.
    """
    beat = admitted.beat
    if beat.n in refused:
        return Drop.SPENT_NUMBER
    against = refusal(beat, known, elapsed=admitted.elapsed)
    if against is not None:
        return against
    sections = {key: section for key, section in beat.sections.items() if key in allowed}
    trimmed = [Drop.UNKNOWN_SECTION] * (len(beat.sections) - len(sections))
    sound: list[Occurrence] = []
    for event in beat.events:
        why = events.refusal(event) or (None if declared is None else _of_calculator(event, declared))
        if why is None:
            sound.append(event)
        else:
            trimmed.append(why)
    trimmed_beat = replace(beat, sections=sections, events=tuple(sound))
    totals = merge(known, totals_of(trimmed_beat, elapsed=admitted.elapsed))
    if not is_sound(totals):
        return Drop.CONTRADICTS
    fresh = tuple(event for event in sound if not holds(known.events, event.no))
    return Kept(totals, fresh, tuple(trimmed))


def _of_calculator(event: Occurrence, declared: Collection[Declared]) -> Drop | None:
    """Return why an event about a calculator is refused by the definitions the page was served with."""
    if not events.is_calculator(event):
        return None
    used = [each for each in declared if (each.calculator, each.version) == (event.subject, event.version)]
    if not used:
        return Drop.OTHER_CALCULATOR
    return None if not event.value or any(event.value in each.bands for each in used) else Drop.UNKNOWN_BAND


def status_of(drop: Drop | None) -> int:
    """Return the HTTP status for a beat: 204 go on, 410 stop and clear, 429 half as often, 4xx malformed."""
    return _STATUS.get(drop, 204) if drop is not None else 204


_STATUS: Mapping[Drop, int] = {
    Drop.WRONG_ORIGIN: 403,
    Drop.BROKEN_BODY: 400,
    Drop.TOO_LARGE: 413,
    Drop.NOT_TEXT: 400,
    Drop.NOT_JSON: 400,
    Drop.WRONG_SHAPE: 400,
    Drop.OUT_OF_RANGE: 400,
    Drop.DISAGREES: 400,
    Drop.TOO_MANY_SECTIONS: 400,
    Drop.TOO_MANY_EVENTS: 400,
    Drop.BAD_CREDENTIAL: 410,
    Drop.CLOSED: 410,
    Drop.UNKNOWN_VIEW: 410,
    Drop.REVOKED: 410,
    Drop.TOO_FAST: 429,
    Drop.NOT_YET: 429,
}
