"""The Merkle tree over the audit log: RFC 6962 section 2.1, SHA-256. Pure.

`read(level, index)` gives the stored hash of a complete subtree: `index` counts those of 2**level leaves from the left.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

Read = Callable[[int, int], bytes]
Node = tuple[int, int, bytes]

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry; the prefix keeps leaves and nodes apart."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees side by side."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def grown(size: int, leaves: Iterable[bytes], read: Read) -> list[Node]:
    """Return every complete subtree (leaves included) that appending `leaves` to a tree of `size` completes."""
    fresh: dict[tuple[int, int], bytes] = {}
    for leaf in leaves:
        level, index, value = 0, size, leaf
        fresh[level, index] = value
        while index % 2:
            left = (level, index - 1)
            value = node_hash(fresh[left] if left in fresh else read(*left), value)
            level, index = level + 1, index // 2
            fresh[level, index] = value
        size += 1
    return [(level, index, value) for (level, index), value in fresh.items()]


def root(size: int, read: Read) -> bytes:
    """Return the root of the first `size` entries."""
    return _subtree(0, size, read) if size else EMPTY_ROOT


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """Return the proof that entry `index` is among the first `size`; raises ValueError if it is not."""
    if not 0 <= index < size:
        raise ValueError("the entry is not in a tree of this size")
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, read))
            end = middle
        else:
            path.append(_subtree(start, middle, read))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, read: Read) -> list[bytes]:
    """Return the proof that a tree of `new` entries begins with the one of `old`; raises ValueError for wrong sizes."""
    if not 0 < old <= new:
        raise ValueError("a consistency proof needs 0 < old <= new")
    start, end, whole = 0, new, True
    path: list[bytes] = []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, read))
            end = middle
        else:
            path.append(_subtree(start, middle, read))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(start, end, read))
    return path[::-1]


def includes(entry: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """Tell whether an inclusion proof holds (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, value = index, size - 1, leaf_hash(entry)
    for sibling in path:
        if last == 0:
            return False
        if place % 2 or place == last:
            value = node_hash(sibling, value)
            while not place % 2 and place:
                place, last = place // 2, last // 2
        else:
            value = node_hash(value, sibling)
        place, last = place // 2, last // 2
    return last == 0 and value == expected_root


def extends(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Tell whether a consistency proof holds (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place // 2, last // 2
    first = second = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not place % 2 and place:
                place, last = place // 2, last // 2
        else:
            second = node_hash(second, sibling)
        place, last = place // 2, last // 2
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _subtree(start: int, end: int, read: Read) -> bytes:
    """Return the hash of the entries from `start` to `end`, which begins at a multiple of its own size."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read(level, start >> level)
    middle = start + _split(size)
    return node_hash(_subtree(start, middle, read), _subtree(middle, end, read))
