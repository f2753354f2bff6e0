"""Refusals of the mailing room; the text says what to do, `field` where."""

from dataclasses import dataclass


class MailRefused(Exception):
    """Something about mail that may not be done."""


class PieceRefused(MailRefused):
    """A piece that cannot be stored, reviewed or approved as it is; `field` says where, empty: as a whole."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class PieceMissing(MailRefused):
    """There is no such piece or version."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field, in a sentence."""

    field: str
    sentence: str


class CompositionRefused(MailRefused):
    """What a sender picked or wrote is outside of what was approved."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.sentence for fault in faults))
        self.faults = faults
