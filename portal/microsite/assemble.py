"""Gathers what a decision rests on: facts about the doctor and the candidates in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from portal.access.evidence import Confidence
from portal.access.states import CurrentVisit
from portal.content.queries import ModuleInForce
from portal.hcp.consents import ConsentState
from portal.hcp.profiles import HcpCard
from portal.microsite.known import History
from portal.personalize import Candidate, CompiledRules, Facts, Profile, compile_rules, load_rule_set
from portal.personalize import Confidence as FactConfidence
from portal.rulebook.queries import LiveRuleSet


@dataclass(frozen=True, slots=True)
class Reader:
    """The doctor a page is for, as the page may know them, and what they agreed to."""

    card: HcpCard
    consent: ConsentState
    visit: CurrentVisit

    @property
    def may_profile(self) -> bool:
        """Tell whether history and profile may be used: the person is known and agreed."""
        agreed = self.consent.profiling and self.consent.tracking == "identified"
        return agreed and self.visit.is_known


def candidates(modules: Sequence[ModuleInForce]) -> tuple[Candidate, ...]:
    """Return the modules in force as the engine takes them."""
    return tuple(
        Candidate(
            module=module.key,
            version=module.version_id,
            title=module.title,
            topics=tuple(module.topics),
            kind=module.kind,
            audiences=tuple(module.audiences),
            position=module.position,
            words=module.words,
            in_force_from=module.in_force_from,
            in_force_until=module.in_force_until,
        )
        for module in modules
    )


def facts(reader: Reader, history: History, *, at: datetime) -> Facts:
    """Return all that rules may know of a reader at `at`; only audience and language where profiling is off."""
    card, visit = reader.card, reader.visit
    if not reader.may_profile:
        return Facts(
            at=at,
            consent_profiling=reader.consent.profiling and reader.consent.tracking == "identified",
            confidence=_confidence(visit),
            profile=Profile(language=card.language, audience=card.audience),
            standard_order=visit.standard_order,
        )
    return Facts(
        at=at,
        subject=card.id,
        consent_profiling=True,
        confidence=_confidence(visit),
        profile=Profile(
            specialty=card.specialty or "",
            segment=card.segment or "",
            decile=card.decile,
            adoption_step=card.adoption_step or "",
            knowledge_level=card.knowledge_level or "",
            territory=card.territory_key or "",
            region=card.market,
            language=card.language,
            audience=card.audience,
            channel=card.channel or "",
        ),
        declared_interests=history.declared,
        interest=history.interest,
        modules=history.modules,
        calculators=history.calculators,
        mail_clicks=history.mail_clicks,
        mail_click_days=history.mail_click_days,
        visits=history.visits,
        visit_days=history.visit_days,
        last_visit_at=history.last_visit_at,
        sent=history.sent,
        discussed=history.discussed,
        rep_picks=visit.link_modules,
        not_relevant=history.not_relevant,
        standard_order=visit.standard_order,
    )


@lru_cache(maxsize=64)
def compiled(rules: LiveRuleSet) -> CompiledRules:
    """Return a stored rule set ready for use; one compilation per version and process."""
    return compile_rules(load_rule_set(rules.body))


def _confidence(visit: CurrentVisit) -> FactConfidence:
    return FactConfidence(Confidence(visit.confidence).value)
