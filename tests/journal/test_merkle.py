"""The Merkle tree: the published vectors of Certificate Transparency, and what must hold of any."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.journal.merkle import (
    EMPTY,
    Tree,
    included,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    root_of_proof,
)

#: The eight leaves and the roots over the first 1 … 8 of them, as published with the reference
#: implementation of RFC 6962 (google/certificate-transparency, merkle_tree_test).
LEAVES = [
    bytes.fromhex(one)
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
#: (leaf counted from 1, leaves, the proof), from the same place.
PROOFS = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (3, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        2,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


def test_the_empty_tree() -> None:
    assert root([]) == EMPTY == sha256(b"").digest()


@pytest.mark.parametrize("count", range(1, 9))
def test_published_roots(count: int) -> None:
    assert root(LEAVES[:count]).hex() == ROOTS[count - 1]


@pytest.mark.parametrize(("leaf", "count", "path"), PROOFS)
def test_published_proofs(leaf: int, count: int, path: list[str]) -> None:
    hashes = [leaf_hash(one) for one in LEAVES[:count]]
    proof = inclusion_proof(leaf - 1, hashes)
    assert [one.hex() for one in proof] == path
    assert included(bytes.fromhex(ROOTS[count - 1]), leaf - 1, count, LEAVES[leaf - 1], proof)


def by_the_book(hashes: list[bytes]) -> bytes:
    """Section 2.1 word for word: split at the largest power of two below n."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return node_hash(by_the_book(hashes[:half]), by_the_book(hashes[half:]))


some = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


@given(some)
def test_adding_one_by_one_is_the_recursion_of_the_rfc(leaves: list[bytes]) -> None:
    tree = Tree()
    for count, data in enumerate(leaves, start=1):
        tree.add(data)
        assert tree.size == count
        assert tree.root() == by_the_book([leaf_hash(one) for one in leaves[:count]])


@given(some, st.data())
def test_every_leaf_has_a_proof_and_only_that_one(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    hashes, expected = [leaf_hash(one) for one in leaves], root(leaves)
    proof = inclusion_proof(index, hashes)
    assert included(expected, index, len(leaves), leaves[index], proof)
    assert not included(expected, index, len(leaves), leaves[index] + b"x", proof)
    assert not included(expected, index, len(leaves), leaves[index], [*proof, EMPTY])
    if proof:
        bit = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof[:bit], bytes([proof[bit][0] ^ 1]) + proof[bit][1:], *proof[bit + 1 :]]
        assert not included(expected, index, len(leaves), leaves[index], bent)
        assert root_of_proof(index, len(leaves), leaves[index], proof[:-1]) is None


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40, unique=True), st.data())
def test_a_proof_holds_at_its_place_only(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(index, [leaf_hash(one) for one in leaves])
    holds = included(root(leaves), other, len(leaves), leaves[index], proof)
    assert holds == (other == index)


def test_what_is_no_leaf() -> None:
    for index in (-1, 3):
        with pytest.raises(IndexError):
            inclusion_proof(index, [EMPTY] * 3)
        assert root_of_proof(index, 3, b"", []) is None


def test_a_node_is_never_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert root([b"a", b"b"]) != root([left + right])
