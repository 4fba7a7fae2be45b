"""The program for a court's expert: right by the published vectors, short, alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.journal import merkle, verify_matter
from muster.journal.verify_matter import ORDER, Wrong, root_of_proof, signature_holds

FILE = Path(verify_matter.__file__)

#: RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
        "46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
        "d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
        "6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    key, words, signed = map(bytes.fromhex, (public, message, signature))
    assert signature_holds(key, words, signed)
    assert not signature_holds(key, words + b"x", signed)
    for place in range(0, 64, 7):
        bent = bytearray(signed)
        bent[place] ^= 4
        assert not signature_holds(key, words, bytes(bent))


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.integers(0, 95))
def test_it_agrees_with_cryptography(secret: bytes, message: bytes, place: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert signature_holds(public, message, signature)
    bent = bytearray(public + signature)
    bent[place] ^= 1 << place % 8
    assert not signature_holds(bytes(bent[:32]), message, bytes(bent[32:]))


def test_what_is_no_signature() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    public, signature = key.public_key().public_bytes_raw(), key.sign(b"x")
    s = int.from_bytes(signature[32:], "little") + ORDER  # the same number, said another way
    assert not signature_holds(public, b"x", signature[:32] + s.to_bytes(32, "little"))
    assert not signature_holds(public, b"x", signature[:-1])
    assert not signature_holds(public[:-1], b"x", signature)
    assert not signature_holds(b"\xff" * 32, b"x", signature)  # no point has such a y
    assert not signature_holds((2).to_bytes(32, "little"), b"x", signature)  # nor such an x
    assert not signature_holds((1 | 1 << 255).to_bytes(32, "little"), b"x", signature)  # x = -0


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20, unique=True), st.data())
def test_its_tree_is_the_journal_s(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle.inclusion_proof(index, [merkle.leaf_hash(one) for one in leaves])
    assert root_of_proof(index, len(leaves), leaves[index], path) == merkle.root(leaves)
    with pytest.raises(Wrong):
        root_of_proof(index, len(leaves), leaves[index], [*path, b""])
    with pytest.raises(Wrong):
        root_of_proof(len(leaves), len(leaves), leaves[index], path)
    if path:
        with pytest.raises(Wrong):
            root_of_proof(index, len(leaves), leaves[index], path[:-1])


def test_it_needs_nothing_but_the_standard_library_and_an_old_python() -> None:
    tree = ast.parse(FILE.read_text(), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert imported <= set(sys.stdlib_module_names)
    assert "muster" not in imported


def test_an_expert_can_read_it_in_an_hour() -> None:
    assert len(FILE.read_text().splitlines()) < 250
