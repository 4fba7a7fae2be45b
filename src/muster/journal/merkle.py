"""The Merkle tree of RFC 6962 (Certificate Transparency), section 2.1. Pure.

A leaf is SHA-256(0x00 ‖ data), a node SHA-256(0x01 ‖ left ‖ right), so that neither can be passed
off as the other. One root stands for every leaf; a proof that a leaf is under it takes one hash
for each level.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

EMPTY: Final = sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """Takes leaves one after the other and keeps one hash for each level, however many come."""

    def __init__(self) -> None:
        self.size = 0
        self._full: list[bytes] = []  # roots of complete subtrees, the largest first

    def add(self, data: bytes) -> None:
        hashed, size = leaf_hash(data), self.size
        while size & 1:
            hashed = node_hash(self._full.pop(), hashed)
            size >>= 1
        self._full.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        if not self._full:
            return EMPTY
        hashed = self._full[-1]
        for left in reversed(self._full[:-1]):
            hashed = node_hash(left, hashed)
        return hashed


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over the data of all leaves, in order."""
    tree = Tree()
    for data in leaves:
        tree.add(data)
    return tree.root()


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The hashes beside the way from leaf `index` up to the root, the lowest first.

    Raises IndexError when there is no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(index)
    level, path = list(leaf_hashes), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [node_hash(left, right) for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])  # without a neighbour it rises as it is
        level, index = above, index // 2
    return path


def root_of_proof(index: int, size: int, data: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that follows from a leaf and its proof; None when the proof's length is wrong."""
    if not 0 <= index < size:
        return None
    hashed, last, left = leaf_hash(data), size - 1, list(path)
    while last:
        if index % 2 or index < last:
            if not left:
                return None
            beside = left.pop(0)
            hashed = node_hash(beside, hashed) if index % 2 else node_hash(hashed, beside)
        index, last = index // 2, last // 2
    return None if left else hashed


def included(expected: bytes, index: int, size: int, data: bytes, path: Sequence[bytes]) -> bool:
    """Whether `data` is leaf `index` of the `size` leaves under the root `expected`."""
    return root_of_proof(index, size, data, path) == expected
