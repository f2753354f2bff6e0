"""What the difference between two states of a view adds to roll-up, profile and events. Pure.

Only confirmed views count: until trusted input arrives nothing is credited, and then everything at once.
"""

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from portal.tracking.beats import Occurrence
from portal.tracking.dwell import Totals

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


@dataclass(frozen=True, slots=True)
class Layout:
    """The measurable sections of a served page, and for each module its sections and the ms that complete it."""

    sections: Mapping[str, ServedSection]
    modules: Mapping[str, tuple[tuple[str, ...], float]]

    @classmethod
    def of(cls, served: Iterable[ServedSection]) -> "Layout":
        """Return the layout of sections as served; of two with one key the last stands."""
        sections = {section.key: section for section in served}
        modules: dict[str, tuple[tuple[str, ...], float]] = {}
        for section in sections.values():
            keys, enough = modules.get(section.module_key, ((), 0.0))
            modules[section.module_key] = (*keys, section.key), max(enough, _HALF * _MS_PER_WORD * section.words)
        return cls(sections, modules)


@lru_cache(maxsize=512)
def layout_of(text: str) -> Layout:
    """Return the layout stored as JSON `text`: [[section, module, version, [topics], words], ...]."""
    return Layout.of(
        ServedSection(key, module, version, tuple(topics), words)
        for key, module, version, topics, words in json.loads(text)
    )


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


def credit(before: Totals, after: Totals, layout: Layout, fresh: Iterable[Occurrence] = ()) -> Credit | None:
    """Return what the step from `before` to `after` adds, None while the view is unconfirmed."""
    if not after.touched:
        return None
    base = before if before.touched else _NOTHING
    modules: dict[str, ModuleCredit] = {}
    topics: dict[str, int] = {}
    changed: dict[str, None] = {}
    for key, now in after.sections.items():
        was = base.sections.get(key)
        section = layout.sections.get(key)
        if section is None or now == was:
            continue
        changed[section.module_key] = None
        ms = now.attention - (was.attention if was else 0)
        if ms > 0:
            modules.setdefault(section.module_key, ModuleCredit()).eng_ms += ms
            for topic in section.topics:
                topics[topic] = topics.get(topic, 0) + ms
    derived: list[Occurrence] = []
    for module in changed:
        _credit_module(module, base, after, layout, modules, derived)
    _credit_events(modules, fresh, layout.modules)
    return Credit(modules, topics, tuple(sorted(derived)))


def _credit_module(
    module: str,
    before: Totals,
    after: Totals,
    layout: Layout,
    modules: dict[str, ModuleCredit],
    derived: list[Occurrence],
) -> None:
    keys, enough = layout.modules[module]
    was, now = _attention(before, keys), _attention(after, keys)
    if was < OPENED_MS <= now:
        derived.append(Occurrence(0, "module.opened", module))
    if was < READ_MS <= now:
        modules.setdefault(module, ModuleCredit()).reads = 1
    if was < enough <= now:
        modules.setdefault(module, ModuleCredit()).completed = True
    if _is_passed(after, keys) and not _is_passed(before, keys):
        modules.setdefault(module, ModuleCredit()).skips = 1
        derived.append(Occurrence(0, "module.skipped", module))


def _credit_events(modules: dict[str, ModuleCredit], fresh: Iterable[Occurrence], served: Container[str]) -> None:
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


def _attention(totals: Totals, keys: Iterable[str]) -> int:
    return sum(totals.sections[key].attention for key in keys if key in totals.sections)


def _is_passed(totals: Totals, keys: Iterable[str]) -> bool:
    return any(totals.sections[key].passed for key in keys if key in totals.sections)
