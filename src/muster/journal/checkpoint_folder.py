"""A folder of checkpoints, to be kept where the database's people cannot reach it.

    keys.jsonl                 the public keys, each signed by the one before it
    checkpoint-00000012.json   {"bytes": what was signed, "signature": …}
    heads-00000012.gz          the lines behind the roots that moved since another checkpoint

A line of heads is `matter <id> <number> <hash>` (the newest entry of a matter) or
`erasure <id> <hash>`, in the order of its bytes. The first line says since which checkpoint:
the whole list follows from one full file and the few after it, read together.
"""

from __future__ import annotations

import gzip
import heapq
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from muster.journal.signing import Signed, as_lines, line, of_line

HEADING: Final = "muster.heads/1"
#: After so many files of changes the next one is full again.
LONGEST: Final = 48
_NAME = re.compile(r"(checkpoint|heads)-(\d{8})\.(?:json|gz)")

#: (what it is about, the rest): b"matter 0192…", b"7 5f0c…"
Line = tuple[bytes, bytes]


class FolderDamaged(Exception):
    """A file of the folder is not what it should be; `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class CheckpointFolder:
    """Reads and writes one folder of checkpoints."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _file(self, number: int) -> Path:
        return self.path / f"checkpoint-{number:08d}.json"

    def _heads_file(self, number: int) -> Path:
        return self.path / f"heads-{number:08d}.gz"

    def _numbers(self, kind: str) -> set[int]:
        if not self.path.is_dir():
            return set()
        found = (_NAME.fullmatch(path.name) for path in self.path.iterdir())
        return {int(name[2]) for name in found if name and name[1] == kind}

    def numbers(self) -> list[int]:
        """The checkpoints that are here."""
        return sorted(self._numbers("checkpoint"))

    def with_heads(self) -> list[int]:
        """The checkpoints whose whole list of heads can be read here."""
        return sorted(self._numbers("checkpoint") & self._numbers("heads"))

    def read(self, number: int) -> Signed:
        """Raises FolderDamaged."""
        path = self._file(number)
        try:
            return of_line(path.read_bytes())
        except (OSError, ValueError) as error:
            raise FolderDamaged(path.name) from error

    def key_chain(self) -> list[Signed]:
        """Raises FolderDamaged."""
        path = self.path / "keys.jsonl"
        try:
            return [of_line(one) for one in path.read_bytes().splitlines()]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise FolderDamaged(path.name) from error

    # --- heads ---------------------------------------------------------------------------------

    def heads(self, number: int) -> Iterator[Line]:
        """Every line as it stood at a checkpoint, in order. Raises FolderDamaged on the way."""
        files = self._files_of(number)
        streams = [self._lines(each, order) for order, each in enumerate(files)]
        last = b""
        for about, _, rest in heapq.merge(*streams):
            if about != last:  # the newest file that has it comes first
                yield about, rest
            last = about

    def _files_of(self, number: int) -> list[int]:
        """The files to read together, the newest first, down to a full one."""
        files = [number]
        while (since := self._since(files[-1])) is not None:
            if since >= files[-1]:
                raise FolderDamaged(self._heads_file(files[-1]).name)
            files.append(since)
        return files

    def _since(self, number: int) -> int | None:
        path = self._heads_file(number)
        try:
            with gzip.open(path) as file:
                words = file.readline().decode("ascii").split()
            if words == [HEADING, str(number), "full"]:
                return None
            if words[:3] == [HEADING, str(number), "since"]:
                return int(words[3])
        except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
            raise FolderDamaged(path.name) from error
        raise FolderDamaged(path.name)

    def _lines(self, number: int, order: int) -> Iterator[tuple[bytes, int, bytes]]:
        path, last = self._heads_file(number), b""
        try:
            with gzip.open(path) as file:
                next(file)
                for text in file:
                    kind, matter, rest = text.rstrip(b"\n").split(b" ", 2)
                    about = kind + b" " + matter
                    if about <= last:
                        raise FolderDamaged(path.name)
                    last = about
                    yield about, order, rest
        except (OSError, EOFError, ValueError, StopIteration, zlib.error) as error:
            raise FolderDamaged(path.name) from error

    # --- writing -------------------------------------------------------------------------------

    def next_since(self) -> int | None:
        """The checkpoint that the next list of heads builds upon; None: it is to be a full one."""
        known = self.with_heads()
        if not known or len(self._files_of(known[-1])) > LONGEST:
            return None
        return known[-1]

    def stage(self, number: int, since: int | None, lines: Iterable[Line]) -> Path:
        """Write the heads of a checkpoint under a name that does not count yet."""
        self.path.mkdir(parents=True, exist_ok=True)
        staged = self.path / f"heads-{number:08d}.part"
        heading = f"{HEADING} {number} " + ("full" if since is None else f"since {since}")
        try:
            with staged.open("wb") as raw:
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
                    file.write(heading.encode() + b"\n")
                    for about, rest in lines:
                        file.write(about + b" " + rest + b"\n")
                raw.flush()
                os.fsync(raw.fileno())
        except BaseException:
            staged.unlink(missing_ok=True)
            raise
        return staged

    def publish(self, staged: Path, keys: Iterable[Signed], due: dict[int, Signed]) -> None:
        """Give what was staged its name, then the keys, then the checkpoints in order: the newest
        one is there only when all it needs is."""
        staged.rename(staged.with_suffix(".gz"))
        self._write(self.path / "keys.jsonl", as_lines(list(keys)))
        for number in sorted(due):
            self._write(self._file(number), line(due[number]) + b"\n")
        self._settle()

    def _write(self, path: Path, data: bytes) -> None:
        fresh = path.with_suffix(".part")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._settle()
        fresh.rename(path)

    def _settle(self) -> None:
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
