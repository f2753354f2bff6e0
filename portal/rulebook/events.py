"""What the audit log says of rule sets."""

from dataclasses import dataclass

from portal.audit import Event


@dataclass(frozen=True, slots=True)
class RuleSetDrafted(Event, name="ruleset.drafted", words="began draft {version} of the rules"):
    """Somebody began a new version."""

    rule_set: str
    site: str
    version: int
    based_on: int | None


@dataclass(frozen=True, slots=True)
class RuleSetEdited(Event, name="ruleset.edited", words="changed draft {version} of the rules"):
    """A draft was changed; `review_ended` says that a review under way has to start again."""

    rule_set: str
    site: str
    version: int
    revision: int
    body_sha256: str
    review_ended: bool
    note: str


@dataclass(frozen=True, slots=True)
class RuleSetSubmitted(Event, name="ruleset.submitted", words="asked for a review of rules version {version}"):
    """A version was put before a second person."""

    rule_set: str
    site: str
    version: int
    body_sha256: str
    note: str


@dataclass(frozen=True, slots=True)
class RuleSetApproved(Event, name="ruleset.approved", words="approved rules version {version}"):
    """A second person approved a version, compared with the live version `over`."""

    rule_set: str
    site: str
    version: int
    body_sha256: str
    over: str | None
    note: str


@dataclass(frozen=True, slots=True)
class RuleSetSentBack(Event, name="ruleset.sent-back", words="asked for changes to rules version {version}"):
    """A reviewer asked for changes."""

    rule_set: str
    site: str
    version: int
    note: str


@dataclass(frozen=True, slots=True)
class RuleSetScheduled(Event, name="ruleset.scheduled", words="scheduled rules version {version}"):
    """An approved version will take over at a stated moment (RFC 3339)."""

    rule_set: str
    site: str
    version: int
    since: str


@dataclass(frozen=True, slots=True)
class RuleSetUnscheduled(Event, name="ruleset.unscheduled", words="took rules version {version} off the schedule"):
    """A scheduled version will not take over; `note` says why."""

    rule_set: str
    site: str
    version: int
    note: str


@dataclass(frozen=True, slots=True)
class RuleSetWentLive(Event, name="ruleset.went-live", words="made rules version {version} live"):
    """A version decides from now on; `replaced` decided until now."""

    rule_set: str
    site: str
    version: int
    body_sha256: str
    replaced: str | None


@dataclass(frozen=True, slots=True)
class RuleSetReverted(Event, name="ruleset.reverted", words="went back to rules version {to_version}"):
    """A new version carries the words of an older one; `kept_off` are rules switched off since, which stay off."""

    rule_set: str
    site: str
    version: int
    to_version: int
    live: bool
    kept_off: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class RuleKilled(Event, name="rule.killed", words="switched off rule {rule}"):
    """One rule of the live version was switched off at once, for a reason."""

    rule_set: str
    site: str
    version: int
    rule: str
    reason: str
    replaced: str


@dataclass(frozen=True, slots=True)
class RuleSetDiscarded(Event, name="ruleset.discarded", words="discarded draft {version} of the rules"):
    """A draft was given up; it stays readable."""

    rule_set: str
    site: str
    version: int


@dataclass(frozen=True, slots=True)
class RuleSetBacktested(Event, name="ruleset.backtested", words="tried rules version {version} on {pages} pages"):
    """A version was tried on the pages served before."""

    rule_set: str
    site: str
    version: int
    body_sha256: str
    pages: int
