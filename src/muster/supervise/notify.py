"""Telling systemd how we are (sd_notify): nothing where nobody listens."""

import os
import socket


def tell(words: str) -> None:
    """Send `READY=1`, `STOPPING=1` or `WATCHDOG=1` to the service manager, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # Linux's abstract sockets
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.sendall(words.encode())


def watched_every() -> float | None:
    """Seconds between signs of life that the service manager waits for; None when it does not."""
    wanted = os.environ.get("WATCHDOG_USEC", "")
    return int(wanted) / 2_000_000 if wanted.isdigit() and int(wanted) > 0 else None
