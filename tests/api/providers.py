"""Providers for tests: a certified one, run by Node, and one that says whatever a test wants."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from muster.cli import node
from muster.journal.clock import real_now
from tests.instance import ROOT, Instance

SECRET = "an-invented-secret-of-the-test"
PROVIDER = ROOT / "web" / "node_modules" / "oidc-provider" / "lib" / "index.js"


@dataclass
class Certified:
    """oidc-provider (npm, certified by the OpenID Foundation) on loopback."""

    port: int
    redirect: str
    process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        script = Path(__file__).with_name("oidc_provider.mjs")
        command = [node.npm()[0], str(script), str(self.port), self.redirect]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "OIDC_PROVIDER": PROVIDER.as_uri(), "NODE_NO_WARNINGS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._ready()

    def rotate(self) -> None:
        """New keys; the old ones are gone."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write("rotate\n")
        self.process.stdin.flush()
        self._ready()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)
        self.process = None

    def _ready(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == "ready":
                return
        raise AssertionError("the provider did not start")


class Forger(BaseHTTPRequestHandler):
    """Answers each path with what `answers` says: (status, headers, body)."""

    answers: dict[str, Callable[[Any], tuple[int, dict[str, str], bytes]]]
    asked: list[str]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = parse_qs(self.rfile.read(length).decode())
        path = urlsplit(self.path).path
        self.asked.append(path)
        found = self.answers.get(path, lambda _form: (404, {}, b"{}"))
        status, headers, body = found(form)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # enough was read

    do_POST = do_GET

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""


@dataclass
class Wicked:
    """A provider that signs with its own key and lies as it is told."""

    port: int
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))
    asked: list[str] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    signing: Any = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def honest(self) -> None:
        """Everything as it should be."""
        self.claims, self.header, self.metadata, self.signing = {}, {}, {}, None
        self.asked.clear()
        self.answers.clear()
        self.answers |= {
            "/.well-known/openid-configuration": lambda _form: _json(self._discovery()),
            "/jwks": lambda _form: _json({"keys": [self.key.as_dict(private=False)]}),
            "/token": lambda _form: _json({"id_token": self.token(), "token_type": "Bearer"}),
        }

    def _discovery(self) -> dict[str, Any]:
        at = self.issuer
        return {
            "issuer": at,
            "authorization_endpoint": f"{at}/auth",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/jwks",
            **self.metadata,
        }

    def token(self) -> str:
        now = int(real_now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": "muster",
            "sub": "示例-subject",
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": "k1", **self.header}
        made = jwt.encode(header, kept, self.signing or self.key, algorithms=[header["alg"]])
        return str(made)


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


@contextmanager
def wicked(port: int) -> Iterator[Wicked]:
    made = Wicked(port)
    made.honest()
    handler = type("H", (Forger,), {"answers": made.answers, "asked": made.asked})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def configured(data: Path, public_url: str, issuers: dict[str, str]) -> None:
    """Write oidc.toml and the secret."""
    data.mkdir(parents=True, exist_ok=True)
    secret = data / "oidc-secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    text = "".join(
        f'[[provider]]\nid = "{name}"\nissuer = "{issuer}"\nclient_id = "muster"\n'
        f'client_secret_file = "oidc-secret"\npublic_url = "{public_url}"\n'
        f'name_zh = "示例统一认证"\nname_en = "Example sign-on"\n\n'
        for name, issuer in issuers.items()
    )
    (data / "oidc.toml").write_text(text)


class Browser(httpx.Client):
    """A browser without a window: keeps cookies, follows what it is told to, fills forms."""

    def __init__(self, server: Instance) -> None:
        super().__init__(timeout=30.0, headers={"Accept": "text/html"})
        self.server = server

    def begin(self, provider: str, return_to: str = "/board") -> httpx.Response:
        address = f"{self.server.url}/api/oidc/{provider}/start"
        return self.get(address, params={"return_to": return_to})

    def sign_in_there(self, login: str, begun: httpx.Response) -> str:
        """Go to the certified provider, say who one is, agree; the address of the callback."""
        response = self.get(begun.headers["Location"])
        for _ in range(12):
            if response.status_code in (302, 303):
                there = urljoin(str(response.url), response.headers["Location"])
                if there.startswith(self.server.url):
                    return there
                response = self.get(there)
                continue
            assert response.status_code == 200, response.text
            form = re.search(r'action="([^"]+)"', response.text)
            prompt = re.search(r'name="prompt" value="([^"]+)"', response.text)
            assert form and prompt, response.text
            said = {"prompt": prompt[1], "login": login, "password": "invented-example"}
            response = self.post(urljoin(str(response.url), form[1]), data=said)
        raise AssertionError("the provider goes round in circles")

    def session(self) -> httpx.Response:
        headers = {"Accept": "application/json"}
        return self.get(f"{self.server.url}/api/session", headers=headers)
