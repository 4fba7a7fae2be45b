"""The names and addresses of this machine, and which of them to tell people."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

Address = IPv4Address | IPv6Address


def host_name() -> str:
    return socket.gethostname().lower()


def local_addresses() -> list[Address]:
    """Every address of this machine that another one could use, then the loopback ones."""
    found = {*_v4(), *_v6()}
    usable = [one for one in found if not one.is_link_local and not one.is_unspecified]
    return sorted(usable, key=lambda one: (one.is_loopback, one.version, one))


def _v4() -> set[Address]:
    """From the kernel's routing table: the leaves marked as local."""
    found: set[Address] = {IPv4Address("127.0.0.1")}
    last = ""
    for line in _lines("/proc/net/fib_trie"):
        if line.startswith("|--"):
            last = line.split()[1]
        elif line == "/32 host LOCAL":
            one = IPv4Address(last)
            if not one.is_loopback:
                found.add(one)
    return found


def _v6() -> set[Address]:
    found: set[Address] = set()
    for line in _lines("/proc/net/if_inet6"):
        digits = line.split()[0]
        found.add(ip_address(int(digits, 16).to_bytes(16)))
    return found


def _lines(path: str) -> list[str]:
    try:
        return [line.strip() for line in Path(path).read_text().splitlines()]
    except OSError:
        return []


def shown(name: str) -> str:
    """A name or address as it stands in a URL."""
    return f"[{name}]" if ":" in name else name
