"""What the difference between two states of a view adds to roll-up, profile and events. Pure.

Only confirmed views count: until trusted input arrives nothing is credited, and then everything at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal.tracking.beats import Occurrence
from portal.tracking.dwell import Totals, gains

OPENED_MS = 1000  # attention from which a module counts as opened
READ_MS = 5000  # attention from which it counts as read
_MS_PER_WORD = 300  # 200 words a minute
_HALF = 0.5

_NOTHING = Totals()


@dataclass(frozen=True, slots=True)
class ServedSection:
    """One measurable section of a served page."""

    key: str
    module_key: str
    module_version: str
    topics: tuple[str, ...]
    words: int


@dataclass(slots=True)
class ModuleCredit:
    """What a module won: ms, readings begun and so on; booleans where the state was reached now."""

    eng_ms: int = 0
    reads: int = 0
    skips: int = 0
    downloads: int = 0
    completed: bool = False
    useful: bool | None = None
    answers: str = ""  # ids, each with a line feed after it


@dataclass(frozen=True, slots=True)
class Credit:
    """What one beat adds: by module, engaged ms by topic, and events that section counters tell."""

    modules: dict[str, ModuleCredit]
    topics: dict[str, int]
    derived: tuple[Occurrence, ...]


def credit(
    before: Totals, after: Totals, served: Sequence[ServedSection], fresh: Iterable[Occurrence] = ()
) -> Credit | None:
    """Return what the step from `before` to `after` adds, None while the view is unconfirmed."""
    if not after.touched:
        return None
    base = before if before.touched else _NOTHING
    modules: dict[str, ModuleCredit] = {}
    topics: dict[str, int] = {}
    won = gains(base, after)
    for section in served:
        ms = won.get(section.key, 0)
        if ms:
            modules.setdefault(section.module_key, ModuleCredit()).eng_ms += ms
            for topic in section.topics:
                topics[topic] = topics.get(topic, 0) + ms
    derived: list[Occurrence] = []
    for key in {section.module_key for section in served if section.key in after.sections}:
        parts = [section for section in served if section.module_key == key]
        was, now = _attention(base, parts), _attention(after, parts)
        if was < OPENED_MS <= now:
            derived.append(Occurrence(0, "module.opened", key))
        if was < READ_MS <= now:
            modules.setdefault(key, ModuleCredit()).reads = 1
        enough = _HALF * _MS_PER_WORD * max(section.words for section in parts)
        if was < enough <= now:
            modules.setdefault(key, ModuleCredit()).completed = True
        if _is_passed(after, parts) and not _is_passed(base, parts):
            modules.setdefault(key, ModuleCredit()).skips = 1
            derived.append(Occurrence(0, "module.skipped", key))
    _credit_events(modules, fresh, {section.module_key for section in served})
    return Credit(modules, topics, tuple(sorted(derived)))


def _credit_events(modules: dict[str, ModuleCredit], fresh: Iterable[Occurrence], served: set[str]) -> None:
    for event in fresh:
        key = event.subject.partition("#")[0]
        if key not in served:
            continue
        if event.type == "module.downloaded":
            modules.setdefault(key, ModuleCredit()).downloads += 1
        elif event.type == "module.useful":
            modules.setdefault(key, ModuleCredit()).useful = event.value == "yes"
        elif event.type == "question.answered":
            modules.setdefault(key, ModuleCredit()).answers += event.value + "\n"


def _attention(totals: Totals, parts: Iterable[ServedSection]) -> int:
    return sum(totals.sections[part.key].attention for part in parts if part.key in totals.sections)


def _is_passed(totals: Totals, parts: Iterable[ServedSection]) -> bool:
    return any(totals.sections[part.key].passed for part in parts if part.key in totals.sections)
