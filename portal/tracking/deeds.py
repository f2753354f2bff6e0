"""Audit events of the tracking room."""

from dataclasses import dataclass

from portal.audit import Event


@dataclass(frozen=True, slots=True)
class ModuleDismissed(Event, name="module.dismissed", words="called a module not relevant"):
    """A doctor called a module not relevant."""

    hcp: str
    site: str
    module: str


@dataclass(frozen=True, slots=True)
class ModuleRestored(Event, name="module.restored", words="took back that a module is not relevant"):
    """A doctor took back that a module is not relevant."""

    hcp: str
    site: str
    module: str


@dataclass(frozen=True, slots=True)
class HistoryForgotten(Event, name="history.forgotten", words="had the history forgotten"):
    """A doctor had what was learnt from reading forgotten: it orders no page any more."""

    hcp: str
    site: str
    topics: int
    days: int


@dataclass(frozen=True, slots=True)
class InteractionsPurged(Event, name="interactions.purged", words="purged events whose time was over"):
    """Events of one type that were older than their declared retention were deleted."""

    type: str
    before: str
    count: int
