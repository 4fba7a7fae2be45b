"""HTTPS: which protocols and ciphers, and certificates that change while the server runs."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import msgspec

log = logging.getLogger("muster.tls")

#: For TLS 1.2; every suite of 1.3 is as good. Forward secrecy and authenticated encryption only.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Tls(msgspec.Struct, frozen=True):
    """Files in PEM: the server's certificate with those between it and its root, its key, and the
    root of a local authority (None when the certificate is one that devices know)."""

    cert: str
    key: str
    root: str | None = None


def context(tls: Tls) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError is one) when the files cannot be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(CIPHERS)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    made.set_alpn_protocols(["http/1.1"])
    made.load_cert_chain(tls.cert, tls.key)
    return made


class Certificates:
    """The context of a server, which takes up new files for the connections that begin then."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._seen = self._state()
        self.context = context(tls)

    def look(self) -> bool:
        """Take up the files if they changed; True if they were. Half of a renewal, or files that
        cannot be used, leave the old ones in use, and are looked at again when they change."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            context(self._tls)  # first aside: a failure half-way would spoil the one in use
            self.context.load_cert_chain(self._tls.cert, self._tls.key)
        except OSError as error:
            log.error("the new certificate cannot be used: %s", type(error).__name__)
            return False
        log.info("a new certificate is in use")
        return True

    def _state(self) -> tuple[object, ...]:
        return tuple(_stamp(Path(name)) for name in (self._tls.cert, self._tls.key))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
