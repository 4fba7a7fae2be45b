"""How people reach an installation: sockets, TLS, the small HTTP port, names and proxies.

`up` turns its options into a Reach before anything starts; the supervisor keeps its sockets.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from muster.cli import project
from muster.cli.addresses import host_name, local_addresses, shown
from muster.journal.clock import real_now
from muster.supervise.trouble import Trouble

_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
INSTALL_PORT = 8080


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options of `up`, as given."""

    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_local: bool = False
    install_port: int | None = None
    metrics_port: int | None = None
    public_name: Sequence[str] = ()
    trusted_proxy: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Reach:
    """`cert`, `key`, `root`: files of TLS, None without. `names`: those the certificate is for.
    `local`: the folder of a local authority, whose certificates are renewed while we run."""

    cert: Path | None = None
    key: Path | None = None
    root: Path | None = None
    names: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    install_port: int | None = None
    metrics_port: int | None = None
    local: Path | None = None
    asked: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        return "https" if self.cert is not None else "http"


def reach(wanted: Wanted, data: Path) -> Reach:
    """Check everything that can be checked before a start. Raises Trouble."""
    public = tuple(_name(name) for name in wanted.public_name)
    proxies = tuple(_network(text) for text in wanted.trusted_proxy)
    _fits(wanted)
    plain = Reach(
        public=public,
        proxies=proxies,
        install_port=wanted.install_port,
        metrics_port=wanted.metrics_port,
    )
    if wanted.tls_local:
        return _with_local(plain, data)
    if wanted.tls_cert is not None and wanted.tls_key is not None:
        return _with_given(plain, wanted.tls_cert.resolve(), wanted.tls_key.resolve())
    return plain


def _fits(wanted: Wanted) -> None:
    """Options that say different things at once are refused."""
    if (wanted.tls_cert is None) != (wanted.tls_key is None):
        raise Trouble(
            "--tls-cert 和 --tls-key 要一起给。", "--tls-cert and --tls-key are given together."
        )
    if wanted.tls_local and wanted.tls_cert is not None:
        raise Trouble(
            "--tls-local（自建证书）和 --tls-cert（现成证书）只能选一个。",
            "--tls-local (own certificates) and --tls-cert (given ones): choose one.",
        )
    if wanted.install_port is not None and not wanted.tls_local and wanted.tls_cert is None:
        raise Trouble(
            "--install-port 是 HTTPS 旁边的小端口，要与 --tls-local 或 --tls-cert 一起用。",
            "--install-port is the small port beside HTTPS: it comes with --tls-local or "
            "--tls-cert.",
        )


def _name(text: str) -> str:
    from muster.cli.certificates import address_in

    name = text.lower().rstrip(".")
    if address_in(name) is None and NAME.fullmatch(name) is None:
        raise Trouble(
            f"--public-name {text} 不是主机名或地址：只写名字，例如 muster.example.org，"
            "不带 https:// 和端口；中文域名请写成 xn-- 形式。",
            f"--public-name {text} is no host name or address: write the name alone, for example "
            "muster.example.org, without https:// and port; other scripts in their xn-- form.",
        )
    return name


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        raise Trouble(
            f"--trusted-proxy {text} 不是地址或网段：例如 127.0.0.1 或 192.0.2.0/24。",
            f"--trusted-proxy {text} is no address or network: for example 127.0.0.1 or "
            "192.0.2.0/24.",
        ) from error


def _with_given(plain: Reach, cert: Path, key: Path) -> Reach:
    from muster.cli.certificates import check

    checked = check(cert, key, plain.public, real_now())
    for zh, en in checked.warnings:
        project.say(f"{zh} / {en}")
    return replace(plain, cert=cert, key=key, names=checked.names)


def _with_local(plain: Reach, data: Path) -> Reach:
    from muster.cli import local_ca

    known = [*plain.public, host_name(), "localhost", *(str(one) for one in local_addresses())]
    asked = tuple(dict.fromkeys(known))
    folder = data / "keys" / "tls"
    made = local_ca.ensure(folder, asked, real_now())
    if made.left_out:
        listed = "、".join(made.left_out)
        project.say(
            f"注意：本地证书不含 {listed}（证书机构建立时还没有）；如需要，停机删除 {folder} 重建，"
            f"手机要重新安装 / note: the local certificate does not cover {listed}, which its "
            f"authority may not sign; to include it stop, delete {folder} and start again"
        )
    return replace(
        plain,
        cert=made.server,
        key=made.server,
        root=made.root,
        names=made.names,
        local=folder,
        asked=asked,
        install_port=INSTALL_PORT if plain.install_port is None else plain.install_port,
    )


def renew(found: Reach) -> None:
    """Renew a local authority's server certificate if its time has come. The server notices."""
    from muster.cli import local_ca

    if found.local is not None:
        local_ca.ensure(found.local, found.asked, real_now())


def told_name(found: Reach, host: str) -> str:
    """The name or address to tell other devices: a public name, else an address of this machine."""
    if found.public:
        return found.public[0]
    if host not in ("0.0.0.0", "::"):
        return host
    others = [str(one) for one in local_addresses() if not one.is_loopback]
    return (others or ["127.0.0.1"])[0]


def listening(
    found: Reach, host: str, sockets: dict[str, socket.socket], turn: Path
) -> dict[str, Any]:
    """`muster.api.serving.Listening` as JSON, for the server process."""
    tls = None
    if found.cert is not None:
        root = str(found.root) if found.root else None
        tls = {"cert": str(found.cert), "key": str(found.key), "root": root}
    ports = {name: one.getsockname()[1] for name, one in sockets.items()}
    return {
        **{name: one.fileno() for name, one in sockets.items()},
        "turn": str(turn),
        "tls": tls,
        "names": found.names,
        "address": (told_name(found, host), ports["main"]),
        "install": ports.get("plain", 0),
        # Told once, a browser uses HTTPS on every port of this name: so not beside an HTTP port
        # that phones without the certificate must reach.
        "hsts": tls is not None and found.root is None and ports.get("plain", 80) == 80,
    }


def told_url(found: Reach, port: int, here: str) -> str:
    """The address to tell the first administrator: under the public name if there is one, which
    behind a proxy is HTTPS at its usual port; `here` otherwise."""
    if not found.public:
        return here
    if found.proxies:
        return f"https://{shown(found.public[0])}"
    usual = {"http": 80, "https": 443}[found.scheme]
    ending = "" if port == usual else f":{port}"
    return f"{found.scheme}://{shown(found.public[0])}{ending}"


def welcome(found: Reach, host: str, install: int) -> str:
    """What a terminal shows of a local authority: where phones install it, and its fingerprint."""
    from muster.api.install_page import PAGE, url
    from muster.cli.local_ca import fingerprint

    where = url("http", told_name(found, host), install, PAGE)
    assert found.root is not None
    return (
        f"手机和电脑先在这里安装证书 / devices install the certificate here first:\n  {where}\n"
        f"{_drawn(where)}"
        "证书指纹，安装时核对 / its fingerprint, to compare when installing (SHA-256):\n"
        f"  {fingerprint(found.root)}\n"
    )


def _drawn(address: str) -> str:
    """The address as a QR code of characters, where there are eyes to see it."""
    if not sys.stdout.isatty():
        return ""
    import io

    import segno

    drawn = io.StringIO()
    segno.make(address, micro=False).terminal(out=drawn, compact=True)
    return drawn.getvalue() + "\n"
