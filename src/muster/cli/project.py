"""Where the project's own folders are, and how a command speaks."""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from muster.supervise.trouble import Trouble


def root() -> Path:
    """The project's folder: told by the launcher, else found above this file."""
    told = os.environ.get("MUSTER_ROOT")
    return Path(told) if told else Path(__file__).resolve().parents[3]


def demo_data() -> Path:
    return root() / ".muster" / "demo"


def real_data() -> Path:
    return Path(os.environ.get("MUSTER_DATA") or root() / ".muster" / "data")


def default_city() -> Path:
    return root() / "cities" / "zhoushan"


def city_folder(city: Path) -> Path:
    """`city` as a full path. Raises Trouble unless it holds a city pack."""
    if not (city / "pack.toml").is_file():
        raise Trouble(
            f"{city} 不是城市包：里面没有 pack.toml；现成的城市包在 {root() / 'cities'}。",
            f"{city} is no city pack: it has no pack.toml; ready ones are in {root() / 'cities'}.",
        )
    return city.resolve()


def web_assets() -> Path | None:
    """The built web pages, if they were built."""
    built = root() / "web" / "dist"
    return built if (built / "index.html").is_file() else None


def say(words: str) -> None:
    """Progress, for people: on stderr, so that results on stdout stay clean."""
    click.echo(words, err=True)


def width(text: str) -> int:
    """Columns a text takes on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows with their columns in line; the first row is the heading."""
    kept = [[str(cell) for cell in row] for row in rows]
    widths = [max(width(cell) for cell in column) for column in zip(*kept, strict=True)]
    kept.insert(1, ["─" * size for size in widths])
    lines = []
    for row in kept:
        cells = [cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)
