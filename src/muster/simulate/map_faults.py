"""What is wrong with a column map: every fault with the line it stands on."""

from __future__ import annotations

import codecs
import re
import tomllib
import types
import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, get_args, get_type_hints

import msgspec

from muster.simulate.refusal import ReplayRefused

if TYPE_CHECKING:
    from muster.simulate.columns import ColumnMap

Kind = TypeVar("Kind", bound=msgspec.Struct)
Lines = Mapping[tuple[str, ...], int]
_MOST_BYTES = 1_000_000
_TABLE = re.compile(r"\s*\[+([^\]]+)\]+\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[\w-]+(?:\s*\.\s*[\w-]+)*)\s*=""")
_HOUR = re.compile("%[HIcX]")


class Fault(NamedTuple):
    """where: table and key, as far as they are known."""

    where: tuple[str, ...]
    what: str

    def line(self, lines: Lines) -> int:
        """Of the key, or of the nearest thing around it that the map has."""
        around = (self.where[:size] for size in range(len(self.where), 0, -1))
        return next((lines[where] for where in around if where in lines), 1)

    def shown(self, file: str, lines: Lines) -> str:
        """`file:line [table] key: what`."""
        table, *keys = self.where or ("?",)
        return f"{file}:{self.line(lines)} {' '.join([f'[{table}]', *keys])}: {self.what}"


class Read(NamedTuple, Generic[Kind]):
    """value: None when there are faults."""

    value: Kind | None
    faults: list[Fault]
    lines: Lines


def read_toml(path: Path, kind: type[Kind]) -> Read[Kind]:
    """Raises ReplayRefused when the file is missing or no TOML at all."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ReplayRefused("map.missing", map=path.name, detail=f"> {_MOST_BYTES} bytes")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ReplayRefused("map.missing", map=path.name, detail=error.strerror) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        detail = f"{path.name}:{line} UTF-8"
        raise ReplayRefused("map.missing", map=path.name, detail=detail) from error
    try:
        whole = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ReplayRefused("map.invalid", map=path.name, detail=error) from error
    faults = list(_faults(whole, kind, ()))
    value = None if faults else msgspec.convert(whole, kind)
    return Read(value, faults, _lines(text))


def _faults(values: Any, kind: type[msgspec.Struct], where: tuple[str, ...]) -> Iterator[Fault]:
    """Every key that is unknown, missing, or does not fit. msgspec itself tells of the first."""
    if not isinstance(values, dict):
        yield Fault(where, "a table is expected")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    hints = get_type_hints(kind, include_extras=True)
    for key in values.keys() - fields.keys():
        known = ", ".join(fields)
        yield Fault((*where, key), f"unknown key; known are {known}")
    for name, field in fields.items():
        if name not in values:
            if field.required:
                yield Fault((*where, name), "is missing")
            continue
        table = _struct(hints[field.name])
        if table is not None:
            yield from _faults(values[name], table, (*where, name))
            continue
        yield from _fits(values[name], hints[field.name], (*where, name))


def _fits(value: Any, kind: Any, where: tuple[str, ...]) -> Iterator[Fault]:
    try:
        msgspec.convert(value, kind)
        return
    except msgspec.ValidationError as error:
        shown = str(error).replace("`", "")
    entries = get_args(kind)
    if isinstance(value, dict) and len(entries) == 2 and entries[1] is not Ellipsis:
        for key, one in value.items():
            yield from _fits(one, entries[1], (*where, key))
        return
    yield Fault(where, shown)


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    """The struct a field holds, also where it may be missing."""
    for one in get_args(kind) if isinstance(kind, types.UnionType) else (kind,):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one
    return None


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Where each table and each key begins."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = _names(match[1])
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            found.setdefault((*table, *_names(match[1])), number)
    return found


def _names(text: str) -> tuple[str, ...]:
    if text[:1] in "\"'":
        return (text[1:-1],)
    return tuple(part.strip(" \"'") for part in text.split("."))


def semantic(columns: ColumnMap) -> Iterator[Fault]:
    """Zones, encodings, systems and formats that do not exist."""
    try:
        zoneinfo.ZoneInfo(columns.about.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        yield Fault(("map", "timezone"), f"no such time zone: {columns.about.timezone!r}")
    if not _is_text(columns.about.encoding):
        yield Fault(("map", "encoding"), f"no such encoding: {columns.about.encoding!r}")
    if not columns.about.delimiter.isprintable() and columns.about.delimiter != "\t":
        yield Fault(("map", "delimiter"), f"cannot part cells: {columns.about.delimiter!r}")
    for name, times in (("reported_at", columns.reported_at), ("load", columns.load)):
        key = "formats" if times.formats else "format"
        forms = times.forms() if times.columns else ()
        for form in forms:
            if not _is_form(form, date=True):
                yield Fault((name, key), f"no form of a date: {form!r}")
            elif not times.first_sent and not _HOUR.search(form):
                yield Fault((name, key), f"no time of day in it: {form!r}")
    if not _is_form(columns.steps.format, date=False):
        yield Fault(("steps", "format"), f"no form of a time of day: {columns.steps.format!r}")
    if not _is_system(columns.place.epsg):
        yield Fault(("place", "epsg"), f"no such reference system: {columns.place.epsg}")


def _is_text(name: str) -> bool:
    """An encoding of text (zip and its like are codecs, too, and may grow without bound)."""
    try:
        found = codecs.lookup(name)
        return bool(found._is_text_encoding) and "x".encode(name).decode(name) == "x"
    except (LookupError, UnicodeError, ValueError):
        return False


def _is_form(form: str, *, date: bool) -> bool:
    from muster.simulate.moments import has_date

    moment = datetime(2017, 2, 23, 13, 45, 59, tzinfo=UTC)
    try:
        text = moment.strftime(form)
        read = datetime.strptime(text, form)  # noqa: DTZ007
    except (ValueError, re.error, UnicodeError):
        return False
    return has_date(form) and read.date() == moment.date() if date else not has_date(form)


def _is_system(epsg: int) -> bool:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_epsg(epsg)
    except (CRSError, OverflowError):
        return False
    return True
