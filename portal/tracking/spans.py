"""Intervals in whole ms, as sorted tuples of (from, to) that do not touch. Pure."""

from collections.abc import Iterable, Sequence

Spans = tuple[tuple[int, int], ...]


def union(*several: Iterable[tuple[int, int]]) -> Spans:
    """Return the time that any of the given spans covers."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for spans in several for span in spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return tuple(merged)


def shifted(spans: Iterable[tuple[int, int]], by: int) -> Spans:
    """Return the spans moved `by` ms."""
    return tuple((start + by, end + by) for start, end in spans)


def length(spans: Iterable[tuple[int, int]]) -> int:
    """Return the ms covered by spans that do not overlap."""
    return sum(end - start for start, end in spans)


def overlap(several: Sequence[Spans]) -> int:
    """Return the ms counted more than once when every one of `several` is counted by itself."""
    return sum(length(spans) for spans in several) - length(union(*several))


def runs(numbers: Iterable[tuple[int, int]]) -> Spans:
    """Return inclusive runs of whole numbers with neighbours joined."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(numbers):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def count(numbers: Iterable[tuple[int, int]]) -> int:
    """Return how many whole numbers inclusive runs hold."""
    return sum(last - first + 1 for first, last in numbers)


def holds(numbers: Iterable[tuple[int, int]], number: int) -> bool:
    """Tell whether inclusive runs hold `number`."""
    return any(first <= number <= last for first, last in numbers)
