"""One Muster per data folder, by an operating-system lock that dies with its holder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muster.supervise import processes
from muster.supervise.trouble import Trouble, writing


class Held(Trouble):
    """Another process works in the data folder. `pid` is 0 when it did not say."""

    def __init__(self, folder: Path, pid: int, command: str) -> None:
        who = f"{pid}（{command}）" if command else str(pid)
        super().__init__(
            f"数据文件夹 {folder} 正被另一个进程使用：进程 {who}。"
            "请先停止它，或用 --data 换一个文件夹。",
            f"The data folder {folder} is in use by another process: {pid} ({command}). Stop it "
            "first, or choose another folder with --data.",
        )
        self.pid = pid


class NoFolder(Trouble):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} 不能作数据文件夹：那里建不了文件夹。请用 --data 换一个位置。",
            f"{folder} cannot be a data folder: no folder can be made there. Choose another place "
            "with --data.",
        )


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the data folder `folder` (made if missing) for the length of the block.

    Raises Held, NoFolder, ReadOnly or DiskFull.
    """
    with writing(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds keys and passwords
        except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
            raise NoFolder(folder) from error
        # Not inheritable, like every file Python opens: no child can keep the lock alive.
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = holder(folder)
            raise Held(folder, pid, processes.name_of(pid)) from None
        with writing(folder):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(folder: Path) -> int:
    """The process that wrote itself into the lock file; 0 if nobody did."""
    try:
        words = (folder / "lock").read_text()
    except OSError:
        return 0
    return int(words) if words.isdigit() else 0
