"""`up --tls-local`: a certificate authority of this installation, in DATA/keys/tls.

    root.crt     what phones install; its key was destroyed as soon as it had signed issuer.crt
    issuer.crt   limited to this installation's names and addresses, by a critical constraint
    issuer.key   the only key kept (0600)
    server.pem   the server's key and certificates in one file, so that both change at once (0600)

Devices check constraints of a certificate between, and not all check those of a root they were
told to trust. So the root has no key any more, and nobody can use it for another name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from muster.cli.certificates import address_in, names_of
from muster.supervise.trouble import Trouble, writing

Key = ec.EllipticCurvePrivateKey
SERVER_LIFE = timedelta(days=396)  # browsers take no more than 398
AUTHORITY_LIFE = timedelta(days=3650)
EARLIER = timedelta(hours=1)  # for phones whose clock is late
SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
SERVES = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Local:
    """The files of a local authority, the names the server's certificate is for, and those asked
    for that its authority may not sign (made since it was: an address changed)."""

    server: Path
    root: Path
    names: tuple[str, ...]
    left_out: tuple[str, ...]


def ensure(folder: Path, wanted: Sequence[str], now: datetime) -> Local:
    """Make what is missing, and a new server certificate when two thirds of the old one's life are
    over or the names have changed. Raises Trouble when the authority is damaged or has ended."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        paths = [folder / name for name in ("root.crt", "issuer.crt", "issuer.key")]
        if not all(path.exists() for path in paths):
            if (folder / "server.pem").exists():
                raise _damaged(folder)
            _found(folder, wanted, now)  # the first start, or one cut short before it served
        issuer, key = _issuer(folder)
        if now >= issuer.not_valid_after_utc - SERVER_LIFE:
            raise Trouble(
                f"{folder} 的本地证书颁发机构快到期了：请停机删除该文件夹再启动，并在手机上"
                "重新安装证书。",
                f"The local certificate authority in {folder} is near its end: stop, delete that "
                "folder, start again, and install the new certificate on the phones.",
            )
        allowed = [name for name in wanted if _may_sign(issuer, name)]
        if not _still_good(folder, allowed, now):
            _issue(folder, issuer, key, allowed, now)
    left_out = tuple(name for name in wanted if name not in allowed)
    return Local(folder / "server.pem", folder / "root.crt", tuple(allowed), left_out)


def fingerprint(root: Path) -> str:
    """SHA-256 of a certificate, as devices show it: AB:CD:…"""
    found = x509.load_pem_x509_certificate(root.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex(":").upper()


def _damaged(folder: Path) -> Trouble:
    return Trouble(
        f"{folder} 不完整：请从备份恢复 root.crt、issuer.crt、issuer.key，或删除该文件夹重新"
        "建立（手机要重新安装证书）。",
        f"{folder} is incomplete: restore root.crt, issuer.crt and issuer.key from a copy, or "
        "delete the folder to begin anew (phones must install the new certificate).",
    )


def _named(words: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Muster"),
            x509.NameAttribute(NameOID.COMMON_NAME, words),
        ]
    )


def _general(name: str) -> x509.GeneralName:
    address = address_in(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _permitted(name: str) -> x509.GeneralName:
    """A name allows those under it as well; an address only itself."""
    address = address_in(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(ip_network(address))


def _may_sign(issuer: x509.Certificate, name: str) -> bool:
    limits = issuer.extensions.get_extension_for_class(x509.NameConstraints).value
    return _permitted(name) in (limits.permitted_subtrees or [])


def _certificate(
    subject: x509.Name, public: ec.EllipticCurvePublicKey, begin: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - EARLIER)
        .not_valid_after(begin - EARLIER + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _found(folder: Path, wanted: Sequence[str], now: datetime) -> None:
    """Found the authority: a root, and the one certificate it ever signs."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    named = _named(f"Muster 集结 {now:%Y-%m-%d} {os.urandom(3).hex()}")
    by_root = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    root = (
        _certificate(named, root_key.public_key(), now, AUTHORITY_LIFE)
        .issuer_name(named)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(SIGNS, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    limits = x509.NameConstraints([_permitted(name) for name in wanted], None)
    issuer = (
        _certificate(_named("Muster 集结 issuer"), key.public_key(), now, AUTHORITY_LIFE)
        .issuer_name(named)
        .add_extension(by_root, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(SIGNS, critical=True)
        .add_extension(limits, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    _write(folder / "root.crt", _pem(root), 0o644)
    _write(folder / "issuer.key", _pem_key(key), 0o600)
    _write(folder / "issuer.crt", _pem(issuer), 0o644)


def _issuer(folder: Path) -> tuple[x509.Certificate, Key]:
    try:
        issuer = x509.load_pem_x509_certificate((folder / "issuer.crt").read_bytes())
        secret = serialization.load_pem_private_key((folder / "issuer.key").read_bytes(), None)
    except ValueError as error:
        raise _damaged(folder) from error
    if not isinstance(secret, Key) or secret.public_key() != issuer.public_key():
        raise _damaged(folder)
    return issuer, secret


def _still_good(folder: Path, names: Sequence[str], now: datetime) -> bool:
    try:
        words = (folder / "server.pem").read_bytes()
        leaf = x509.load_pem_x509_certificates(words)[0]
    except (FileNotFoundError, ValueError):
        return False
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    return begin <= now < begin + (end - begin) * 2 / 3 and set(names_of(leaf)) == set(names)


def _issue(
    folder: Path, issuer: x509.Certificate, signer: Key, names: Sequence[str], now: datetime
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    by_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    leaf = (
        _certificate(_named(names[0][:64]), key.public_key(), now, SERVER_LIFE)
        .issuer_name(issuer.subject)
        .add_extension(by_issuer, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(SERVES, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    _write(folder / "server.pem", _pem_key(key) + _pem(leaf) + _pem(issuer), 0o600)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, words: bytes, mode: int) -> None:
    """Replace a file in one step; a key is never readable by others, not even for a moment."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(words)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
