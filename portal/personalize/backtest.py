"""A rule set tried on every page that was ever served, with the facts as they were and nothing later.

A stored page holds what its decision rested on, so the same function gives what another rule set would
have shown. For the rule set that was live the answer is what was served: that is checked, not assumed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from typing import NamedTuple

from portal.personalize.arrangement import Candidate
from portal.personalize.codec import CodecRefused, candidates_from_json, facts_from_json, rule_set_to_json
from portal.personalize.compiling import CompiledRules, compile_rules
from portal.personalize.engine import order_of
from portal.personalize.facts import Facts
from portal.personalize.rules import RuleSet, load_rule_set

CHUNK = 1000
KEPT_IDS = 1000
Progress = Callable[[int], None]
RuleSets = Mapping[tuple[str, int], RuleSet]  # by id and version


class Stored(NamedTuple):
    """One page as it was served: facts and candidates as canonical JSON, the module keys from first to last."""

    id: str
    doctor: str
    facts: str
    candidates: str
    served: tuple[str, ...]
    rule_set: str = ""
    rule_set_version: int = 0


@dataclass(slots=True)
class Movement:
    """On how many pages one module would stand earlier, later, newly, or no more."""

    rises: int = 0
    falls: int = 0
    appears: int = 0
    vanishes: int = 0


@dataclass(slots=True)
class Backtest:
    """What a rule set would have changed; `refused` are pages whose record cannot be read."""

    pages: int = 0
    changed: int = 0
    modules: dict[str, Movement] = field(default_factory=dict)
    doctors: Counter[str] = field(default_factory=Counter)
    seen_doctors: set[str] = field(default_factory=set)
    losing: Counter[tuple[str, str]] = field(default_factory=Counter)
    changed_ids: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def add(self, other: Backtest) -> None:
        """Take in the result of another part of the history."""
        self.pages += other.pages
        self.changed += other.changed
        for module, moved in other.modules.items():
            mine = self.modules.setdefault(module, Movement())
            mine.rises += moved.rises
            mine.falls += moved.falls
            mine.appears += moved.appears
            mine.vanishes += moved.vanishes
        self.doctors.update(other.doctors)
        self.seen_doctors |= other.seen_doctors
        self.losing.update(other.losing)
        self.changed_ids = sorted([*self.changed_ids, *other.changed_ids])[:KEPT_IDS]
        self.refused = sorted([*self.refused, *other.refused])[:KEPT_IDS]

    def rising(self) -> tuple[tuple[str, int], ...]:
        """Give the modules that stand earlier on more pages than later, by how many more."""
        net = {module: moved.rises + moved.appears - moved.falls - moved.vanishes for module, moved in self._moved()}
        return tuple(sorted(((m, n) for m, n in net.items() if n > 0), key=lambda pair: (-pair[1], pair[0])))

    def falling(self) -> tuple[tuple[str, int], ...]:
        """Give the modules that stand later, or nowhere, on more pages than earlier, by how many more."""
        net = {module: moved.falls + moved.vanishes - moved.rises - moved.appears for module, moved in self._moved()}
        return tuple(sorted(((m, n) for m, n in net.items() if n > 0), key=lambda pair: (-pair[1], pair[0])))

    def _moved(self) -> Iterable[tuple[str, Movement]]:
        return self.modules.items()


@dataclass(slots=True)
class Fidelity:
    """How many served pages their own rule set gives again; `different` and `refused` hold ids."""

    pages: int = 0
    same: int = 0
    different: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def add(self, other: Fidelity) -> None:
        """Take in the result of another part of the history."""
        self.pages += other.pages
        self.same += other.same
        self.different = [*self.different, *other.different][:KEPT_IDS]
        self.refused = [*self.refused, *other.refused][:KEPT_IDS]

    def is_whole(self) -> bool:
        """Say whether every page was reproduced."""
        return self.same == self.pages


class Tally(NamedTuple):
    """What a trial on history found: what changes, and whether history came out as it was served."""

    changes: Backtest
    history: Fidelity


class Candidates:
    """Candidates by their text, read once: the same content set stands behind many pages."""

    def __init__(self) -> None:
        self.read: dict[str, tuple[Candidate, ...]] = {}

    def of(self, text: str) -> tuple[Candidate, ...]:
        """Give the candidates of a text; raise CodecRefused where it is none."""
        known = self.read.get(text)
        if known is None:
            if len(self.read) >= 64:
                self.read.clear()
            known = self.read[text] = candidates_from_json(text)
        return known


def backtest(
    stored: Iterable[Stored],
    draft: RuleSet,
    *,
    workers: int = 1,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> Backtest:
    """Give what `draft` would have changed on these pages; see `tried`."""
    return tried(stored, draft, {}, workers=workers, chunk=chunk, progress=progress).changes


def tried(
    stored: Iterable[Stored],
    draft: RuleSet,
    rule_sets: RuleSets,
    *,
    workers: int = 1,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> Tally:
    """Give what `draft` would have changed on these pages, and whether each comes out as it was served.

    `rule_sets` are those the pages were served with; where there is none at all, history is not checked. `progress` is
    told the pages done so far. With more than one worker the pages are shared out in chunks among processes; the result
    is the same.
    """
    whole = Tally(Backtest(), Fidelity())
    for part in _parts(stored, draft, rule_sets, workers, chunk):
        whole.changes.add(part.changes)
        whole.history.add(part.history)
        if progress is not None:
            progress(whole.changes.pages)
    return whole


def fidelity(stored: Iterable[Stored], rule_sets: RuleSets) -> Fidelity:
    """Check that each page comes out as served under the rule set and version it was served with."""
    known, found = Candidates(), Fidelity()
    for page in stored:
        _check(found, page, _facts(page), known, rule_sets)
    return found


def _parts(stored: Iterable[Stored], draft: RuleSet, rule_sets: RuleSets, workers: int, chunk: int) -> Iterator[Tally]:
    pages = iter(stored)
    if workers <= 1:
        known, compiled = Candidates(), compile_rules(draft)
        while some := list(islice(pages, chunk)):
            yield _tallied(some, compiled, known, rule_sets)
        return
    texts = {key: rule_set_to_json(rules) for key, rules in rule_sets.items()}
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(rule_set_to_json(draft), texts)
    ) as pool:
        waiting: set[Future[Tally]] = set()
        while True:
            while len(waiting) < workers * 2 and (some := list(islice(pages, chunk))):
                waiting.add(pool.submit(_in_worker, *_packed(some)))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()


def _packed(pages: list[Stored]) -> tuple[list[str], list[tuple[Stored, int]]]:
    """Give each text of candidates once, and the pages with its number: far less to send."""
    numbers: dict[str, int] = {}
    rows = []
    for page in pages:
        number = numbers.setdefault(page.candidates, len(numbers))
        rows.append((page._replace(candidates=""), number))
    return list(numbers), rows


_worker: dict[str, tuple[CompiledRules, Candidates, RuleSets]] = {}


def _begin(draft: str, texts: Mapping[tuple[str, int], str]) -> None:
    rule_sets = {key: load_rule_set(text) for key, text in texts.items()}
    _worker["draft"] = (compile_rules(load_rule_set(draft)), Candidates(), rule_sets)


def _in_worker(texts: list[str], rows: list[tuple[Stored, int]]) -> Tally:
    compiled, known, rule_sets = _worker["draft"]
    return _tallied([page._replace(candidates=texts[number]) for page, number in rows], compiled, known, rule_sets)


def _tallied(pages: list[Stored], compiled: CompiledRules, known: Candidates, rule_sets: RuleSets) -> Tally:
    """Try every page; its facts are read once, for the draft and for the rules it was served with."""
    tally, history = Backtest(), Fidelity()
    for page in pages:
        tally.pages += 1
        facts = _facts(page)
        if rule_sets:
            _check(history, page, facts, known, rule_sets)
        order = _order(page, facts, known, compiled)
        if order is None:
            tally.refused.append(page.id)
            continue
        tally.seen_doctors.add(page.doctor)
        if order != page.served:
            _count(tally, page, order)
    return Tally(tally, history)


def _facts(page: Stored) -> Facts | None:
    try:
        return facts_from_json(page.facts)
    except CodecRefused:
        return None


def _order(
    page: Stored, facts: Facts | None, known: Candidates, rules: RuleSet | CompiledRules
) -> tuple[str, ...] | None:
    """Give the order of a page under these rules, None where its record cannot be read."""
    if facts is None:
        return None
    try:
        return order_of(facts, known.of(page.candidates), rules)
    except CodecRefused:
        return None


def _check(found: Fidelity, page: Stored, facts: Facts | None, known: Candidates, rule_sets: RuleSets) -> None:
    found.pages += 1
    rules = rule_sets.get((page.rule_set, page.rule_set_version))
    order = _order(page, facts, known, rules) if rules is not None else None
    if order is None:
        found.refused.append(page.id)
    elif order == page.served:
        found.same += 1
    else:
        found.different.append(page.id)


def _count(tally: Backtest, page: Stored, order: tuple[str, ...]) -> None:
    tally.changed += 1
    tally.changed_ids.append(page.id)
    tally.doctors[page.doctor] += 1
    before = {module: place for place, module in enumerate(page.served)}
    for place, module in enumerate(order):
        old = before.pop(module, None)
        if old is None:
            tally.modules.setdefault(module, Movement()).appears += 1
        elif place < old:
            tally.modules.setdefault(module, Movement()).rises += 1
        elif place > old:
            tally.modules.setdefault(module, Movement()).falls += 1
    for module in before:
        tally.modules.setdefault(module, Movement()).vanishes += 1
        tally.losing[page.doctor, module] += 1
