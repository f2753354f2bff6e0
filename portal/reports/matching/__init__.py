"""Which doctors a condition is true of: the tree of a rule compiled to one SQL statement."""

from portal.reports.matching.audience import Doctor, Matches, Way, matching, who

__all__ = ["Doctor", "Matches", "Way", "matching", "who"]
