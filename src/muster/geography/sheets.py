"""Reads a pack's CSV, TOML and GeoJSON files; whatever is wrong goes to `Faults` with its line."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from muster.geography.faults import Faults

Row = TypeVar("Row", bound=msgspec.Struct)
_FEATURE = re.compile(r'"type"\s*:\s*"Feature"')


class Feature(NamedTuple):
    """One GeoJSON feature. `rings` holds per polygon its rings as [[lon, lat], ...]."""

    line: int
    properties: dict[str, Any]
    polygons: list[list[list[list[float]]]]


def read_text(folder: Path, file: str, faults: Faults) -> str | None:
    """The file as text, or None when it is missing or not UTF-8."""
    path = folder / file
    if not path.is_file():
        faults.add(file, 0, "missing_file")
        return None
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(file, data.count(b"\n", 0, error.start) + 1, "bad_encoding")
        return None


def read_rows(folder: Path, file: str, kind: type[Row], faults: Faults) -> list[tuple[int, Row]]:
    """The rows of a CSV file with their line numbers.

    Lines starting with `#` are comments. The first other line names the columns, which are the
    fields of `kind` in any order. An empty cell means the field's default; cells of tuple fields
    are split at `;`.
    """
    text = read_text(folder, file, faults)
    if text is None:
        return []
    fields = msgspec.structs.fields(kind)
    lists = {field.name for field in fields if field.name in _tuple_fields(kind)}
    optional = {field.name for field in fields if not field.required}
    names = [field.name for field in fields]
    rows: list[tuple[int, Row]] = []
    header: list[str] | None = None
    for line, cells in _cells(text, file, faults):
        if header is None:
            header = cells
            if not _check_header(header, (names, optional), file, line, faults):
                return []
        elif len(cells) != len(header):
            faults.add(file, line, "cell_count", expected=len(header), found=len(cells))
        else:
            raw = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
            row = _convert(raw, kind, lists, (file, line), faults)
            if row is not None:
                rows.append((line, row))
    if header is None:
        faults.add(file, 1, "missing_column", column=names[0])
    return rows


def _tuple_fields(kind: type[msgspec.Struct]) -> set[str]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return {f.name for f in info.fields if isinstance(f.type, msgspec.inspect.VarTupleType)}


def _cells(text: str, file: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    line = 0

    def lines() -> Iterator[str]:
        nonlocal line
        for one in text.splitlines(keepends=True):
            line += 1
            if not one.startswith("#"):
                yield one

    try:
        for cells in csv.reader(lines(), strict=True):
            if cells:
                yield line, [cell.strip() for cell in cells]
    except csv.Error as error:
        faults.add(file, line, "bad_csv", detail=error)


def _check_header(
    header: Sequence[str],
    columns: tuple[Sequence[str], set[str]],
    file: str,
    line: int,
    faults: Faults,
) -> bool:
    names, optional = columns
    missing = [name for name in names if name not in header and name not in optional]
    unknown = [name for name in header if name not in names]
    twice = {name for name in header if header.count(name) > 1}
    for name in missing:
        faults.add(file, line, "missing_column", column=name)
    for name in unknown:
        faults.add(file, line, "unknown_column", column=name)
    for name in sorted(twice):
        faults.add(file, line, "duplicate", column="header", value=name, first=line)
    return not (missing or unknown or twice)


def _convert(
    raw: dict[str, str], kind: type[Row], lists: set[str], place: tuple[str, int], faults: Faults
) -> Row | None:
    values: dict[str, object] = {
        name: [part for part in cell.split(";") if part] if name in lists else cell
        for name, cell in raw.items()
    }
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError:
        for column, detail in _wrong(values, kind, strict=False):
            if detail is None:
                faults.add(*place, "missing_value", column=column)
            else:
                value = raw.get(column)
                faults.add(*place, "bad_value", column=column, value=value, detail=detail)
        return None


def _wrong(
    values: dict[str, Any], kind: type[msgspec.Struct], *, strict: bool
) -> Iterator[tuple[str, str | None]]:
    """Every field that does not fit, with what is wrong with it; None when it is missing.

    The conversion of the whole struct tells of the first one only.
    """
    for field in msgspec.structs.fields(kind):
        if field.name not in values:
            if field.required:
                yield field.name, None
            continue
        try:
            msgspec.convert(values[field.name], field.type, strict=strict)
        except msgspec.ValidationError as error:
            yield field.name, str(error).split(" - at")[0]


def read_toml(folder: Path, file: str, table: str, kind: type[Row], faults: Faults) -> Row | None:
    """One `[table]` of a TOML file as a struct."""
    text = read_text(folder, file, faults)
    if text is None:
        return None
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        faults.add(file, int(where[1]) if where else 0, "bad_toml", detail=error)
        return None
    values = whole.get(table)
    if not isinstance(values, dict):
        faults.add(file, 1, "missing_value", column=f"[{table}]")
        return None
    known = {field.name for field in msgspec.structs.fields(kind)}
    unknown = [name for name in values if name not in known]
    for name in unknown:
        faults.add(file, line_of(folder / file, name), "unknown_column", column=name)
    wrong = list(_wrong(values, kind, strict=True))
    for column, detail in wrong:
        if detail is None:
            line = line_of(folder / file, f"[{table}]")
            faults.add(file, line, "missing_value", column=column)
        else:
            line, value = line_of(folder / file, column), values[column]
            faults.add(file, line, "bad_value", column=column, value=value, detail=detail)
    return None if unknown or wrong else msgspec.convert(values, kind)


def read_tables(
    folder: Path, file: str, name: str, kind: type[Row], faults: Faults
) -> list[tuple[int, Row]]:
    """The `[[name]]` tables of a TOML file with the line each begins at."""
    text = read_text(folder, file, faults)
    if text is None:
        return []
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        faults.add(file, int(where[1]) if where else 0, "bad_toml", detail=error)
        return []
    for other in whole.keys() - {name}:
        faults.add(file, line_of(folder / file, other), "unknown_column", column=other)
    heads = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() == f"[[{name}]]"]
    tables = whole.get(name)
    if not isinstance(tables, list) or len(tables) != len(heads):
        faults.add(file, 1, "missing_value", column=f"[[{name}]]")
        return []
    found: list[tuple[int, Row]] = []
    for line, values in zip(heads, tables, strict=True):
        try:
            found.append((line, msgspec.convert(values, kind)))
        except msgspec.ValidationError as error:
            called = values.get("code", f"[[{name}]]")
            faults.add(file, line, "bad_value", column=name, value=called, detail=error)
    return found


def line_of(path: Path, start: str) -> int:
    """The number of the first line that starts with `start`; 0 when there is none."""
    lines = path.read_text("utf-8-sig").splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.strip().startswith(start)), 0)


def read_features(folder: Path, file: str, faults: Faults) -> tuple[bytes, list[Feature]]:
    """The file's bytes as they are, and its polygons. Other geometries are faults."""
    text = read_text(folder, file, faults)
    if text is None:
        return b"", []
    data = text.encode()
    try:
        whole = msgspec.json.decode(data)
        features = whole["features"]
        if whole["type"] != "FeatureCollection" or not isinstance(features, list):
            raise ValueError("not a FeatureCollection")
    except (msgspec.DecodeError, ValueError, KeyError, TypeError) as error:
        faults.add(file, 1, "bad_json", detail=error)
        return data, []
    lines = [text.count("\n", 0, match.start()) + 1 for match in _FEATURE.finditer(text)]
    found: list[Feature] = []
    for index, feature in enumerate(features):
        line = lines[index] if index < len(lines) else 0
        try:
            geometry = feature["geometry"]
            kind, coordinates = geometry["type"], geometry["coordinates"]
            properties = dict(feature["properties"] or {})
        except (KeyError, TypeError, ValueError):
            faults.add(file, line, "bad_geometry", value=index, detail="not a feature")
            continue
        if kind == "Polygon":
            found.append(Feature(line, properties, [coordinates]))
        elif kind == "MultiPolygon":
            found.append(Feature(line, properties, coordinates))
        else:
            faults.add(file, line, "bad_geometry", value=index, detail=f"{kind}, not a polygon")
    return data, found
