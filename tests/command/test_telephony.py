"""The same notices give the same call: in any order, told once or ten times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.command.telephony.state import Kind, Notice, Telling, heard, waited

T0 = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KINDS: list[Kind] = ["ringing", "answered", "transferred", "ended", "abandoned"]


def told(*notices: Notice) -> Telling:
    telling = Telling()
    for one in notices:
        telling = heard(telling, one)
    return telling


def notice(kind: Kind, sequence: int, s: int = 0, number: str = "", extension: str = "") -> Notice:
    return Notice(kind, sequence, T0 + timedelta(seconds=s), number, extension)


RINGING = notice("ringing", 1, 0, "19900000001", "8003")
ANSWERED = notice("answered", 2, 9)
MOVED = notice("transferred", 3, 30, "", "8007")
ENDED = notice("ended", 4, 60)
HUNG_UP = notice("abandoned", 2, 12)


@pytest.mark.parametrize(
    ("notices", "state"),
    [
        ((RINGING,), "ringing"),
        ((ANSWERED,), "answered"),  # its ringing was lost
        ((RINGING, ANSWERED), "answered"),
        ((RINGING, ANSWERED, MOVED), "answered"),
        ((RINGING, ANSWERED, ENDED), "ended"),
        ((RINGING, ENDED), "ended"),  # its answer was lost: nobody has to be called back
        ((RINGING, HUNG_UP), "abandoned"),
        ((HUNG_UP,), "abandoned"),
        ((RINGING, HUNG_UP, ANSWERED), "ended"),
        ((MOVED,), "ringing"),
    ],
)
def test_the_state(notices: tuple[Notice, ...], state: str) -> None:
    assert told(*notices).state == state


def test_times_number_and_the_last_extension() -> None:
    telling = told(ENDED, MOVED, RINGING, ANSWERED)
    assert (telling.at("ringing"), telling.at("answered")) == (T0, T0 + timedelta(seconds=9))
    assert (telling.number, telling.extension) == ("19900000001", "8007")


NOTICES = st.builds(
    Notice,
    st.sampled_from(KINDS),
    st.integers(0, 5),
    st.integers(0, 5).map(lambda s: T0 + timedelta(seconds=s)),
    st.sampled_from(["", "19900000001", "19900000002"]),
    st.sampled_from(["", "8003", "8007"]),
    st.sampled_from([None, timedelta(hours=3), timedelta(hours=3, seconds=2)]),
)


@given(
    st.lists(NOTICES, max_size=8).flatmap(
        lambda all_: st.tuples(st.just(all_), st.permutations(all_))
    ),
    st.data(),
)
def test_order_and_repetition_change_nothing(
    both: tuple[list[Notice], list[Notice]], data: st.DataObject
) -> None:
    first, other = both
    again = data.draw(st.lists(st.sampled_from(other), max_size=5)) if other else []
    assert told(*first) == told(*other, *again)


def test_a_clock_that_is_wrong_and_notices_that_are_slow_change_no_waiting_time() -> None:
    slow = Notice("ringing", 1, T0, offset=timedelta(hours=3, seconds=9))
    fast = Notice("answered", 2, T0 + timedelta(seconds=14), offset=timedelta(hours=3))
    telling = told(slow, fast)
    assert telling.at("ringing") == T0 + timedelta(hours=3)
    assert telling.at("answered") == T0 + timedelta(hours=3, seconds=14)


def test_norms_are_counted_at_their_edges() -> None:
    counts = waited([0, 15, 15.1, 20, 20.1], abandoned=2)
    assert (counts.answered, counts.within_15, counts.within_20, counts.abandoned) == (5, 2, 4, 2)
    assert waited([], 0).answered == 0
