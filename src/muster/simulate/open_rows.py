"""Opens a recorded file, plain or gzip, and gives its rows in batches, in bounded memory.

Whatever it is given, garbage and archives that unpack without end included, it ends soon: with
rows, or with a ReplayRefused that says what is wrong and after which line.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Final, NamedTuple

from muster.simulate.columns import ColumnMap
from muster.simulate.refusal import ReplayRefused

BATCH: Final = 2048
LONGEST_LINE: Final = 1_000_000
#: CSV shrinks to a tenth or so. What unpacks to this much more was made to fill somebody's disk.
_MOST_UNPACKED: Final = 200
_UNPACKED_ANYWAY: Final = 500_000
MOST_ROWS: Final = 5_000_000

Row = tuple[int, list[str]]
#: (rows so far, share of the file read)
Told = Callable[[int, float], None]


class Sheet(NamedTuple):
    """header: the columns' names. batches: rows with the number of their (last) line."""

    header: list[str]
    batches: Iterator[list[Row]]


class _Bounded(io.RawIOBase):
    """The file's bytes, unpacked. Refuses what would not end."""

    def __init__(self, file: Path, stream: IO[bytes]) -> None:
        self._name, self._packed = file.name, stream
        packed = stream.read(2) == b"\x1f\x8b"
        self._size = max(stream.seek(0, io.SEEK_END), 1)
        stream.seek(0)
        self._data = gzip.GzipFile(fileobj=stream) if packed else stream
        self._unpacked = self._line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._data.read(len(view))
        view[: len(data)] = data
        self._unpacked += len(data)
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._line = self._line + len(data) if last < 0 else len(data) - last
        if self._line > LONGEST_LINE:
            raise ReplayRefused("file.line", file=self._name, most=LONGEST_LINE)
        packed = max(self._packed.tell(), 1)
        if self._unpacked > _UNPACKED_ANYWAY and self._unpacked > _MOST_UNPACKED * packed:
            raise ReplayRefused("file.bomb", file=self._name, most=_MOST_UNPACKED)
        return len(data)

    def share(self) -> float:
        return min(self._packed.tell() / self._size, 1.0)


@contextmanager
def opened(file: Path, columns: ColumnMap, map_name: str, told: Told | None) -> Iterator[Sheet]:
    """The rows are read as they are asked for, inside the `with`."""
    line = 0
    try:
        with file.open("rb") as stream:
            data = _Bounded(file, stream)
            buffered = io.BufferedReader(data, 1 << 17)
            text = io.TextIOWrapper(buffered, columns.about.encoding, newline="")
            reader = csv.reader(text, delimiter=columns.about.delimiter)

            def rest() -> Iterator[list[Row]]:
                nonlocal line
                rows = 0
                while batch := [(reader.line_num, cells) for cells in islice(reader, BATCH)]:
                    line, rows = batch[-1][0], rows + len(batch)
                    if rows > MOST_ROWS:
                        raise ReplayRefused("file.rows", file=file.name, most=MOST_ROWS)
                    yield batch
                    if told is not None:
                        told(rows, data.share())

            yield Sheet(_header(next(reader, []), file, columns, map_name), rest())
    except UnicodeError as error:
        encoding = columns.about.encoding
        raise ReplayRefused(
            "file.encoding", file=file.name, line=line, encoding=encoding
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile, csv.Error) as error:
        raise ReplayRefused("file.damaged", file=file.name, line=line, detail=error) from error
    except OSError as error:
        raise ReplayRefused("file.missing", file=file.name, detail=error.strerror) from error


def _header(cells: list[str], file: Path, columns: ColumnMap, map_name: str) -> list[str]:
    """Raises ReplayRefused when a column the map reads is not there, or there twice."""
    if not any(cells):
        raise ReplayRefused("file.empty", file=file.name)
    header = [name.strip().lstrip("\ufeff").strip() for name in cells]
    wanted = columns.columns()
    missing = [name for name in wanted if name not in header]
    if missing:
        shown = ", ".join(missing)
        raise ReplayRefused("file.columns", file=file.name, map=map_name, columns=shown)
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        shown = ", ".join(twice)
        raise ReplayRefused("file.twice", file=file.name, map=map_name, columns=shown)
    return header
