"""Facts, rules and the arrangement of a page: pure, explained, and the same for serving and for history."""

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
from portal.personalize.catalogue import FACTS, FactSpec, FactType, Of, Op
from portal.personalize.chance import in_holdout, in_sample
from portal.personalize.compiling import CompiledRules, compile_rules
from portal.personalize.engine import arrange, mode_of
from portal.personalize.facts import (
    CalculatorHistory,
    Confidence,
    Day,
    DayCount,
    Facts,
    ModuleHistory,
    Profile,
    decayed,
)
from portal.personalize.rules import (
    Rule,
    RuleRefused,
    RuleSet,
    Settings,
    dump,
    load_rule_set,
    parse_rule,
    parse_rule_set,
)
from portal.personalize.words import Names

__all__ = [
    "FACTS",
    "Arrangement",
    "CalculatorHistory",
    "Candidate",
    "CompiledRules",
    "Confidence",
    "Contribution",
    "Day",
    "DayCount",
    "FactSpec",
    "FactType",
    "Facts",
    "Item",
    "Mode",
    "ModuleHistory",
    "Names",
    "NotShown",
    "Of",
    "Op",
    "Profile",
    "Rule",
    "RuleRefused",
    "RuleSet",
    "RuleTrace",
    "Settings",
    "State",
    "Why",
    "arrange",
    "compile_rules",
    "decayed",
    "dump",
    "in_holdout",
    "in_sample",
    "load_rule_set",
    "mode_of",
    "parse_rule",
    "parse_rule_set",
]
