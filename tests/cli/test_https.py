"""`up` over HTTPS as a person meets it: the command, real connections, a real browser."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import plistlib
import shutil
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import BrowserType, Error, Page, Playwright

from muster.cli import local_ca
from muster.supervise import processes
from tests.cli.issued import NAME, issued
from tests.cli.test_whole import Command
from tests.instance import free_port

Answer = tuple[int, http.client.HTTPMessage, bytes]


@dataclass
class Up:
    """A real installation with a local authority."""

    data: Path
    port: int
    install: int
    metrics: int
    command: Command
    token: str

    @property
    def root(self) -> Path:
        return self.data / "keys" / "tls" / "root.crt"

    def connect(self, name: str, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """A TLS connection that insists on `name`."""
        trusting = context or ssl.create_default_context(cafile=str(self.root))
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return trusting.wrap_socket(plain, server_hostname=name)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        trusting = ssl.create_default_context(cafile=str(self.root))
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=30, context=trusting
        )
        return _asked(connection, method, path, body)

    def plain(self, method: str, path: str, host: str = "") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.install, timeout=30)
        return _asked(connection, method, path, None, {"Host": host} if host else {})


def _asked(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: object,
    headers: dict[str, str] | None = None,
) -> Answer:
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("https") / "town"
    install, metrics = free_port(), free_port()
    words = ["up", "--data", str(folder), "--port", "0", "--host", "127.0.0.1", "--tls-local"]
    words += ["--install-port", str(install), "--public-name", NAME]
    words += ["--metrics-port", str(metrics)]
    command = Command(folder, *words)
    try:
        port = int(command.wait_for(r"ready:  https://127\.0\.0\.1:(\d+)"))
        token = command.wait_for(r"first\?token=(\S+)")
        yield Up(folder, port, install, metrics, command, token)
        assert command.end(signal.SIGTERM) == 0
    finally:
        for pid in processes.started_with(str(folder)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("name", [NAME, "localhost", "127.0.0.1"])
def test_whoever_trusts_the_root_is_sure_of_the_server(up: Up, name: str) -> None:
    with up.connect(name) as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


def test_another_name_and_another_root_are_refused(up: Up) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        up.connect("other.example.test")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|unable to get"):
        up.connect(NAME, ssl.create_default_context())


def test_old_protocols_and_weak_ciphers_are_refused(up: Up) -> None:
    old = ssl.create_default_context(cafile=str(up.root))
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError, match=r"alert|version|protocol|EOF"):
        up.connect(NAME, old)
    weak = ssl.create_default_context(cafile=str(up.root))
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AES256-SHA:AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    with pytest.raises(OSError, match=r"handshake|alert|EOF"):
        up.connect(NAME, weak)
    weak.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    up.connect(NAME, weak).close()


def test_http_leads_to_https_and_to_our_own_names_only(up: Up) -> None:
    for method in ("GET", "POST"):
        status, headers, _ = up.plain(method, "/board?x=1&y=%2e", host=f"localhost:{up.install}")
        assert status == 308
        assert headers["Location"] == f"https://localhost:{up.port}/board?x=1&y=%2e"
    for strange in ("evil.example", "evil.example:80", "", "localhost@evil.example"):
        _, headers, _ = up.plain("GET", "//evil.example/x", host=strange or "x" * 9000)
        assert headers["Location"] == f"https://{NAME}:{up.port}//evil.example/x"


def test_the_install_page_shows_the_fingerprint_the_terminal_printed(up: Up) -> None:
    printed = up.command.wait_for(r"\n  ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\n")
    status, headers, page = up.plain("GET", "/install")
    words = page.decode().replace("<wbr>", "")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert printed in words and f"http://{NAME}:{up.install}/install" in words
    for device in ("Android", "HarmonyOS", "iPhone", "Windows", "Linux", "让这台设备信任集结"):
        assert device in words
    assert "data:image/svg+xml;base64," in words and "<script" not in words
    # The same page over HTTPS, for a desk whose screen shows the code to phones.
    assert up.ask("GET", "/install")[2] == page


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("muster-ca.cer", "application/x-x509-ca-cert"),
        ("muster-ca.pem", "application/x-pem-file"),
        ("muster-ca.mobileconfig", "application/x-apple-aspen-config"),
    ],
)
def test_each_device_gets_the_root_in_its_form(up: Up, name: str, media: str) -> None:
    status, headers, body = up.plain("GET", f"/install/{name}")
    assert (status, headers["Content-Type"]) == (200, media)
    assert name in headers["Content-Disposition"]
    der = ssl.PEM_cert_to_DER_cert(up.root.read_text())
    if name.endswith("pem"):
        body = ssl.PEM_cert_to_DER_cert(body.decode())
    elif name.endswith("mobileconfig"):
        profile = plistlib.loads(body)
        assert profile["PayloadType"] == "Configuration"
        (content,) = profile["PayloadContent"]
        assert content["PayloadType"] == "com.apple.security.root"
        body = content["PayloadContent"]
    assert body == der
    assert b"PRIVATE" not in body


def test_this_machine_reads_the_metrics_without_a_token(up: Up) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", up.metrics, timeout=30)
    status, headers, page = _asked(connection, "GET", "/metrics", None)
    assert (status, headers.get_content_type()) == (200, "text/plain")
    assert b"muster_ready 1.0" in page
    assert b"muster_certificate_expiry_timestamp_seconds" in page
    connection = http.client.HTTPConnection("127.0.0.1", up.metrics, timeout=30)
    assert _asked(connection, "GET", "/", None)[0] == 404
    assert up.ask("GET", "/metrics")[0] == 401


def spki(up: Up) -> str:
    """How Chromium is told of one key it may trust."""
    leaf = x509.load_pem_x509_certificate((up.root.parent / "server.pem").read_bytes())
    public = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


@contextlib.contextmanager
def browser(chromium: BrowserType, folder: Path, *arguments: str) -> Iterator[Page]:
    """`chromium` comes from the one Playwright of the run: a second one would not start."""
    context = chromium.launch_persistent_context(
        str(folder),
        executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
        args=["--no-sandbox", *arguments],
        geolocation={"longitude": 122.301, "latitude": 29.947},
        permissions=["geolocation"],
    )
    try:
        yield context.pages[0]
    finally:
        context.close()


@pytest.mark.browser
def test_a_browser_that_trusts_it_signs_in_and_may_ask_where_it_is(
    up: Up, tmp_path: Path, playwright: Playwright
) -> None:
    home, chromium = f"https://localhost:{up.port}", playwright.chromium
    stranger = browser(chromium, tmp_path / "stranger")
    with stranger as page, pytest.raises(Error, match="AUTHORITY_INVALID"):
        page.goto(home)
    trusted = f"--ignore-certificate-errors-spki-list={spki(up)}"
    with browser(chromium, tmp_path / "own", trusted) as page:
        page.set_default_timeout(60_000)
        page.goto(f"{home}/install")
        page.goto(f"{home}/first?token={up.token}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("isSecureContext") is True
        where = page.evaluate(
            "new Promise((yes, no) => navigator.geolocation.getCurrentPosition("
            "p => yes([p.coords.longitude, p.coords.latitude]), e => no(e.message)))"
        )
        assert where == [122.301, 29.947]
        made = page.evaluate(
            "async body => (await fetch('/api/first', {method: 'POST', headers:"
            " {'Content-Type': 'application/json'}, body: JSON.stringify(body)})).status",
            {
                "token": up.token,
                "username": "shili",
                "name": "示例管理员",
                "password": "invented-example-20261123",
            },
        )
        assert made == 201
        (cookie,) = (one for one in page.context.cookies() if "session" in one["name"])
        assert cookie["secure"] and cookie["httpOnly"]
        live = page.evaluate(
            "new Promise(yes => { const s = new WebSocket(`wss://${location.host}/api/live`);"
            " s.onopen = () => yes('open'); s.onerror = () => yes('error') })"
        )
        assert live == "open"


def test_a_renewed_certificate_is_used_without_a_restart(up: Up) -> None:
    folder = up.root.parent
    with up.connect(NAME) as kept:
        before = kept.getpeercert(binary_form=True)
        (folder / "server.pem").write_text("half of a renew")
        (folder / "server.pem").unlink()
        local_ca.ensure(folder, (NAME, "localhost", "127.0.0.1"), datetime.now(UTC))
        while True:  # the test's own limit ends a failure
            with up.connect(NAME) as fresh:
                if fresh.getpeercert(binary_form=True) != before:
                    break
            time.sleep(0.2)
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in kept.recv(4096)


def test_a_certificate_that_cannot_serve_stops_the_start(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    cert, key = issued(tmp_path, NAME, begin=now - timedelta(days=9), end=now - timedelta(days=1))
    words = ("up", "--data", str(tmp_path / "town"), "--tls-cert", str(cert), "--tls-key", str(key))
    refused = Command(tmp_path / "refused", *words)
    assert refused.process.wait() == 1 and "expired on" in refused.words()
    assert not (tmp_path / "town" / "pg").exists()
