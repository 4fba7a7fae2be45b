"""Which device belongs to which unit: a small table file the administrator of the gateway keeps.

    phone,unit,datum
    13900000001,pt-shenjiamen-01,wgs84

`phone`: the terminal's number, of a SIM or the maker's own. `datum`: wgs84, as the standard says,
or gcj02 for a device that sends shifted positions without saying so.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, cast

import msgspec

HEAD: Final = ["phone", "unit", "datum"]
DATUMS: Final = ("wgs84", "gcj02")
_PHONE: Final = re.compile(r"[0-9]{1,20}")
_UNIT: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")


class Device(msgspec.Struct, frozen=True):
    """A terminal and the unit whose position it is."""

    unit: str
    datum: Literal["wgs84", "gcj02"]


class DevicesWrong(Exception):
    """The file cannot be used; one line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


Devices = Mapping[str, Device]
"""By phone without leading zeros."""


def read(path: Path) -> Devices:
    """Raises DevicesWrong with every fault of the file."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DevicesWrong([f"{path.name}: {type(error).__name__}"]) from error
    return devices(lines, path.name)


def devices(lines: Iterable[str], name: str = "devices.csv") -> Devices:
    """Raises DevicesWrong with every fault."""
    rows = csv.reader(lines)
    if next(rows, None) != HEAD:
        raise DevicesWrong([f"{name}:1: {','.join(HEAD)}"])
    found: dict[str, Device] = {}
    faults: list[str] = []
    for number, row in enumerate(rows, start=2):
        if not row or row[0].startswith("#"):
            continue
        wrong = list(_faults(row, found))
        if wrong:
            faults += [f"{name}:{number}: {one}" for one in wrong]
            continue
        phone, unit, datum = row
        found[phone.lstrip("0")] = Device(unit, cast(Literal["wgs84", "gcj02"], datum or "wgs84"))
    if faults:
        raise DevicesWrong(faults)
    return found


def _faults(row: list[str], found: Devices) -> Iterator[str]:
    if len(row) != len(HEAD):
        yield f"{len(HEAD)} 列 / columns"
        return
    phone, unit, datum = row
    if not _PHONE.fullmatch(phone) or not phone.strip("0"):
        yield "phone: 1–20 位数字 / digits"
    elif phone.lstrip("0") in found:
        yield "phone: 重复 / stands twice"
    if not _UNIT.fullmatch(unit):
        yield "unit"
    if datum not in (*DATUMS, ""):
        yield f"datum: {' | '.join(DATUMS)}"
