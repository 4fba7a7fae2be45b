"""Lengths of time and folders, as they are written on a command line."""

import re
from pathlib import Path

import click

from muster.supervise.trouble import Trouble

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Span(click.ParamType[float]):
    """`90s`, `15m`, `1h` or `1d`, as seconds."""

    name = "span"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value).strip())
        if found is None:
            self.fail(f"{value}: 写作 90s、15m、1h 或 1d / write 90s, 15m, 1h or 1d", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


def outside(folder: Path | None, data: Path) -> Path | None:
    """`folder` as a full path. Raises Trouble when it lies in the data folder: who can change the
    one can then change the other."""
    if folder is None:
        return None
    found = folder.resolve()
    if found == data.resolve() or data.resolve() in found.parents:
        raise Trouble(
            f"{found} 在数据文件夹里面：检查点要放在数据文件夹之外，最好是另一台机器。",
            f"{found} lies inside the data folder: checkpoints belong outside it, best on another "
            "machine.",
        )
    return found
