"""Calculators as content: reading a definition as far as a draft needs it, and what is wrong with it. Pure."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from portal.calculators.calculator import DefinitionRefused, parse_definition
from portal.calculators.lint import lint
from portal.calculators.skeleton import CODE_SLOT
from portal.content.refusals import DraftRefused

if TYPE_CHECKING:
    from portal.content.drafts import ModuleContent

LONGEST_DEFINITION = 200_000
LONGEST_CODE = 60  # characters of an approval code


def named(content: "ModuleContent") -> "ModuleContent":
    """Return content whose calculator and version are those of its definition; raises DraftRefused.

    A draft may still be wrong in every other way; `soundness.check` says so before review.
    """
    if content.definition is None:
        return content
    if len(content.definition) > LONGEST_DEFINITION:
        raise DraftRefused(f"The definition is longer than {LONGEST_DEFINITION:,} characters.")
    try:
        written = json.loads(content.definition)
        name, version = written["name"], written["version"]
    except (ValueError, RecursionError) as error:
        raise DraftRefused(f"The definition is not JSON: {error}.") from None
    except (KeyError, TypeError):
        raise DraftRefused("The definition needs a name and a version.") from None
    if not isinstance(name, str) or not isinstance(version, str):
        raise DraftRefused("The name and the version of a definition are text.")
    return replace(content, calculator=name, calculator_version=version)


def faults(definition: str) -> tuple[str, ...]:
    """Return everything that stands between a definition and its approval, each with its place."""
    return (*(str(finding) for finding in lint(definition)), *_unproved(definition))


def with_code(definition: str, code: str) -> str:
    """Return a definition's text with an approval code in its slot."""
    return definition.replace(CODE_SLOT, json.dumps(code)[1:-1])


def _unproved(definition: str) -> tuple[str, ...]:
    try:
        known = parse_definition(definition).definition.vectors
    except DefinitionRefused:
        return ()
    return () if known else ("vectors: there is no known answer; give at least one that was computed elsewhere",)
