"""Personal data, encrypted per matter.

Each matter has a data key and a salt, wrapped together by the master key (a file outside
the database and its backups). Facts hold an item's name and HMAC(salt, plaintext).
Erasing a matter destroys key and salt: the journal keeps its chain, the words are gone.
Look-ups (the same phone rang before) go through keyed hashes, purged with the matter.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from muster.journal.entry import Fact, Private, private_fields

KEY_BYTES = 32
NONCE_BYTES = 12
#: Begins every keyed input digest; those of release 0.1.0 are plain SHA-256 and have none.
KEYED = "k1:"


class Sealed(msgspec.Struct, frozen=True):
    """One vault row: AES-256-GCM, nonce first, bound to matter and item."""

    matter: str
    item: str
    data: bytes


class MatterKey(msgspec.Struct, frozen=True):
    """The open key and salt of one matter. Never stored, never logged."""

    key: bytes
    salt: bytes


class Vault:
    """Wraps and opens matter keys with the master key."""

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise ValueError("the master key is 32 bytes")
        self._master = AESGCM(master)
        self._lookup_key = hmac.new(master, b"muster lookup", hashlib.sha256).digest()
        self._input_key = hmac.new(master, b"muster command input", hashlib.sha256).digest()
        self._command_key = hmac.new(master, b"muster command row", hashlib.sha256).digest()
        self._purposes = hmac.new(master, b"muster purposes", hashlib.sha256).digest()

    @classmethod
    def open_file(cls, path: Path) -> Vault:
        """Read the master key file, making it (mode 0600) when it does not exist.

        It is on the disk under its name before anything is sealed with it.
        """
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return cls(path.read_bytes())

    def new_key(self, matter: str) -> tuple[MatterKey, bytes]:
        """A fresh key for a matter, and its wrapped form for the database."""
        fresh = MatterKey(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))
        return fresh, self._wrapped(matter, fresh)

    def renewed(self, matter: str, key: MatterKey) -> tuple[MatterKey, bytes]:
        """Another key in the place of one, and its wrapped form. The salt stays: the MACs in the
        entries of what is still there are made with it."""
        fresh = MatterKey(secrets.token_bytes(KEY_BYTES), key.salt)
        return fresh, self._wrapped(matter, fresh)

    def _wrapped(self, matter: str, key: MatterKey) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key.key + key.salt, matter.encode())

    def unwrap(self, matter: str, wrapped: bytes) -> MatterKey:
        """Raises cryptography.exceptions.InvalidTag when the master key is not the one."""
        nonce, data = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        both = self._master.decrypt(nonce, data, matter.encode())
        return MatterKey(both[:KEY_BYTES], both[KEY_BYTES:])

    def key_for(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose outside matters. Never stored, never logged."""
        return hmac.new(self._purposes, purpose.encode(), hashlib.sha256).digest()

    def lookup_hash(self, kind: str, text: str) -> bytes:
        """The keyed hash under which a value (kind `phone`) can be found again."""
        return hmac.new(self._lookup_key, f"{kind}\0{text}".encode(), hashlib.sha256).digest()

    def input_digest(self, asked: bytes) -> str:
        """What a command's input is known by. Keyed: it outlives erasure, and short words could
        be guessed from a plain hash."""
        return KEYED + hmac.digest(self._input_key, asked, "sha256").hex()

    def command_mac(self, row: bytes) -> bytes:
        """Seals a row of the command table: who has the database only cannot write one."""
        return hmac.digest(self._command_key, row, "sha256")


def seal(fact: Fact, key: MatterKey, *, matter: str, number: int) -> tuple[Fact, list[Sealed]]:
    """Replace a fact's plaintexts by references; the sealed rows go to the vault table."""
    rows: list[Sealed] = []
    changed: dict[str, Private] = {}
    for name, value in private_fields(fact).items():
        if value.plain is None:
            continue
        item, plain = f"{number}.{name}", value.plain.encode()
        rows.append(Sealed(matter, item, seal_item(plain, key, matter=matter, item=item)))
        mac = hmac.new(key.salt, plain, hashlib.sha256).hexdigest()
        changed[name] = Private(item=item, mac=mac)
    return (msgspec.structs.replace(fact, **changed) if changed else fact), rows


def seal_item(plain: bytes, key: MatterKey, *, matter: str, item: str) -> bytes:
    """One vault row's data."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key.key).encrypt(nonce, plain, f"{matter}/{item}".encode())


def open_item(data: bytes, key: MatterKey, *, matter: str, item: str) -> str:
    """The plaintext of one vault row. Raises InvalidTag when it was altered or moved."""
    nonce, rest = data[:NONCE_BYTES], data[NONCE_BYTES:]
    return AESGCM(key.key).decrypt(nonce, rest, f"{matter}/{item}".encode()).decode()
