"""A full disk and a read-only folder are said in one sentence, and nothing confirmed is lost."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from muster.supervise.trouble import DiskFull, ReadOnly, Trouble, writing

SMALL = Path(__file__).with_name("small_disk.py")
# A mount namespace of our own: as root directly, else through a user namespace.
NAMESPACE = ["unshare", "--mount"] + (["--user", "--map-root-user"] if os.geteuid() else [])


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("initial", "The disk is full"),
        ("start", "The disk is full"),
        ("running", "The disk is full"),
        ("read-only", "cannot be written to"),
    ],
)
def test_the_disk_is_named_not_a_stack_trace(case: str, words: str, tmp_path: Path) -> None:
    told = subprocess.run(
        [*NAMESPACE, sys.executable, str(SMALL), case, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert words in told.stdout, told.stdout + told.stderr
    assert "Traceback" not in told.stderr and str(tmp_path) in told.stdout


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, DiskFull), (errno.EROFS, ReadOnly), (errno.EACCES, ReadOnly)],
)
def test_the_reason_is_read_from_the_error(number: int, kind: type[Trouble]) -> None:
    with pytest.raises(kind), writing(Path("data")):
        raise OSError(number, "no")


def test_any_other_error_stays_loud() -> None:
    with pytest.raises(OSError, match="loud"), writing(Path("data")):
        raise OSError(errno.EIO, "loud")
