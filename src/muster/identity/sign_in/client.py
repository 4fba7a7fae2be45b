"""Whence somebody signs in: the address, the browser seen before, its family."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Final

import msgspec


class Client(msgspec.Struct, frozen=True):
    """`device`: the long-lived token of a browser somebody has signed in from, or empty.
    `agent`: family and system of the browser, such as "Firefox · Linux"."""

    address: str = ""
    device: str = ""
    agent: str = ""


#: A call inside the server.
NOWHERE: Final = Client()

_FAMILIES: Final = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def agent_family(header: str) -> str:
    """Of a User-Agent only the family and the system: two words of ours, never what was sent."""
    found = (
        next((name for sign, name in names if sign in header), "")
        for names in (_FAMILIES, _SYSTEMS)
    )
    return " · ".join(name for name in found if name)


def network(address: str) -> str:
    """The piece of the network that attempts are counted on: /24, for IPv6 /56."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    size = 24 if found.version == 4 else 56
    return str(ipaddress.ip_network(f"{found}/{size}", strict=False))


def device_hash(device: str) -> bytes:
    """How a device's token is kept."""
    return hashlib.sha256(b"muster device\0" + device.encode(errors="replace")).digest()
