"""What a person is told when Muster cannot start or go on: one sentence, in two languages."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Trouble(Exception):
    """An expected obstacle. `zh` and `en` are whole sentences that say what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh}\n{en}")
        self.zh = zh
        self.en = en


class DiskFull(Trouble):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"磁盘已满：{folder} 所在的磁盘没有空间了，请腾出空间后再启动；已确认的数据没有丢失。",
            f"The disk is full: no space is left where {folder} is. Free some space and start "
            "again; nothing already confirmed is lost.",
        )


class ReadOnly(Trouble):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"数据文件夹 {folder} 不可写，请改用可写的位置（--data DIR）或修改权限。",
            f"The data folder {folder} cannot be written to: choose another place (--data DIR) "
            "or change its permissions.",
        )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a full disk or a read-only folder met inside the block into its sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(folder) from error
        if error.errno in _READ_ONLY:
            raise ReadOnly(folder) from error
        if error.errno in _NO_FOLDER:
            raise unwritable(folder, error) from error
        raise


# --- a place that somebody named to write to -----------------------------------------------------

_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_NO_FOLDER = (errno.ENOTDIR, errno.EEXIST)


def unwritable(place: Path, error: OSError) -> Trouble:
    """The sentence for what keeps `place`, a file or a folder, from being written."""
    if error.errno in _FULL:
        return Trouble(
            f"磁盘已满，没有写成 {place}：请腾出空间，或换一块磁盘，再试一次。",
            f"The disk is full and {place} was not written: free some space, or choose another "
            "disk, and try again.",
        )
    missing = error.errno == errno.ENOENT and not place.parent.is_dir()
    if error.errno in _READ_ONLY or (error.errno == errno.ENOENT and not missing):
        return Trouble(
            f"{place} 不可写：请换一个可写的位置，或修改权限。",
            f"{place} cannot be written to: choose another place, or change its permissions.",
        )
    if error.errno == errno.EISDIR:
        return Trouble(
            f"{place} 是文件夹：请写明文件名。", f"{place} is a folder: name a file in it."
        )
    if error.errno in _NO_FOLDER:
        return Trouble(
            f"{place} 处或其路径上有一个文件，不是文件夹：请换一个位置。",
            f"A file stands at {place} or on the way there, where a folder is needed: choose "
            "another place.",
        )
    if missing:
        return Trouble(
            f"{place} 所在的文件夹不存在：请先建好，或换一个位置。",
            f"The folder {place} would be in does not exist: make it first, or choose another "
            "place.",
        )
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    return Trouble(f"没有写成 {place}（{why}）。", f"{place} could not be written ({why}).")


@contextmanager
def reaching(place: Path) -> Iterator[None]:
    """Turn whatever keeps `place` from being written inside the block into its sentence."""
    try:
        yield
    except OSError as error:
        raise unwritable(place, error) from error
