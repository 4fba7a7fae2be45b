"""DATA/oidc.toml: the providers people may sign in at. Every fault is named with its line.

[[provider]]
id = "city"                                # stands in addresses
issuer = "https://sso.example.org"
client_id = "muster"
client_secret_file = "keys/oidc-city"      # beside this file, readable by its owner only
public_url = "https://muster.example.org"  # how browsers reach us
name_zh = "市局统一认证"
name_en = "City sign-on"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

NAME: Final = "oidc.toml"
MOST: Final = 8
ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_HEAD: Final = re.compile(r"\s*\[\[\s*provider\s*\]\]")


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One provider. The secret is a file's content and stays in this process."""

    id: str
    issuer: str
    client_id: str
    client_secret_file: str
    public_url: str
    name_zh: str
    name_en: str

    @property
    def callback(self) -> str:
        return f"{self.public_url}/api/oidc/callback"


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, in both languages; `line` counts from 1."""

    line: int
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{NAME}:{self.line}: {self.zh} / {self.en}"


class ProvidersInvalid(Exception):
    """The file cannot be used."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def read(data: Path) -> list[Provider]:
    """The providers of a data folder; none without the file. Raises ProvidersInvalid."""
    path = data / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        said = type(error).__name__
        raise ProvidersInvalid([Fault(1, f"读不出（{said}）", f"unreadable ({said})")]) from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise ProvidersInvalid([Fault(line, "不是 TOML", f"not TOML: {error}")]) from None
    lines = text.splitlines()
    faults = list(_strangers(tables, lines))
    listed = tables.get("provider", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        faults.append(Fault(1, "要写成 [[provider]]", "write [[provider]]"))
        raise ProvidersInvalid(faults)
    if len(listed) > MOST:
        faults.append(Fault(1, f"最多 {MOST} 个", f"at most {MOST} providers"))
    seen: set[str] = set()
    for number, table in enumerate(listed):
        faults += _faults(table, number, lines, data, seen)
    if faults:
        raise ProvidersInvalid(faults)
    return [msgspec.convert(table, Provider) for table in listed]


def secret(data: Path, provider: Provider) -> str:
    """The client secret. Raises OSError."""
    return (data / provider.client_secret_file).read_text(encoding="utf-8").strip()


def _strangers(tables: dict[str, Any], lines: Sequence[str]) -> Iterator[Fault]:
    for name in tables:
        if name != "provider":
            yield Fault(_line(lines, -1, name), f"没有 {name} 这一项", f"there is no {name} here")


def _faults(
    table: dict[str, Any], number: int, lines: Sequence[str], data: Path, seen: set[str]
) -> Iterator[Fault]:
    names = Provider.__struct_fields__
    for name in table:
        if name not in names:
            line = _line(lines, number, name)
            yield Fault(line, f"没有 {name} 这一项", f"there is no {name} in a provider")
    for name in names:
        line = _line(lines, number, name)
        value = table.get(name)
        if not isinstance(value, str) or not value.strip() or len(value) > 300:
            yield Fault(line, f"缺少 {name}（文字）", f"{name} is missing or not a text")
            continue
        for zh, en in _value_faults(name, value, data, seen):
            yield Fault(line, f"{name}：{zh}", f"{name}: {en}")


def _value_faults(name: str, value: str, data: Path, seen: set[str]) -> Iterator[tuple[str, str]]:
    if name == "id":
        if not ID.fullmatch(value):
            yield "只能用小写字母、数字和 -", "lower-case letters, digits and - only"
        if value in seen:
            yield "出现了两次", "stands twice"
        seen.add(value)
    elif name in ("issuer", "public_url"):
        yield from _address_faults(name, value)
    elif name == "client_secret_file":
        yield from _secret_faults(value, data)


def _address_faults(name: str, value: str) -> Iterator[tuple[str, str]]:
    try:
        parts = urlsplit(value)
        known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or parts.username or parts.query or parts.fragment:
        yield "不是网址", "not an address"
        return
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback(parts.hostname or "")):
        yield "须为 https（本机可用 http）", "https is needed (http on this machine only)"
    if value.endswith("/") and (name == "public_url" or parts.path == "/"):
        yield "末尾不要 /", "without the / at the end"


def _secret_faults(value: str, data: Path) -> Iterator[tuple[str, str]]:
    path = (data / value).resolve()
    if data.resolve() not in path.parents:
        yield "须在数据文件夹内", "must be inside the data folder"
        return
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        yield "读不出这个文件", "the file cannot be read"
        return
    if mode & 0o077:
        yield "别人也能读：请 chmod 600", "others can read the file: chmod 600"
    if not text.strip() or len(text) > 1000:
        yield "文件里没有密钥", "the file holds no secret"


def loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _line(lines: Sequence[str], number: int, name: str) -> int:
    """Where a name stands in the table of this number, else where the table begins."""
    at, begin = -1, 1
    for line, text in enumerate(lines, start=1):
        if _HEAD.match(text):
            at += 1
            begin = line if at == number else begin
        elif at == number and text.split("=")[0].strip().strip('"') == name:
            return line
    return begin
