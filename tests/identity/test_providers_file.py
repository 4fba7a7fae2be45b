"""DATA/oidc.toml: every fault is named with its line, in both languages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from muster.cli.instance import check_providers
from muster.identity.providers.configuration import ProvidersInvalid, read, secret
from muster.identity.providers.fetch import ask, same_origin
from muster.journal.refusal import Refused
from muster.supervise.trouble import Trouble

GOOD = """# 示例
[[provider]]
id = "city"
issuer = "https://sso.example.org"
client_id = "muster"
client_secret_file = "keys/oidc"
public_url = "https://muster.example.org"
name_zh = "示例统一认证"
name_en = "Example sign-on"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    kept = tmp_path / "keys" / "oidc"
    kept.write_text("an-invented-secret\n")
    kept.chmod(0o600)
    return tmp_path


def written(data: Path, text: str) -> Path:
    (data / "oidc.toml").write_text(text)
    return data


def test_without_a_file_there_are_none(data: Path) -> None:
    assert read(data) == []


def test_a_good_file(data: Path) -> None:
    (found,) = read(written(data, GOOD))
    assert (found.id, found.callback) == ("city", "https://muster.example.org/api/oidc/callback")
    assert secret(data, found) == "an-invented-secret"
    assert "invented" not in repr(found)


FAULTS = (
    (GOOD.replace('id = "city"', 'id = "City!"'), 3, "lower-case"),
    (GOOD + GOOD, 12, "twice"),
    (GOOD.replace('client_id = "muster"\n', ""), 2, "client_id is missing"),
    (GOOD.replace('"muster"', "7"), 5, "not a text"),
    (GOOD + 'scope = "admin"\n', 10, "no scope"),
    ('admin = "me"\n' + GOOD, 1, "no admin"),
    (GOOD.replace("https://sso.example.org", "http://sso.example.org"), 4, "https is needed"),
    (GOOD.replace("https://sso.example.org", "http://169.254.169.254"), 4, "https is needed"),
    (GOOD.replace("https://sso.example.org", "file:///etc/passwd"), 4, "not an address"),
    (GOOD.replace("https://sso.example.org", "https://a:b@sso.example.org"), 4, "not an address"),
    (GOOD.replace("https://sso.example.org", "https://sso.example.org?x"), 4, "not an address"),
    (GOOD.replace("https://muster.example.org", "https://muster.example.org/"), 7, "without the /"),
    (GOOD.replace("keys/oidc", "../secret"), 6, "inside the data folder"),
    (GOOD.replace("keys/oidc", "/etc/hostname"), 6, "inside the data folder"),
    (GOOD.replace("keys/oidc", "keys/none"), 6, "cannot be read"),
    (GOOD.replace("[[provider]]", "[provider]"), 1, "write [[provider]]"),
    (GOOD + "what is this\n", 10, "not TOML"),
)


@pytest.mark.parametrize(("text", "line", "words"), FAULTS)
def test_a_fault_is_named_with_its_line(data: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ProvidersInvalid) as caught:
        read(written(data, text))
    (fault,) = caught.value.faults
    assert fault.line == line and words in fault.en, fault
    assert re.search(r"[一-鿿]", fault.zh)
    with pytest.raises(Trouble) as told:
        check_providers(data)
    assert f"line {line}: " in told.value.en and f"第 {line} 行" in told.value.zh


def test_all_faults_are_named_at_once(data: Path) -> None:
    text = GOOD.replace("https://sso", "http://sso").replace("keys/oidc", "keys/none")
    with pytest.raises(ProvidersInvalid) as caught:
        read(written(data, text))
    assert [one.line for one in caught.value.faults] == [4, 6]


def test_a_secret_others_can_read_is_refused(data: Path) -> None:
    (data / "keys" / "oidc").chmod(0o644)
    with pytest.raises(ProvidersInvalid, match="chmod 600"):
        read(written(data, GOOD))


def test_no_secret_is_a_fault(data: Path) -> None:
    (data / "keys" / "oidc").write_text("\n")
    with pytest.raises(ProvidersInvalid, match="holds no secret"):
        read(written(data, GOOD))


def test_a_link_out_of_the_folder_is_refused(data: Path, tmp_path: Path) -> None:
    (data / "keys" / "oidc").unlink()
    (data / "keys" / "oidc").symlink_to("/etc/hostname")
    with pytest.raises(ProvidersInvalid, match="inside the data folder"):
        read(written(data, GOOD))


ISSUER = "https://sso.example.org"


@pytest.mark.parametrize(
    "address",
    [
        "http://sso.example.org/token",
        "https://sso.example.org:8443/token",
        "https://sso.example.org.evil.example/token",
        "https://sso.example.org@evil.example/token",
        "https://evil.example/https://sso.example.org",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:5432/",
        "file:///etc/passwd",
        "gopher://sso.example.org/",
        "//sso.example.org/token",
        "https://[::1/",
        "",
        None,
        7,
    ],
)
def test_nobody_else_is_asked(address: object) -> None:
    """SSRF: what a provider's document names is asked only at the provider's own origin."""
    assert not same_origin(address, ISSUER)
    if isinstance(address, str):
        with pytest.raises(Refused, match=r"oidc\.answer"):
            ask(ISSUER, "GET", address)


def test_its_own_origin_is() -> None:
    assert same_origin("https://sso.example.org:443/a/b?c", ISSUER)


def test_without_a_provider_nothing_is_imported_to_speak_to_one() -> None:
    """Those packages would be a fifth of a server's start."""
    words = "import sys, muster.app, muster.api.server; print(*sys.modules)"
    made = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert not {"httpx", "joserfc", "authlib"} & set(made.stdout.split())
