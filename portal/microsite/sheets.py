"""What each of a doctor's pages is made of: the shell it takes and the pieces that fill it. Writes nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.content.queries import BlockInForce, ModuleInForce
from portal.content.questions import answers_of
from portal.microsite import notes
from portal.microsite.assemble import Reader
from portal.microsite.known import History
from portal.microsite.pieces import Piece, use, without_marks
from portal.microsite.stock import SiteInForce
from portal.personalize import Arrangement, Facts, Mode, Why

_OUT_OF_REACH = (Why.NOT_IN_FORCE, Why.OTHER_AUDIENCE, Why.OTHER_LANGUAGE, Why.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Decision:
    """An arrangement with what it was made from."""

    reader: Reader
    facts: Facts
    history: History
    in_force: SiteInForce
    arrangement: Arrangement

    @property
    def is_personal(self) -> bool:
        """Tell whether the page follows what is known of the reader."""
        return self.arrangement.mode is Mode.PERSONAL

    def reachable(self) -> tuple[str, ...]:
        """Return the keys of every module the reader may open: those shown, in order, then those left out."""
        left_out = (each.module for each in self.arrangement.not_shown if each.why not in _OUT_OF_REACH)
        return (*self.arrangement.order(), *left_out)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page before it is composed."""

    page: str
    template: str
    slots: dict[str, Sequence[Piece]]
    context: dict[str, Any] = field(default_factory=dict)


def home(decision: Decision, *, prepared: str) -> Sheet:
    """Return the personal home page; `prepared` says in words who prepared it."""
    arrangement, titles = decision.arrangement, decision.in_force.titles()
    slots: dict[str, Sequence[Piece]] = {
        "prepared": [notes.prepared(prepared)],
        "note": [notes.order_note(arrangement)],
        "cards": cards(decision, arrangement.order()),
        "after": [notes.also_available(_left_out(decision), titles) + notes.saved_list(_saved(decision), titles)],
    }
    return Sheet("home", "microsite/home.html", slots)


def listing(
    decision: Decision,
    page: str,
    keys: Sequence[str],
    *,
    title: str,
    lead: str,
    said: str = "",
    saved: Collection[str] | None = None,
) -> Sheet:
    """Return a page that lists some modules as cards; title and lead are the same for everybody, `said` is not."""
    found = cards(decision, keys, saved=saved)
    slots: dict[str, Sequence[Piece]] = {"note": [notes.said(said)], "cards": found}
    context = {"title": title, "lead": lead, "with_search": page == "search"}
    return Sheet(page, "microsite/list.html", slots, context)


def module(decision: Decision, shown: ModuleInForce, *, noted: str, asks: bool) -> Sheet:
    """Return one module's page, with the way onward in the reader's own order; `asks` whether it was useful.

    `noted` says what came of what was pressed just now: `1` for useful or not, else a word of `notes.question`.
    """
    in_force, known = decision.in_force, decision.reader.visit.is_known
    onward = [each for key in decision.arrangement.order() if key != shown.key and (each := in_force.module(key))]
    saved, dismissed = shown.key in decision.history.saved, _dismissed(decision, shown)
    slots: dict[str, Sequence[Piece]] = {
        "body": [use(shown.page_hash, {"question": _question(decision, shown, noted=noted, asks=asks)})],
        "acts": [notes.acts(shown, saved=saved, dismissed=dismissed, personal=decision.is_personal)] if known else [],
        "useful": [notes.useful_question(shown.key, thanked=noted == "1")] if asks else [],
        "onward": [notes.onward([(each.key, each.title) for each in onward[:3]])],
    }
    context = {"title": without_marks(shown.title), "calculator": bool(shown.calculator), "is_file": is_file(shown)}
    return Sheet(shown.key, "microsite/module.html", slots, context)


def is_file(shown: ModuleInForce) -> bool:
    """Tell whether a module can be taken along as a file: not what computes or asks."""
    return not shown.calculator and not answers_of(shown.source)


def leaflet(decision: Decision, shown: ModuleInForce) -> Sheet:
    """Return one module as a file to take along: it stands by itself, with everything mandatory in it."""
    site = decision.in_force.site
    slots: dict[str, Sequence[Piece]] = {"body": [use(shown.page_hash)]}
    context = {"title": without_marks(shown.title), "language": site.language}
    return Sheet(shown.key, "microsite/leaflet.html", slots, context)


def information(block: BlockInForce) -> Sheet:
    """Return a mandatory block on a page of its own, such as the full prescribing information."""
    context = {"title": without_marks(block.title), "calculator": False, "is_file": False}
    slots: dict[str, Sequence[Piece]] = {"body": [use(block.page_hash)]}
    return Sheet(f"block:{block.key}", "microsite/module.html", slots, context)


def cards(decision: Decision, keys: Sequence[str], *, saved: Collection[str] | None = None) -> list[Piece]:
    """Return the cards of modules in force, with marks, reasons and what can be done."""
    listed = decision.history.saved if saved is None else saved
    arrangement, in_force, reader = decision.arrangement, decision.in_force, decision.reader
    reasons = {item.module: notes.reason(item, arrangement.mode) for item in arrangement.items}
    modules = {each.key: each for each in in_force.modules}
    made: list[Piece] = []
    for key in keys:
        shown = modules.get(key)
        if shown is None:
            continue
        slots: dict[str, Sequence[Piece]] = {
            "reason": [reasons.get(key, "")],
            "marks": [notes.new_mark(shown, decision.facts.last_visit_at)],
        }
        if reader.visit.is_known:
            dismissed, personal = _dismissed(decision, shown), decision.is_personal
            slots["acts"] = [notes.acts(shown, saved=key in listed, dismissed=dismissed, personal=personal)]
        made.append(use(shown.card_hash, slots))
    return made


def sections(in_force: SiteInForce, page: str) -> list[tuple[str, str, str, tuple[str, ...], int]]:
    """Return (section key, module key, version id, topics, words) of everything measurable on a page."""
    found = [(f"block:{b.key}", f"block:{b.key}", b.version_id, (), b.words) for b in in_force.blocks]
    shown = in_force.module(page)
    if shown is None:
        return found + [(m.key, m.key, m.version_id, m.topics, m.words) for m in in_force.modules]
    own = [
        (f"{shown.key}#{s['key']}", shown.key, shown.version_id, shown.topics, int(s["words"])) for s in shown.sections
    ]
    return [*found, (shown.key, shown.key, shown.version_id, shown.topics, shown.words), *own]


def _question(decision: Decision, shown: ModuleInForce, *, noted: str, asks: bool) -> list[Piece]:
    answers = answers_of(shown.source)
    if not answers:
        return []
    if not asks:
        return [notes.not_asked()]
    named = decision.reader.consent.tracking == "identified"
    seen = ("named" if decision.reader.visit.is_known else "unknown") if named else "nameless"
    before = decision.history.modules.get(shown.key)
    chosen = before.answers[-1] if before and before.answers else ""
    return [notes.question(shown.key, shown.title, answers, chosen=chosen, said=noted, seen=seen)]


def _dismissed(decision: Decision, shown: ModuleInForce) -> bool:
    return shown.key in decision.facts.not_relevant


def _left_out(decision: Decision) -> list[tuple[str, str, bool]]:
    out = (each for each in decision.arrangement.not_shown if each.why not in _OUT_OF_REACH)
    return [(each.module, each.sentence, each.why is Why.NOT_RELEVANT) for each in out]


def _saved(decision: Decision) -> list[str]:
    reachable = set(decision.reachable())
    return [key for key in decision.history.saved if key in reachable]
