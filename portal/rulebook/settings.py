"""The settings of a rule set as a form and as words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from portal.personalize.rules import Settings
from portal.personalize.words import number
from portal.rulebook.judging import said


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting: its plain name, unit, what it does."""

    name: str
    label: str
    unit: str
    hint: str
    whole: bool = False


SETTINGS = (
    SettingSpec("interest_weight", "Points for each minute of interest", "points", "0 switches interest off."),
    SettingSpec("interest_cap_minutes", "Most interest that counts", "min", "More minutes on a topic add nothing."),
    SettingSpec(
        "half_life_days",
        "Half-life of interest",
        "days",
        "After so many days a minute counts half, everywhere.",
    ),
    SettingSpec("declared_weight", "Points for a declared interest", "points", "For topics a doctor chose themselves."),
    SettingSpec("rep_pick_weight", "Points for a pick of the representative", "points", "For modules sent by the rep."),
    SettingSpec("fatigue_reads", "Reads from which a module is lowered", "reads", "0 switches this off.", whole=True),
    SettingSpec("fatigue_by", "Points a module read often is lowered by", "points", "Applies from that many reads on."),
    SettingSpec("holdout_percent", "Doctors kept in the standard order", "%", "Needed to tell whether rules help."),
)


def typed_settings(settings: Settings) -> dict[str, str]:
    """Give every setting as the text of its field."""
    return {spec.name: number(getattr(settings, spec.name)) for spec in SETTINGS}


def in_words(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Give every setting by its plain name with its value and unit."""
    return tuple((spec.label, f"{number(getattr(settings, spec.name))} {spec.unit}") for spec in SETTINGS)


def judge_settings(texts: Mapping[str, str], now: Settings) -> tuple[Settings | None, dict[str, str]]:
    """Give the settings typed, or what is wrong, field by field; what the form does not hold stays as it is."""
    errors: dict[str, str] = {}
    values: dict[str, float | int] = {}
    for spec in SETTINGS:
        text = texts.get(spec.name, "").strip().replace(",", ".")
        try:
            values[spec.name] = int(text) if spec.whole else float(text)
        except ValueError:
            errors[spec.name] = "Write a whole number." if spec.whole else "Write a number."
    for name, value in values.items():
        # One setting at a time, so that every fault stands at its own field.
        try:
            Settings.model_validate({**now.model_dump(), name: value})
        except ValidationError as refused:
            errors[name] = said(refused.errors(include_url=False)[0]["msg"])
    if errors:
        return None, errors
    return Settings.model_validate({**now.model_dump(), **values}), {}
