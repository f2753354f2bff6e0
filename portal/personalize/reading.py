"""Reads the sentence of a rule back to the rule: a small recursive descent over a closed grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from portal.personalize.catalogue import FACTS, FactSpec, FactType, Of, Op
from portal.personalize.conditions import MAX_DEPTH, MAX_NODES
from portal.personalize.grammar import (
    ALWAYS,
    KNOWN,
    ONCE_WORDS,
    TRUTH,
    WAY_BACK_WORDS,
    key_of,
    op_words,
    usable_titles,
)
from portal.personalize.rules import Rule, RuleRefused, parse_rule
from portal.personalize.words import Names

MAX_SENTENCE = 30_000
_TOKEN = re.compile(
    r'\s*("(?:\\.|[^"\\])*"|\*[^*]*\*|[(),;:](?!\S*Z)|\.(?=\s|$)|[^\s"(),;*]+?(?=\.?(?:\s|$)|\.?[(),;"*]|:\s))'
)
_GROUPS = {"ALL": "all", "ANY": "any", "NONE": "none"}
_LEADS = sorted(
    ((spec, *spec.lead.partition("{of}")) for spec in FACTS.values()), key=lambda lead: -len(lead[1].split())
)


def parse(text: str, names: Names) -> Rule:
    """Give the rule a sentence says; raise RuleRefused with the character where it cannot be read."""
    return parse_rule(_Reader(text, names).rule())


class _Reader:
    """Walks the tokens of one sentence from left to right."""

    def __init__(self, text: str, names: Names) -> None:
        if len(text) > MAX_SENTENCE:
            raise RuleRefused([("sentence", f"more than {MAX_SENTENCE:,} characters")])
        self.tokens: list[tuple[str, int]] = []
        self.here = 0
        self.nodes = 0
        self.usable: Mapping[Of, Mapping[str, str]] = {of: usable_titles(names, of) for of in Of}
        end = len(text.rstrip())
        position = 0
        while position < end:
            found = _TOKEN.match(text, position)
            if found is None or not found.group(1):
                blank = len(text[position:]) - len(text[position:].lstrip())
                raise RuleRefused([(f"sentence, character {position + blank + 1}", "this cannot be read")])
            self.tokens.append((found.group(1), found.start(1)))
            position = found.end()

    def refuse(self, why: str) -> NoReturn:
        at = self.tokens[self.here][1] + 1 if self.here < len(self.tokens) else 0
        raise RuleRefused([(f"sentence, character {at}" if at else "sentence, at its end", why)])

    def peek(self, ahead: int = 0) -> str:
        place = self.here + ahead
        return self.tokens[place][0] if place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            self.refuse("more was expected")
        self.here += 1
        return token

    def has(self, words: str) -> bool:
        """Step over these words if they come next, and say whether they did."""
        wanted = words.split()
        if [self.peek(ahead) for ahead in range(len(wanted))] != wanted:
            return False
        self.here += len(wanted)
        return True

    def need(self, words: str) -> None:
        if not self.has(words):
            self.refuse(f"expected {words!r}")

    def quoted(self) -> str:
        if not self.peek().startswith('"'):
            self.refuse("expected a text in quotation marks")
        try:
            text = json.loads(self.peek(), strict=False)
        except ValueError:
            self.refuse("this text cannot be read")
        self.here += 1
        return str(text)

    def word(self) -> str:
        return self.quoted() if self.peek().startswith('"') else self.take()

    def starred(self, of: Of) -> str:
        if not self.peek().startswith("*"):
            self.refuse("expected a name between stars")
        return key_of(self.take()[1:-1], self.usable[of])

    def number(self) -> int | float:
        if not re.fullmatch(r"-?[0-9]{1,10}(\.[0-9]{1,3})?", self.peek()):
            self.refuse("expected a number")
        text = self.take()
        return float(text) if "." in text else int(text)

    def rule(self) -> dict[str, Any]:
        head = re.fullmatch(r"\[(.*)\]", self.peek())
        if head is None:
            self.refuse("expected the rule's id in brackets")
        self.take()
        raw: dict[str, Any] = {"id": head.group(1), "name": self.quoted()}
        self.need(":")
        self.need("IF")
        raw["when"] = {"all": []} if self.has(ALWAYS) else self.chain(1)
        self.need("THEN")
        raw["then"] = self.effect()
        self.need("because")
        raw["because"] = self.quoted()
        self.need(".")
        while self.here < len(self.tokens):
            self.setting(raw)
            self.need(".")
        return raw

    def setting(self, raw: dict[str, Any]) -> None:
        if self.has("For audience"):
            raw["audience"] = self.listed(self.word)
        elif self.has("From"):
            raw["starts"] = self.take()
        elif self.has("Until"):
            raw["ends"] = self.take()
        elif self.has("For"):
            raw["sample_percent"] = self.number()
            self.need("% of doctors")
        elif self.has("Priority"):
            raw["priority"] = self.number()
        elif self.has("Off because"):
            raw["enabled"], raw["off_reason"] = False, self.quoted()
        else:
            self.refuse("nothing like this can follow")

    def listed(self, one: Any) -> list[Any]:
        items = [one()]
        while self.has(","):
            items.append(one())
        return items

    def chain(self, depth: int) -> dict[str, Any]:
        first = self.unit(depth)
        between = self.peek()
        if between not in ("AND", "OR"):
            return first
        joined = [first]
        while self.has(between):
            joined.append(self.unit(depth))
        if self.peek() in ("AND", "OR"):
            self.refuse("AND and OR side by side need brackets")
        return {"all" if between == "AND" else "any": joined}

    def unit(self, depth: int) -> dict[str, Any]:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            self.refuse(f"more than {MAX_NODES} conditions, or nested more than {MAX_DEPTH} deep")
        if self.has("("):
            inner = self.chain(depth + 1)
            self.need(")")
            return inner
        if self.peek() in _GROUPS and self.peek(1) == "OF":
            word = _GROUPS[self.take()]
            self.need("OF")
            self.need("(")
            held: list[dict[str, Any]] = []
            while not self.has(")"):
                if held:
                    self.need(";")
                held.append(self.unit(depth + 1))
            return {word: held}
        return self.comparison()

    def comparison(self) -> dict[str, Any]:
        for spec, before, _, after in _LEADS:
            start = self.here
            if self.has(before):
                if spec.of is None:
                    return self.asked(spec, {"fact": spec.name})
                if self.peek().startswith("*"):
                    of = self.starred(spec.of)
                    if self.has(after):
                        return self.asked(spec, {"fact": spec.name, "of": of})
            self.here = start
        return self.refuse("expected a fact")

    def asked(self, spec: FactSpec, raw: dict[str, Any]) -> dict[str, Any]:
        for truth, words in KNOWN.items():
            if spec.type is not FactType.FLAG and self.has(words):
                raw["op"], raw["value"] = Op.EXISTS.value, truth
                return self.windowed(raw)
        spoken = sorted(op_words(spec).items(), key=lambda pair: -len(pair[1]))
        op = next((op for op, words in spoken if self.has(words)), None)
        if op is None:
            self.refuse(f"expected a comparison of {spec.plain}")
        raw["op"] = op.value
        raw["value"] = self.listed(lambda: self.value(spec)) if op is Op.IN else self.value(spec)
        if spec.unit and not (self.has(spec.unit) or self.has(spec.unit.rstrip("s"))):
            self.refuse(f"expected {spec.unit!r}")
        return self.windowed(raw)

    def windowed(self, raw: dict[str, Any]) -> dict[str, Any]:
        if self.has("in the last"):
            raw["within_days"] = self.number()
            if not (self.has("days") or self.has("day")):
                self.refuse("expected 'days'")
        return raw

    def value(self, spec: FactSpec) -> Any:
        if spec.type is FactType.NUMBER:
            return self.number()
        if spec.type is FactType.FLAG:
            return next((truth for truth, words in TRUTH.items() if self.has(words)), None)
        if spec.values is not None:
            return self.starred(spec.values)
        return self.word()

    def target(self) -> dict[str, Any]:
        if self.has("every module"):
            return {"everything": True}
        if self.has("modules on"):
            return {"topic": self.starred(Of.TOPIC)}
        if self.has("modules of kind"):
            return {"kind": self.word()}
        keys = [self.starred(Of.MODULE)]
        while self.peek() == "," and self.peek(1).startswith("*"):
            self.need(",")
            keys.append(self.starred(Of.MODULE))
        return {"modules": keys}

    def effect(self) -> dict[str, Any]:
        if self.has("always show"):
            return {"do": "require", "target": self.target()}
        if self.has("put"):
            raw: dict[str, Any] = {"do": "pin", "target": self.target()}
            if self.has("at place"):
                return {**raw, "place": self.number()}
            self.need("right after")
            return {**raw, "do": "after", "module": self.starred(Of.MODULE)}
        if self.has("hide"):
            raw = {"do": "hide", "target": self.target()}
            raw = self.once(raw)
            self.need(",")
            back = next((way for way, words in WAY_BACK_WORDS.items() if self.has(words)), None)
            if back is None:
                self.refuse("expected where it is still found")
            return {**raw, "way_back": back.value}
        do = self.take()
        if do not in ("raise", "lower"):
            self.here -= 1
            self.refuse("expected an effect")
        raw = {"do": do, "target": self.target()}
        self.need("by")
        points = self.number()
        if do == "raise" and self.has("for each minute of interest"):
            return {**raw, "do": "interest", "weight": points}
        return self.once({**raw, "by": points})

    def once(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Read the rest of a limit, where there is one, after what it does."""
        count = next((count for count, words in ONCE_WORDS.items() if self.has(words)), None)
        if count is None:
            return raw
        limit = {**raw, "do": "limit", "count": count.value, "times": self.number()}
        if not (self.has("times") or self.has("time")):
            self.refuse("expected 'times'")
        return self.windowed(limit)
