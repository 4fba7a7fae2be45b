"""Certificates somebody gives us: whatever is wrong with them is one sentence before a start."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from muster.cli.certificates import check, covers
from muster.cli.reach import Reach, Wanted, reach, told_url
from muster.supervise.trouble import Trouble
from tests.cli.issued import NAME, NOW, issued


def test_a_good_pair_is_good_and_says_its_names(tmp_path: Path) -> None:
    found = check(*issued(tmp_path, NAME, "*.example.test"), [NAME], NOW)
    assert found.names == (NAME, "*.example.test")
    assert found.warnings == ()


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    cert, _ = issued(tmp_path / "one", NAME)
    _, key = issued(tmp_path / "two", NAME)
    with pytest.raises(Trouble, match="does not fit"):
        check(cert, key, [], NOW)


def test_expired_and_not_yet_valid_are_refused_and_soon_is_said(tmp_path: Path) -> None:
    pair = issued(tmp_path, NAME, end=NOW + timedelta(days=10))
    with pytest.raises(Trouble, match="expired on 2026-12-03"):
        check(*pair, [], NOW + timedelta(days=11))
    with pytest.raises(Trouble, match="valid only from 2026-11-22"):
        check(*pair, [], NOW - timedelta(days=2))
    assert "expires in 10 days" in check(*pair, [], NOW).warnings[0][1]


def test_a_name_it_is_not_for(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"does not cover other\.example\.test") as told:
        check(*issued(tmp_path, NAME), [NAME, "other.example.test"], NOW)
    assert "other.example.test" in told.value.zh


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("a.example.test", True),
        ("A.Example.Test.", True),
        ("example.test", False),
        ("a.b.example.test", False),
        ("192.0.2.7", False),
    ],
)
def test_a_star_stands_for_one_label(name: str, covered: bool) -> None:
    assert covers(["*.example.test"], name) is covered


def test_files_that_are_no_certificate_or_key(tmp_path: Path) -> None:
    cert, key = issued(tmp_path, NAME)
    with pytest.raises(Trouble, match="is no PEM certificate"):
        check(key, key, [], NOW)
    with pytest.raises(Trouble, match="is no PEM key"):
        check(cert, cert, [], NOW)
    with pytest.raises(Trouble, match="cannot be read: No such file"):
        check(tmp_path / "none", key, [], NOW)
    _, hidden = issued(tmp_path / "hidden", NAME, password=b"example")
    with pytest.raises(Trouble, match="passphrase"):
        check(cert, hidden, [], NOW)


def test_a_key_others_can_read_is_said(tmp_path: Path) -> None:
    cert, key = issued(tmp_path, NAME)
    key.chmod(0o644)
    assert "other users" in check(cert, key, [], NOW).warnings[0][1]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(tls_cert=Path("a")), "given together"),
        (Wanted(tls_local=True, tls_cert=Path("a"), tls_key=Path("b")), "choose one"),
        (Wanted(install_port=8080), "--tls-local or"),
        (Wanted(public_name=("https://muster.example.test",)), "no host name"),
        (Wanted(public_name=("集结.example.test",)), "xn--"),
        (Wanted(trusted_proxy=("nginx",)), "no address or network"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(
    wanted: Wanted, words: str, tmp_path: Path
) -> None:
    with pytest.raises(Trouble, match=words):
        reach(wanted, tmp_path)


def test_names_and_proxies_reach_the_server_in_one_form(tmp_path: Path) -> None:
    wanted = Wanted(public_name=("Muster.Example.Test.",), trusted_proxy=("127.0.0.1", "::1/128"))
    found = reach(wanted, tmp_path)
    assert found.public == (NAME,)
    assert found.proxies == ("127.0.0.1/32", "::1/128")
    assert found.scheme == "http"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Reach(), "http://127.0.0.1:8000"),
        (Reach(public=(NAME,)), f"http://{NAME}:8443"),
        (Reach(public=(NAME,), cert=Path("c")), f"https://{NAME}:8443"),
        (Reach(public=("::1",), cert=Path("c")), "https://[::1]:8443"),
        (Reach(public=(NAME,), proxies=("127.0.0.1/32",)), f"https://{NAME}"),
    ],
)
def test_the_first_administrator_is_told_the_name_people_use(found: Reach, told: str) -> None:
    assert told_url(found, 8443, "http://127.0.0.1:8000") == told
