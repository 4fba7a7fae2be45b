"""A fix sent again is known, and a new one is never taken for an old one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from muster.telemetry.recent import Recent

AT = 1_795_420_800_000
fixes = st.lists(st.tuples(st.integers(0, 1 << 21), st.integers(AT, AT + 50)), max_size=40)


@given(fixes, fixes)
def test_what_is_seen_was_noted(noted: list[tuple[int, int]], asked: list[tuple[int, int]]) -> None:
    recent = Recent(bits=4)  # small, so that fixes push each other out
    for unit, at in noted:
        recent.note(np.array([unit]), np.array([at]))
        assert recent.seen(np.array([unit]), np.array([at])).all()
    for unit, at in asked:
        if recent.seen(np.array([unit]), np.array([at])).all():
            assert (unit, at) in noted


def test_a_batch_fits_a_table_of_the_usual_size() -> None:
    recent = Recent()
    unit, at = np.arange(5000) % 7, AT + np.arange(5000) * 1000
    assert not recent.seen(unit, at).any()
    recent.note(unit, at)
    assert recent.seen(unit, at).mean() > 0.97
    assert not recent.seen(unit, at + 1).any()
