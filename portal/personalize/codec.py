"""Facts, candidates and arrangements as canonical JSON: one text for one value, and back without loss.

Keys are sorted, whole numbers written without a point, times in UTC ending in Z, sets sorted, and what is
empty or unknown left out. Each text carries its format number; a reader refuses one it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from portal.personalize.arrangement import (
    Arrangement,
    Candidate,
    Contribution,
    Item,
    Mode,
    NotShown,
    RuleTrace,
    State,
    Why,
)
from portal.personalize.facts import (
    CalculatorHistory,
    Confidence,
    Day,
    DayCount,
    Facts,
    ModuleHistory,
    Profile,
)
from portal.personalize.rules import RuleSet, dump

FORMAT = 1


class CodecRefused(ValueError):
    """A text that is not what it should be, or of a format this reader does not know."""


def canonical(value: Any) -> str:
    """Give the canonical JSON text of a JSON value; raise ValueError for NaN and infinities."""
    return json.dumps(_whole(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    """Give the SHA-256 of a text in UTF-8 as 64 hexadecimal characters."""
    return sha256(text.encode("utf-8")).hexdigest()


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(inner) for inner in value]
    return value


def moment(at: datetime) -> str:
    """Give an instant in UTC ending in Z, with microseconds only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_moment(text: str) -> datetime:
    """Give the aware instant that `moment` wrote."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise CodecRefused(f"no time zone: {text[:40]}")
    return at.astimezone(UTC)


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else read_moment(text)


def _kept(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what is empty or unknown: None, False, zero, and anything without content."""
    return {key: value for key, value in pairs.items() if value or (value is False and key == "useful")}


def facts_to_json(facts: Facts) -> str:
    """Give the canonical text of facts."""
    profile = facts.profile
    return canonical(
        _kept(
            {
                "format": FORMAT,
                "at": moment(facts.at),
                "subject": facts.subject,
                "consent_profiling": facts.consent_profiling,
                "confidence": facts.confidence.value,
                "profile": _kept({name: getattr(profile, name) for name in _PROFILE}),
                "declared_interests": sorted(facts.declared_interests),
                "interest": dict(facts.interest),
                "modules": {key: _history(seen) for key, seen in facts.modules.items()},
                "calculators": {key: _use(used) for key, used in facts.calculators.items()},
                "mail_clicks": facts.mail_clicks,
                "mail_click_days": [[entry.day.isoformat(), entry.times] for entry in facts.mail_click_days],
                "visits": facts.visits,
                "visit_days": [[entry.day.isoformat(), entry.times] for entry in facts.visit_days],
                "last_visit_at": moment(facts.last_visit_at) if facts.last_visit_at else None,
                "sent": sorted(facts.sent),
                "discussed": sorted(facts.discussed),
                "rep_picks": list(facts.rep_picks),
                "not_relevant": sorted(facts.not_relevant),
                "standard_order": facts.standard_order,
            }
        )
    )


_PROFILE = tuple(Profile.__dataclass_fields__)


def _history(seen: ModuleHistory) -> dict[str, Any]:
    return _kept(
        {
            "dwell_ms": seen.dwell_ms,
            "reads": seen.reads,
            "skips": seen.skips,
            "completed": seen.completed,
            "last_read_at": moment(seen.last_read_at) if seen.last_read_at else None,
            "useful": seen.useful,
            "downloads": seen.downloads,
            "answers": list(seen.answers),
            "days": [[entry.day.isoformat(), *entry[1:]] for entry in seen.days],
        }
    )


def _use(used: CalculatorHistory) -> dict[str, Any]:
    return _kept(
        {
            "opened": used.opened,
            "completed": used.completed,
            "last_band": used.last_band,
            "last_used_at": moment(used.last_used_at) if used.last_used_at else None,
        }
    )


def _loaded(text: str, what: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CodecRefused(f"{what}: not JSON: {error}") from None
    if not isinstance(raw, dict) or raw.pop("format", None) != FORMAT:
        raise CodecRefused(f"{what}: not of format {FORMAT}")
    return raw


def facts_from_json(text: str) -> Facts:
    """Give the facts that `facts_to_json` wrote; raise CodecRefused for anything else."""
    raw = _loaded(text, "facts")
    try:
        return Facts(**_facts_fields(raw))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CodecRefused(f"facts: {error}") from None


def _facts_fields(raw: dict[str, Any]) -> dict[str, Any]:
    fields = dict(raw)
    fields["at"] = read_moment(raw["at"])
    fields["confidence"] = Confidence(raw["confidence"])
    fields["last_visit_at"] = _maybe(raw.get("last_visit_at"))
    if "profile" in raw:
        fields["profile"] = Profile(**raw["profile"])
    for name in ("declared_interests", "sent", "discussed", "not_relevant"):
        if name in raw:
            fields[name] = frozenset(raw[name])
    if "rep_picks" in raw:
        fields["rep_picks"] = tuple(raw["rep_picks"])
    if "interest" in raw:
        fields["interest"] = {topic: float(minutes) for topic, minutes in raw["interest"].items()}
    for name in ("mail_click_days", "visit_days"):
        if name in raw:
            fields[name] = tuple([DayCount(date.fromisoformat(day), times) for day, times in raw[name]])
    if "modules" in raw:
        fields["modules"] = {key: _history_of(seen) for key, seen in raw["modules"].items()}
    if "calculators" in raw:
        fields["calculators"] = {key: _use_of(used) for key, used in raw["calculators"].items()}
    return fields


def _history_of(raw: dict[str, Any]) -> ModuleHistory:
    fields = dict(raw)
    if "last_read_at" in raw:
        fields["last_read_at"] = read_moment(raw["last_read_at"])
    if "answers" in raw:
        fields["answers"] = tuple(raw["answers"])
    if "days" in raw:
        fields["days"] = tuple([Day(_day(entry[0]), *entry[1:]) for entry in raw["days"]])
    return ModuleHistory(**fields)


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    """Give a day; the same few hundred stand in every page of a history."""
    return date.fromisoformat(text)


def _use_of(raw: dict[str, Any]) -> CalculatorHistory:
    return CalculatorHistory(**{**raw, "last_used_at": _maybe(raw.get("last_used_at"))})


def candidates_to_json(candidates: Iterable[Candidate]) -> str:
    """Give the canonical text of candidates, the same for any order they come in."""
    written = [
        _kept(
            {
                "module": one.module,
                "version": one.version,
                "title": one.title,
                "topics": list(one.topics),
                "kind": one.kind,
                "audiences": list(one.audiences),
                "language": one.language,
                "position": one.position,
                "words": one.words,
                "in_force_from": moment(one.in_force_from) if one.in_force_from else None,
                "in_force_until": moment(one.in_force_until) if one.in_force_until else None,
            }
        )
        for one in candidates
    ]
    return canonical({"format": FORMAT, "candidates": sorted(written, key=canonical)})


def candidates_from_json(text: str) -> tuple[Candidate, ...]:
    """Give the candidates that `candidates_to_json` wrote; raise CodecRefused for anything else."""
    raw = _loaded(text, "candidates")
    try:
        return tuple([_candidate(one) for one in raw["candidates"]])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CodecRefused(f"candidates: {error}") from None


def _candidate(raw: dict[str, Any]) -> Candidate:
    fields = {"version": "", "kind": "", **raw}
    for name in ("topics", "audiences"):
        fields[name] = tuple(raw.get(name, ()))
    for name in ("in_force_from", "in_force_until"):
        fields[name] = _maybe(raw.get(name))
    return Candidate(**fields)


def arrangement_to_json(arrangement: Arrangement) -> str:
    """Give the canonical text of an arrangement: order, scores, contributions, reasons, what is left out.

    Each different contribution is written once, in order of appearance; items point at it by number.
    """
    numbers: dict[Contribution, int] = {}
    items = []
    for item in arrangement.items:
        given = [numbers.setdefault(one, len(numbers)) for one in item.contributions]
        items.append({**item._asdict(), "contributions": given})
    return json.dumps(
        {
            "format": FORMAT,
            "mode": arrangement.mode.value,
            "rule_set": arrangement.rule_set,
            "rule_set_version": arrangement.rule_set_version,
            "contributions": [one._asdict() for one in numbers],
            "items": items,
            "not_shown": [left._asdict() for left in arrangement.not_shown],
            "rules": [trace._asdict() for trace in arrangement.rules],
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )


def arrangement_from_json(text: str) -> Arrangement:
    """Give the arrangement that `arrangement_to_json` wrote; raise CodecRefused for anything else."""
    raw = _loaded(text, "arrangement")
    try:
        given = [Contribution(**{**one, "cause": _pair(one["cause"])}) for one in raw["contributions"]]
        return Arrangement(
            Mode(raw["mode"]),
            raw["rule_set"],
            raw["rule_set_version"],
            tuple([_item(one, given) for one in raw["items"]]),
            tuple([NotShown(**{**one, "why": Why(one["why"])}) for one in raw["not_shown"]]),
            tuple([RuleTrace(one["rule"], State(one["state"]), tuple(one["overruled"])) for one in raw["rules"]]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CodecRefused(f"arrangement: {error}") from None


def _item(raw: dict[str, Any], given: list[Contribution]) -> Item:
    account = tuple([given[number] for number in raw["contributions"]])
    return Item(**{**raw, "contributions": account, "cause": _pair(raw["cause"])})


def _pair(raw: list[str]) -> tuple[str, str]:
    kind, key = raw
    return kind, key


def rule_set_to_json(rule_set: RuleSet) -> str:
    """Give the canonical text of a rule set; `load_rule_set` reads it back."""
    return canonical(dump(rule_set))
