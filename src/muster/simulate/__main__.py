"""`python -m muster.simulate`: a simulated city at a running instance, until told to stop.

MUSTER_SIMULATE holds the settings as JSON: {"url", "city" (a pack's folder), "password" (of the
demonstration accounts), "seed"}; see live.Settings.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

import msgspec

from muster.simulate.live import LiveCity, Settings
from muster.simulate.refusal import ReplayRefused


def main() -> int:
    """0 when stopped, 2 when the settings or the instance do not fit."""
    text = os.environ.get("MUSTER_SIMULATE", "")
    try:
        settings = msgspec.json.decode(text, type=Settings)
    except msgspec.DecodeError as error:
        print(f"MUSTER_SIMULATE: {error}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        LiveCity(settings, stop).run()
    except ReplayRefused as error:
        print(f"simulate: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
