"""The certificate and key of `up --tls-cert --tls-key`: checked before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from muster.supervise.trouble import Trouble

SOON = timedelta(days=14)
Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Checked:
    """A usable certificate: the names and addresses it is for, and warnings (zh, en)."""

    names: tuple[str, ...]
    until: datetime
    warnings: tuple[tuple[str, str], ...]


def check(cert: Path, key: Path, wanted: Sequence[str], now: datetime) -> Checked:
    """Raises Trouble unless the pair can serve every name in `wanted` at `now`."""
    chain = _certificates(cert)
    leaf = chain[0]
    if _key_of(key) != leaf.public_key():
        raise Trouble(
            f"私钥 {key} 与证书 {cert} 不是一对：请给出同一次签发的两个文件。",
            f"The key {key} does not fit the certificate {cert}: give the two files that were "
            "issued together.",
        )
    _in_time(cert, leaf, now)
    names = names_of(leaf)
    missing = [name for name in wanted if not covers(names, name)]
    if missing:
        raise Trouble(
            f"证书 {cert} 不含 {'、'.join(missing)}（它只给 {'、'.join(names)}）：浏览器会拒绝。"
            "请换证书，或改 --public-name。",
            f"The certificate {cert} does not cover {', '.join(missing)} (it is for "
            f"{', '.join(names)}): browsers would refuse it. Use another certificate, or change "
            "--public-name.",
        )
    return Checked(names, leaf.not_valid_after_utc, tuple(_warnings(cert, key, leaf, now)))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Trouble(
            f"读不了 {path}：{error.strerror}。请检查路径和权限。",
            f"{path} cannot be read: {error.strerror}. Check the path and its permissions.",
        ) from error


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError as error:
        raise Trouble(
            f"{path} 不是 PEM 证书：它应以 -----BEGIN CERTIFICATE----- 开头（先是服务器证书，"
            "后是中间证书）。",
            f"{path} is no PEM certificate: it begins with -----BEGIN CERTIFICATE----- (the "
            "server's first, then those between).",
        ) from error


def _key_of(path: Path) -> object:
    """The public half of the key in `path`."""
    try:
        return load_pem_private_key(_read(path), None).public_key()
    except TypeError as error:
        raise Trouble(
            f"私钥 {path} 有口令保护：服务器无人值守启动，请给出不带口令的私钥（文件权限 600）。",
            f"The key {path} is protected by a passphrase: the server starts unattended, so give "
            "one without (a file of mode 600).",
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Trouble(
            f"{path} 不是 PEM 私钥：它应以 -----BEGIN PRIVATE KEY----- 开头。",
            f"{path} is no PEM key: it begins with -----BEGIN PRIVATE KEY-----.",
        ) from error


def _in_time(path: Path, leaf: x509.Certificate, now: datetime) -> None:
    if now >= leaf.not_valid_after_utc:
        raise Trouble(
            f"证书 {path} 已于 {leaf.not_valid_after_utc:%Y-%m-%d} 过期：请续期后再启动。",
            f"The certificate {path} expired on {leaf.not_valid_after_utc:%Y-%m-%d}: renew it "
            "and start again.",
        )
    if now < leaf.not_valid_before_utc:
        raise Trouble(
            f"证书 {path} 要到 {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC 才生效："
            "请检查本机时钟，或等到那时。",
            f"The certificate {path} is valid only from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} "
            "UTC on: check this machine's clock, or wait until then.",
        )


def _warnings(
    cert: Path, key: Path, leaf: x509.Certificate, now: datetime
) -> Iterable[tuple[str, str]]:
    left = leaf.not_valid_after_utc - now
    if left < SOON:
        yield (
            f"注意：证书 {cert} 还有 {left.days} 天过期",
            f"note: the certificate {cert} expires in {left.days} days",
        )
    if key.stat().st_mode & 0o077 and key != cert:
        yield (
            f"注意：私钥 {key} 别的用户也能读，请 chmod 600",
            f"note: the key {key} can be read by other users; chmod 600",
        )


def names_of(leaf: x509.Certificate) -> tuple[str, ...]:
    """The host names and addresses a certificate is for."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = found.get_values_for_type(x509.DNSName)
    return (*names, *(str(one) for one in found.get_values_for_type(x509.IPAddress)))


def address_in(name: str) -> Address | None:
    """`name` as an address, None if it is a name."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def covers(names: Iterable[str], wanted: str) -> bool:
    """Whether one of a certificate's names is `wanted`; a star stands for one label."""
    wanted = wanted.lower().rstrip(".")
    if address_in(wanted) is not None:
        return wanted in names
    under = "*." + wanted.partition(".")[2]
    return any(name.lower() in (wanted, under) for name in names)
