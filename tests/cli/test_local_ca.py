"""The local authority: what it makes, renews, and can never do."""

from __future__ import annotations

import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from muster.cli import local_ca
from muster.cli.certificates import names_of
from muster.supervise.trouble import Trouble
from tests.cli.issued import NAME, NOW

NAMES = (NAME, "localhost", "192.0.2.7", "127.0.0.1", "::1")


def served(folder: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((folder / "server.pem").read_bytes())


def verified(folder: Path, chain: list[x509.Certificate], name: str) -> None:
    """As a browser would: from the leaf over what was sent to the root that was installed."""
    root = x509.load_pem_x509_certificate((folder / "root.crt").read_bytes())
    verifier = PolicyBuilder().store(Store([root])).time(NOW.replace(tzinfo=None))
    verifier.build_server_verifier(x509.DNSName(name)).verify(chain[0], chain[1:])


def test_what_is_made_serves_its_names_and_no_other(tmp_path: Path) -> None:
    made = local_ca.ensure(tmp_path, NAMES, NOW)
    assert made.names == NAMES and made.left_out == ()
    chain = served(tmp_path)
    assert set(names_of(chain[0])) == set(NAMES)
    verified(tmp_path, chain, NAME)
    with pytest.raises(VerificationError):
        verified(tmp_path, chain, "other.example.test")
    life = chain[0].not_valid_after_utc - chain[0].not_valid_before_utc
    assert life <= timedelta(days=397)


def test_keys_are_ours_alone_and_the_root_has_none(tmp_path: Path) -> None:
    local_ca.ensure(tmp_path, NAMES, NOW)
    for name in ("issuer.key", "server.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    root = x509.load_pem_x509_certificate((tmp_path / "root.crt").read_bytes())
    keys = [
        load_pem_private_key(path.read_bytes(), None).public_key()
        for path in tmp_path.iterdir()
        if b"PRIVATE KEY" in path.read_bytes()
    ]
    assert len(keys) == 2 and root.public_key() not in keys


def test_whoever_steals_the_key_cannot_pose_as_another_site(tmp_path: Path) -> None:
    local_ca.ensure(tmp_path, NAMES, NOW)
    issuer, key = local_ca._issuer(tmp_path)
    local_ca._issue(tmp_path, issuer, key, (NAME, "bank.example"), NOW)
    with pytest.raises(VerificationError, match=r"(?i)constraint|permitted"):
        verified(tmp_path, served(tmp_path), "bank.example")


def test_it_is_renewed_at_two_thirds_of_its_life_and_not_before(tmp_path: Path) -> None:
    local_ca.ensure(tmp_path, NAMES, NOW)
    first = served(tmp_path)[0].serial_number
    local_ca.ensure(tmp_path, NAMES, NOW + timedelta(days=263))
    assert served(tmp_path)[0].serial_number == first
    local_ca.ensure(tmp_path, NAMES, NOW + timedelta(days=265))
    renewed = served(tmp_path)
    assert renewed[0].serial_number != first
    # Phones that trust the root need nothing new.
    root = ssl.PEM_cert_to_DER_cert((tmp_path / "root.crt").read_text())
    issued_by = x509.load_der_x509_certificate(root).subject
    assert renewed[1].issuer == issued_by


def test_a_name_less_is_a_new_certificate_and_a_strange_one_is_left_out(tmp_path: Path) -> None:
    local_ca.ensure(tmp_path, NAMES, NOW)
    made = local_ca.ensure(tmp_path, (*NAMES[:2], "192.0.2.99"), NOW)
    assert made.left_out == ("192.0.2.99",)
    assert set(names_of(served(tmp_path)[0])) == set(NAMES[:2])


def test_a_start_cut_short_is_begun_again_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    local_ca.ensure(tmp_path, NAMES, NOW)
    (tmp_path / "server.pem").unlink()
    (tmp_path / "issuer.crt").unlink()
    local_ca.ensure(tmp_path, NAMES, NOW)
    verified(tmp_path, served(tmp_path), NAME)
    (tmp_path / "issuer.key").unlink()
    with pytest.raises(Trouble, match="is incomplete"):
        local_ca.ensure(tmp_path, NAMES, NOW)


def test_an_authority_near_its_end_says_so(tmp_path: Path) -> None:
    local_ca.ensure(tmp_path, NAMES, NOW)
    with pytest.raises(Trouble, match="near its end"):
        local_ca.ensure(tmp_path, NAMES, NOW + timedelta(days=3300))


def test_a_leaf_of_another_key_is_no_part_of_it(tmp_path: Path) -> None:
    """The check above is one: a certificate the issuer did not sign is refused."""
    local_ca.ensure(tmp_path, NAMES, NOW)
    issuer, _ = local_ca._issuer(tmp_path)
    stranger = ec.generate_private_key(ec.SECP256R1())
    local_ca._issue(tmp_path, issuer, stranger, NAMES, NOW)
    with pytest.raises(VerificationError):
        verified(tmp_path, served(tmp_path), NAME)
