"""A file that somebody named to write to: it is there whole or not at all.

Whatever is in the way is said before anything else is done, and in both languages.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from muster.supervise.trouble import reaching


class Target:
    """The file under a name that does not count yet."""

    def __init__(self, path: Path, part: Path, file: int) -> None:
        self.path, self._part, self._file = path, part, file

    def put(self, data: bytes) -> None:
        """Have the file there with `data` in it, on the disk. Raises Trouble."""
        with reaching(self.path):
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
            self._part.rename(self.path)


@contextmanager
def target(path: Path, *, private: bool = False) -> Iterator[Target]:
    """Opened at once, so that an impossible place is told before the work. `private`: for our
    eyes only, as it may hold personal texts. Raises Trouble; what was there stays as it was."""
    part = path.with_name(path.name + ".part") if path.name else path
    with reaching(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        yield Target(path, part, handle)
    finally:
        os.close(handle)
        with suppress(OSError):
            part.unlink(missing_ok=True)


def folder_there(path: Path) -> Path:
    """A folder that somebody named to write into, made if it is missing. Raises Trouble."""
    with reaching(path):
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "not writable", str(path))
    return path
