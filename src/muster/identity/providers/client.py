"""One provider as we know it: its addresses, its keys, and what its ID tokens must say."""

from __future__ import annotations

import threading
import warnings
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from muster.identity.providers.configuration import Provider
from muster.identity.providers.fetch import ask, same_origin
from muster.identity.providers.visit import Claims, Visit
from muster.journal.clock import monotonic, real_now
from muster.journal.refusal import Refused

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # authlib's own words to its own packages
    from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
        prepare_grant_uri,
    )
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
    from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]

#: Signatures only: neither "none" nor a secret that we share with the provider.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "EdDSA")
KNOWN_FOR_S: Final = 600.0
#: At most so often are keys fetched anew because a token names one we do not know.
AGAIN_AFTER_S: Final = 1.0
SKEW_S: Final = 60
OLDEST_S: Final = 600
AT_ONCE: Final = 4


class Metadata(msgspec.Struct, frozen=True):
    """Of the discovery document, what we use."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class ProviderClient:
    """Threads share it. What a provider says of itself is kept for ten minutes."""

    def __init__(self, provider: Provider, secret: str) -> None:
        self.provider, self._secret = provider, secret
        self._lock = threading.Lock()
        self._busy = threading.BoundedSemaphore(AT_ONCE)
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._asked_again = float("-inf")

    def way_in(self, visit: Visit) -> str:
        """Where the browser goes to sign in. Raises Refused as `ask`."""
        address: str = prepare_grant_uri(
            self.metadata().authorization_endpoint,
            client_id=self.provider.client_id,
            response_type="code",
            redirect_uri=self.provider.callback,
            scope="openid",
            state=visit.state,
            nonce=visit.nonce,
            code_challenge=create_s256_code_challenge(visit.verifier),
            code_challenge_method="S256",
        )
        return address

    def way_out(self) -> str | None:
        """Where the browser may end its session at the provider, if that is known."""
        known = self._metadata
        if known is None or not known[1].end_session_endpoint:
            return None
        address: str = prepare_grant_uri(
            known[1].end_session_endpoint,
            client_id=self.provider.client_id,
            response_type="",
            post_logout_redirect_uri=f"{self.provider.public_url}/",
        )
        return address.replace("response_type=&", "")

    def exchange(self, code: str, visit: Visit) -> Claims:
        """Who the code stands for. Raises Refused: oidc.unreachable, oidc.answer, oidc.token."""
        if not self._busy.acquire(blocking=False):
            raise Refused("oidc.unreachable")
        try:
            return self._exchange(code, visit)
        finally:
            self._busy.release()

    def _exchange(self, code: str, visit: Visit) -> Claims:
        metadata = self.metadata()
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.provider.callback,
            "code_verifier": visit.verifier,
        }
        more: dict[str, Any] = {"data": body}
        who = (self.provider.client_id, self._secret)
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            more["auth"] = who
        else:
            body |= {"client_id": who[0], "client_secret": who[1]}
        said = ask(self.provider.issuer, "POST", metadata.token_endpoint, **more)
        token = said.get("id_token") if isinstance(said, dict) else None
        if not isinstance(token, str):
            raise Refused("oidc.answer", fault="id_token")
        return self._claims(token, visit)

    def metadata(self) -> Metadata:
        """The discovery document. Raises Refused: oidc.unreachable, oidc.answer."""
        with self._lock:
            known = self._metadata
            if known is not None and monotonic() < known[0]:
                return known[1]
            issuer = self.provider.issuer
            address = issuer.rstrip("/") + "/.well-known/openid-configuration"
            try:
                found = msgspec.convert(ask(issuer, "GET", address), Metadata)
            except msgspec.ValidationError:
                raise Refused("oidc.answer", fault="discovery") from None
            if found.issuer != issuer:
                raise Refused("oidc.answer", fault="issuer")
            places = [found.authorization_endpoint, found.token_endpoint, found.jwks_uri]
            places += [found.end_session_endpoint] if found.end_session_endpoint else []
            if not all(same_origin(one, issuer) for one in places):
                raise Refused("oidc.answer", fault="origin")
            self._metadata = monotonic() + KNOWN_FOR_S, found
            return found

    def _claims(self, token: str, visit: Visit) -> Claims:
        try:
            checked = self._verified(token)
            claims = CodeIDToken(
                checked.claims,
                checked.header,
                {
                    "iss": {"essential": True, "value": self.provider.issuer},
                    "aud": {"essential": True, "value": self.provider.client_id},
                },
                {"nonce": visit.nonce, "client_id": self.provider.client_id},
            )
            now = int(real_now().timestamp())
            claims.validate(now=now, leeway=SKEW_S)
        except Refused:
            raise
        except Exception as error:
            # A library's many ways to say that a stranger's token is not good; none is ours.
            raise Refused("oidc.token", fault=type(error).__name__) from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise Refused("oidc.token", fault="sub")
        if now - int(claims["iat"]) > OLDEST_S:
            raise Refused("oidc.token", fault="iat")
        amr = claims.get("amr") or []
        return Claims(subject, str(claims.get("acr") or "")[:100], " ".join(map(str, amr))[:100])

    def _verified(self, token: str) -> jwt.Token:
        """With the keys we know; once more with fresh ones, if the provider changed them."""
        keys = self._key_set(fresh=False)
        try:
            return jwt.decode(token, keys, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            if monotonic() - self._asked_again < AGAIN_AFTER_S:
                raise
        return jwt.decode(token, self._key_set(fresh=True), algorithms=list(ALGORITHMS))

    def _key_set(self, *, fresh: bool) -> KeySet:
        address = self.metadata().jwks_uri
        with self._lock:
            known = self._keys
            if known is not None and not fresh and monotonic() - known[0] < KNOWN_FOR_S:
                return known[1]
            if fresh:
                self._asked_again = monotonic()
            found = ask(self.provider.issuer, "GET", address)
            try:
                keys = KeySet.import_key_set(found)
            except Exception:
                raise Refused("oidc.answer", fault="JWKS") from None
            self._keys = monotonic(), keys
            return keys
