"""Lets a test set the clock of a Muster that runs: on the import path of its processes only.

The file named by JUMP_FILE holds the seconds by which the machine's clock is off.
"""

import os
from datetime import timedelta
from pathlib import Path

if "JUMP_FILE" in os.environ:
    from muster.journal import clock

    _file, _true = Path(os.environ["JUMP_FILE"]), clock.real_now

    def _jumped():  # type: ignore[no-untyped-def]
        return _true() + timedelta(seconds=float(_file.read_text() or 0))

    clock.real_now = _jumped
