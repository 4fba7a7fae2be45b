"""What a person is told when Muster cannot start or go on: one sentence, in two languages."""

import errno
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
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(folder) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise ReadOnly(folder) from error
        raise
