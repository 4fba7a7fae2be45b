"""A sign-in under way at a provider, and what comes back of it."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from secrets import token_urlsafe

import msgspec


class Claims(msgspec.Struct, frozen=True):
    """What a provider vouches for: who, and how it knew (`acr`, `amr`). No names, no groups."""

    subject: str
    acr: str
    amr: str


class Visit(msgspec.Struct, frozen=True):
    """What the browser keeps of a sign-in under way: 256 random bits, in a cookie. Everything that
    must not be guessed is derived from them; we keep their hash."""

    secret: str

    @classmethod
    def fresh(cls) -> Visit:
        return cls(token_urlsafe(32))

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.secret.encode(errors="replace")).digest()

    def _word(self, name: str) -> str:
        made = hmac.digest(self.secret.encode(errors="replace"), name.encode(), "sha256")
        return urlsafe_b64encode(made).rstrip(b"=").decode()

    @property
    def state(self) -> str:
        return self._word("state")

    @property
    def nonce(self) -> str:
        return self._word("nonce")

    @property
    def verifier(self) -> str:
        return self._word("verifier")

    def made(self, state: str) -> bool:
        return hmac.compare_digest(self.state.encode(), state.encode(errors="replace"))
