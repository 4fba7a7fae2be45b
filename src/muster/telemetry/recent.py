"""Which fixes came lately, so that a batch sent again is known without asking the database.

A table of fixed size: each fix has one place in it, the newest fix of a place stays. What is
found there was seen for certain; what is not may have been pushed out, and the history, whose
key is (unit, moment), has the last word.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from muster.telemetry.fixes import Ints, Truths

#: Bits of a moment in a key: milliseconds until 2039 and beyond; the unit's number stands above.
_MOMENT_BITS: Final = 42
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


class Recent:
    """The last fixes, `2 ** bits` of them at most (8 bytes each)."""

    def __init__(self, bits: int = 17) -> None:
        self._keys = np.zeros(1 << bits, np.uint64)
        self._shift = np.uint64(64 - bits)

    def seen(self, unit: Ints, at: Ints) -> Truths:
        """Which of these fixes came before. Never true of one that did not."""
        keys = _keys(unit, at)
        known: Truths = self._keys[self._places(keys)] == keys
        return known

    def note(self, unit: Ints, at: Ints) -> None:
        keys = _keys(unit, at)
        self._keys[self._places(keys)] = keys

    def _places(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return (keys * _SPREAD) >> self._shift


def _keys(unit: Ints, at: Ints) -> NDArray[np.uint64]:
    moment = at.astype(np.uint64)
    # One more, so that no key is 0: that is an empty place.
    return ((unit.astype(np.uint64) + np.uint64(1)) << np.uint64(_MOMENT_BITS)) | moment
