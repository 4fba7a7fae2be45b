"""The keys that sign checkpoints: Ed25519, each vouched for by the one before it.

The private half is a file in DATA/keys/signing/, outside the database and its backups. The public
halves form a chain of statements that is kept beside the checkpoints. A replaced key's private
half is destroyed: what it signed still verifies, and nobody signs with it again.

Whoever steals the key in use can sign false checkpoints and name a successor, but cannot change
the checkpoints that somebody else already holds: a history rewritten behind them no longer fits.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from muster.journal.entry import canonical

STATEMENT: Final = "muster.signing_key/1"


class Statement(msgspec.Struct, frozen=True, tag_field="is", tag=STATEMENT):
    """Which key signs from which checkpoint on. `previous` is the key that says so; an empty one
    means that the key speaks for itself: the first, or one made because the last was lost."""

    number: int
    key: str
    public: str
    made_at: str
    previous: str
    from_checkpoint: int


class Signed(msgspec.Struct, frozen=True):
    """The exact bytes that were signed, and the signature over them."""

    body: bytes
    signature: bytes


@dataclass(frozen=True)
class KeyFault:
    """`what` is one of bytes, order, name, unknown_signer, signature, alone."""

    number: int
    what: str
    key: str = ""


def key_id(public: bytes) -> str:
    """The name of a key: the first 128 bits of the hash of its public half."""
    return sha256(public).hexdigest()[:32]


def valid(public: bytes, signed: Signed) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signed.signature, signed.body)
    except (InvalidSignature, ValueError):
        return False
    return True


class Signer:
    """A private key, open."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    def sign(self, body: bytes) -> Signed:
        return Signed(body, self._key.sign(body))


class KeyMissing(Exception):
    """The private half of the key in use is not in its folder."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def signing_folder(data: Path) -> Path:
    """Where a data folder keeps its signing keys."""
    return data / "keys" / "signing"


class KeyFolder:
    """DATA/keys/signing: one private key a file, readable by us alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.key"

    def make(self) -> Signer:
        """A fresh key, on the disk under its name before anything is signed with it."""
        secret = Ed25519PrivateKey.generate().private_bytes_raw()
        signer = Signer(secret)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._folder / f"{signer.id}.new"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._path(signer.id))
        self._settle()
        return signer

    def open(self, key: str) -> Signer:
        """Raises KeyMissing when its file is not there or is not this key."""
        try:
            signer = Signer(self._path(key).read_bytes())
        except (FileNotFoundError, ValueError) as error:
            raise KeyMissing(key) from error
        if signer.id != key:
            raise KeyMissing(key)
        return signer

    def destroy(self, key: str) -> None:
        """Overwrite and remove a private key that is no longer to be used."""
        path = self._path(key)
        if path.exists():
            with path.open("r+b") as file:
                file.write(b"\0" * path.stat().st_size)
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            self._settle()

    def _settle(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def state(
    fresh: Signer, by: Signer, *, after: Statement | None, made_at: str, first: int
) -> Signed:
    """The statement that `fresh` signs from checkpoint `first` on, signed by `by`."""
    statement = Statement(
        number=after.number + 1 if after else 1,
        key=fresh.id,
        public=fresh.public.hex(),
        made_at=made_at,
        previous="" if by.id == fresh.id else by.id,
        from_checkpoint=first,
    )
    return by.sign(canonical(statement))


class KeyChain:
    """The public keys in order, with what is wrong about them. `known`: ids of keys that need
    nobody to vouch for them, because a person does."""

    def __init__(self, statements: Iterable[Signed], known: Sequence[str] = ()) -> None:
        self._known = known
        self.signed: tuple[Signed, ...] = tuple(statements)
        self.statements: list[Statement] = []
        self.faults: list[KeyFault] = []
        self._publics: dict[str, bytes] = {}
        for number, signed in enumerate(self.signed, start=1):
            self._take(number, signed)

    def _take(self, number: int, signed: Signed) -> None:
        try:
            statement = msgspec.json.decode(signed.body, type=Statement)
            public = bytes.fromhex(statement.public)
        except (msgspec.DecodeError, ValueError):
            self.faults.append(KeyFault(number, "bytes"))
            return
        self.faults += [
            KeyFault(number, what, statement.key)
            for what in self._wrong(number, statement, public, signed)
        ]
        self.statements.append(statement)
        self._publics[statement.key] = public

    def _wrong(
        self, number: int, statement: Statement, public: bytes, signed: Signed
    ) -> Iterable[str]:
        last = self.statements[-1] if self.statements else None
        before = last.from_checkpoint if last else 0
        if statement.number != number or statement.from_checkpoint < before:
            yield "order"
        if key_id(public) != statement.key or statement.key in self._publics:
            yield "name"
        if not statement.previous:
            if last is not None and statement.key not in self._known:
                yield "alone"
            by: bytes | None = public
        else:
            by = self._publics.get(statement.previous)
            if last is None or statement.previous != last.key:
                yield "unknown_signer"
        if by is not None and not valid(by, signed):
            yield "signature"

    @property
    def newest(self) -> Statement | None:
        return self.statements[-1] if self.statements else None

    def in_use(self, checkpoint: int) -> str | None:
        """The key that signs a checkpoint with this number."""
        good = [one.key for one in self.statements if one.from_checkpoint <= checkpoint]
        return good[-1] if good else None

    def fault(self, checkpoint: int, key: str, signed: Signed) -> str | None:
        """None, or what is wrong with a checkpoint's signature: unknown_key, key_out_of_use or
        signature."""
        public = self._publics.get(key)
        if public is None:
            return "unknown_key"
        if not valid(public, signed):
            return "signature"
        return None if self.in_use(checkpoint) == key else "key_out_of_use"


def as_lines(statements: Sequence[Signed]) -> bytes:
    """Signed texts as lines of JSON: {"bytes": the text that was signed, "signature": hex}."""
    return b"".join(line(one) + b"\n" for one in statements)


def line(signed: Signed) -> bytes:
    return canonical({"bytes": signed.body.decode(), "signature": signed.signature.hex()})


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    bytes: str
    signature: str


def of_line(data: bytes) -> Signed:
    """Raises ValueError for anything else."""
    try:
        found = msgspec.json.decode(data, type=_Line)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    return Signed(found.bytes.encode(), bytes.fromhex(found.signature))
