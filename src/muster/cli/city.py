"""`city`: a city pack made from a file of recorded calls."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.cli import project
from muster.cli.misuse import Commands
from muster.supervise.trouble import Trouble

if TYPE_CHECKING:
    from muster.simulate.load_profile import Profile
    from muster.simulate.open_rows import Told

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(cls=Commands)
def city() -> None:
    """城市包 / city packs

    由一份警情记录生成可用的城市包。 Makes a working city pack of a file of recorded calls.
    """


@city.command(
    epilog="""\b
例 / example:
  ./muster city draft --calls CALLS.csv.gz --map cities/import/dublin_fire.toml --out dublin
  ./muster demo --city dublin --data .muster/dublin
"""
)
@click.option("--calls", type=FILE, required=True, help="警情记录 / recorded calls (CSV, gzip)")
@click.option("--map", "map_", type=FILE, required=True, help="列映射 / which column means what")
@click.option("--out", type=FOLDER, required=True, help="新文件夹 / a new folder for the pack")
@click.option("--json", "as_json", is_flag=True, help="结果为一行 JSON / the result as JSON")
def draft(calls: Path, map_: Path, out: Path, *, as_json: bool) -> None:
    """由警情记录生成城市包 / make a city pack from recorded calls

    站点、辖区、单元、类别和忙闲都来自记录本身；记录没有的用默认值，并在包内 README.md 写明。不覆盖
    任何东西。

    Stations, areas, units, categories and hours of load come from the record; what it does not
    tell is a default, and README.md in the pack says so. Overwrites nothing.
    """
    from muster.geography.faults import PackInvalid
    from muster.simulate.draft_city import draft_city
    from muster.simulate.refusal import ReplayRefused

    try:
        told = draft_city(calls, map_, out, reading())
    except (ReplayRefused, PackInvalid) as error:
        raise Trouble(getattr(error, "zh", str(error)), getattr(error, "en", "")) from error
    click.echo(_json(told, out) if as_json else _words(told, out))


def reading() -> "Told":
    """Progress for whoever waits longer than a second."""
    from muster.journal.clock import monotonic

    heard = [monotonic()]

    def told(rows: int, share: float) -> None:
        if monotonic() >= heard[0] + 1:
            heard[0] = monotonic()
            project.say(f"已读 {rows} 行（{share:.0%}）/ {rows} rows read ({share:.0%})")

    return told


def _json(told: "Profile", out: Path) -> str:
    import msgspec

    return msgspec.json.encode({"out": str(out), **msgspec.to_builtins(told)}).decode()


def _words(told: "Profile", out: Path) -> str:
    return (
        f"{told.table()}\n\n已写入城市包 / the pack is written: {out}\n"
        f"  说明 what is derived and how: {out / 'README.md'}\n"
        f"  试用 try it: ./muster demo --city {out} --data .muster/{out.name}"
    )
