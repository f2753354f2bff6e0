"""The tree is that of RFC 6962: known roots, naive definitions, and a second implementation agree."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit import tree, verifier

# The leaves and roots that the reference implementation of Certificate Transparency is tested with.
KNOWN_LEAVES = [
    bytes.fromhex(each)
    for each in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Log:
    """A tree in memory, grown entry by entry or in steps."""

    def __init__(self, entries: Sequence[bytes], step: int = 1) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.size = 0
        for start in range(0, len(entries), step):
            some = entries[start : start + step]
            made = tree.grown(self.size, [tree.leaf_hash(entry) for entry in some], self.read)
            assert not {(level, place) for level, place, _value in made} & self.nodes.keys()
            self.nodes |= {(level, place): value for level, place, value in made}
            self.size += len(some)

    def read(self, level: int, place: int) -> bytes:
        return self.nodes[level, place]


def naive(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, word by word."""
    if len(entries) < 2:
        return hashlib.sha256(b"\x00" + entries[0]).digest() if entries else hashlib.sha256(b"").digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + naive(entries[:k]) + naive(entries[k:])).digest()


def entries_of(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_the_reference_is_tested_with(size: int) -> None:
    log = Log(KNOWN_LEAVES[:size])
    assert tree.root(size, log.read).hex() == KNOWN_ROOTS[size]


def test_every_root_inclusion_and_consistency_up_to_forty_holds_in_both_implementations() -> None:
    entries = entries_of(40)
    log = Log(entries)
    for size in range(1, 41):
        root = tree.root(size, log.read)
        assert root == naive(entries[:size])
        for place in range(size):
            proof = tree.inclusion(place, size, log.read)
            assert tree.includes(entries[place], place, size, proof, root)
            leaf = tree.leaf_hash(entries[place])
            assert verifier._climbed(leaf, place, size, proof) == root
        for old in range(1, size + 1):
            proof, old_root = tree.consistency(old, size, log.read), naive(entries[:old])
            assert tree.extends(old, size, proof, old_root, root)
            assert verifier._both(0, size, old, list(proof), old_root) == (old_root, root)


@given(st.lists(st.binary(max_size=8), max_size=60), st.integers(1, 9))
def test_growing_in_steps_gives_the_same_tree(entries: list[bytes], step: int) -> None:
    log = Log(entries, step)
    assert log.nodes == Log(entries).nodes
    assert tree.root(len(entries), log.read) == naive(entries)
    assert len(log.nodes) == sum(len(entries) >> level for level in range(len(entries).bit_length()))


@given(st.integers(1, 200), st.data())
def test_a_changed_proof_never_holds(size: int, data: st.DataObject) -> None:
    entries = entries_of(size)
    log = Log(entries, 50)
    place = data.draw(st.integers(0, size - 1))
    root, proof = tree.root(size, log.read), tree.inclusion(place, size, log.read)
    assert not tree.includes(b"another", place, size, proof, root)
    assert not tree.includes(entries[place], place, size, [*proof, root], root)
    if proof:
        changed = data.draw(st.integers(0, len(proof) - 1))
        other = [bytes(32) if at == changed else value for at, value in enumerate(proof)]
        assert not tree.includes(entries[place], place, size, other, root)
        assert not tree.includes(entries[place], place, size, proof[:-1], root)
    elsewhere = data.draw(st.integers(0, size - 1))
    if elsewhere != place:
        assert not tree.includes(entries[place], elsewhere, size, proof, root)


@given(st.integers(1, 100), st.integers(1, 100), st.data())
def test_a_log_that_was_rewritten_extends_nothing(old: int, more: int, data: st.DataObject) -> None:
    new = old + more
    entries = entries_of(new)
    before = naive(entries[:old])
    changed = data.draw(st.integers(0, old - 1))
    log = Log([b"rewritten" if at == changed else entry for at, entry in enumerate(entries)], 50)
    proof = tree.consistency(old, new, log.read)
    assert not tree.extends(old, new, proof, before, tree.root(new, log.read))


def test_wrong_sizes_are_refused() -> None:
    log = Log(entries_of(5))
    for place, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError):
            tree.inclusion(place, size, log.read)
    for old, new in ((0, 5), (6, 5)):
        with pytest.raises(ValueError):
            tree.consistency(old, new, log.read)
    assert not tree.includes(b"0", 5, 5, [], bytes(32))
    assert not tree.extends(0, 5, [], bytes(32), bytes(32))
