"""Positions: only what moved, only what is in view, only what may be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from muster.api.live_picture import Audience, Told
from muster.api.live_positions import PositionTeller
from muster.telemetry.fixes import Kept
from muster.telemetry.latest import Box, Latest

HERE: Box = (122.0, 29.5, 122.5, 30.5)


@dataclass(eq=False)
class Looker:
    view: Box | None = None


class Scene:
    """Units with positions, one audience that may know some of them, and what it was told."""

    def __init__(self, *lookers: Looker, units: dict[str, bool] | None = None) -> None:
        self.latest = Latest()
        self.told: list[Told] = []
        self.teller = PositionTeller(self.latest, self.told.append)
        self.audience = Audience("scope", 0, located=True)
        self.audience.units = units or {"a": True, "b": True}
        self.audience.members = dict.fromkeys(lookers)
        self._at = 0

    def move(self, unit: str, lon: float, lat: float = 30.0, heading: int | None = None) -> None:
        self._at += 1
        kept = Kept(round(lon * 1e6), round(lat * 1e6), self._at, None, heading, None)
        self.latest.update(unit, kept)

    def tell(self) -> list[Told]:
        self.told.clear()
        self.teller.tell([self.audience])
        return list(self.told)


def rows(told: Told) -> list[Any]:
    message = msgspec.json.decode(told.message.data)
    assert message["type"] == "positions"
    return list(message["positions"])


def test_what_moved_is_told_once() -> None:
    scene = Scene(Looker())
    scene.move("a", 122.1, heading=90)
    scene.move("b", 122.2)
    scene.move("a", 122.15, heading=91)
    (told,) = scene.tell()
    assert sorted(rows(told)) == [["a", 122.15, 30.0, 91, 3], ["b", 122.2, 30.0, None, 2]]
    assert scene.tell() == []


def test_only_what_is_in_view_or_leaves_it() -> None:
    scene = Scene(Looker(HERE))
    scene.move("a", 122.1)
    scene.move("b", 125.0)
    assert [row[0] for row in rows(scene.tell()[0])] == ["a"]
    scene.move("b", 125.1)
    assert scene.tell() == []
    scene.move("a", 123.0)
    assert [row[:2] for row in rows(scene.tell()[0])] == [["a", 123.0]]
    scene.move("a", 123.1)
    assert scene.tell() == []


def test_units_off_duty_and_units_of_others_are_not_told() -> None:
    scene = Scene(Looker(), units={"a": True, "b": False})
    for unit in ("a", "b", "foreign"):
        scene.move(unit, 122.1)
    assert [row[0] for row in rows(scene.tell()[0])] == ["a"]


def test_who_may_not_know_is_told_nothing() -> None:
    scene = Scene(Looker())
    scene.audience.located = False
    scene.move("a", 122.1)
    assert scene.tell() == []


def test_who_comes_gets_everything_who_looks_elsewhere_what_is_there() -> None:
    stays, comes = Looker(), Looker(HERE)
    scene = Scene(stays, comes)
    scene.move("a", 122.1)
    scene.move("b", 125.0)
    scene.tell()
    scene.teller.opened([comes])
    (told,) = scene.tell()
    assert told.members == (comes,) and len(rows(told)) == 2
    scene.teller.looked(comes)
    assert [row[0] for row in rows(scene.tell()[0])] == ["a"]
    comes.view = None
    scene.teller.looked(comes)
    assert len(rows(scene.tell()[0])) == 2


def test_what_moved_unseen_is_told_with_the_next_view() -> None:
    looker = Looker(HERE)
    scene = Scene(looker)
    scene.teller.opened([looker])
    scene.move("a", 122.1)
    scene.tell()
    scene.move("a", 123.0)
    scene.tell()  # told: it leaves the view
    scene.move("a", 124.0)
    assert scene.tell() == []
    looker.view = (122.9, 29.5, 123.1, 30.5)  # where the client last saw it
    scene.teller.looked(looker)
    assert [row[:2] for row in rows(scene.tell()[0])] == [["a", 124.0]]


def test_clients_with_the_same_view_share_the_bytes() -> None:
    lookers = [Looker(HERE if n % 2 else None) for n in range(10)]
    scene = Scene(*lookers)
    scene.move("a", 122.1)
    told = scene.tell()
    assert [len(one.members) for one in told] == [5, 5]


moves = st.lists(
    st.tuples(st.sampled_from("abc"), st.floats(121, 124), st.sampled_from(["go", "tell", "look"])),
    max_size=30,
)


@given(moves)
def test_in_the_end_everything_in_view_is_where_it_is(script: list[tuple[str, float, str]]) -> None:
    looker = Looker(HERE)
    scene = Scene(looker, units=dict.fromkeys("abc", True))
    scene.teller.opened([looker])
    shown: dict[str, float] = {}
    for unit, lon, what in script:
        if what == "go":
            scene.move(unit, lon)
        elif what == "look":
            looker.view = (lon - 0.2, 29.5, lon + 0.2, 30.5)
            scene.teller.looked(looker)
        else:
            for told in scene.tell():
                shown |= {row[0]: row[1] for row in rows(told)}
    for told in scene.tell():
        shown |= {row[0]: row[1] for row in rows(told)}
    assert looker.view is not None
    west, _, east, _ = looker.view
    there = {one.unit: one.lon for one in scene.latest.in_view(looker.view)}
    assert {unit: lon for unit, lon in shown.items() if west <= lon <= east} == there
