"""The table of authority: complete, and its answers as an independent reader expects them."""

from __future__ import annotations

import pytest

from muster.identity.authority import (
    CELLS,
    OPERATIONS,
    POWER,
    READ,
    TABLE,
    Cell,
    Grant,
    by_crew,
    choose,
    covers,
    least,
    parse,
    suffices,
    suffices_at,
)
from muster.identity.roles import CLOCK, REACTION, ROLES, SYSTEM

INCIDENT = (
    "report",
    "complete",
    "remark",
    "correct_place",
    "correct_time",
    "categorise",
    "change_level",
    "dispatch",
    "withdraw",
    "transfer",
    "accept_transfer",
    "ask_in",
    "urge",
    "request_cancel",
    "confirm_cancel",
    "decline_cancel",
    "merge",
    "unmerge",
    "feed_back",
    "return_feedback",
    "close",
    "call_back",
    "archive",
    "erase_again",
    "clock",
    "reoffer",
)
STEPS = ("deliver", "sign", "set_out", "arrive", "handle", "finish", "return")
OPERATIONS_OF_THE_CONTRACT = {f"incident.{one}" for one in INCIDENT} | {
    f"order.{one}" for one in STEPS
}


def test_every_operation_has_an_answer_for_every_role() -> None:
    for operation in OPERATIONS:
        for role in (*ROLES, *SYSTEM):
            assert isinstance(CELLS[operation, role], Cell)
    assert set(OPERATIONS) >= OPERATIONS_OF_THE_CONTRACT


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("incident.close             .", "incident.close             ", "12 cells for 13"),
        ("incident.close             .", "incident.close             . .", "14 cells for 13"),
        ("incident.close  ", "incident.archive", "stands twice"),
        ("incident.close             .", "incident.close             X", "'X'"),
        ("CT DI", "CT CT", "columns"),
    ],
)
def test_a_broken_table_is_seen_failing(old: str, new: str, fault: str) -> None:
    assert old in TABLE
    with pytest.raises(ValueError, match=fault):
        parse(TABLE.replace(old, new, 1))


#: Written from the duties, not from the table: who may, of all roles, and how far.
EXPECTED: dict[str, dict[str, Cell]] = {
    "incident.report": dict.fromkeys(
        ("call_taker", "dispatcher", "duty_chief", "station_room", "officer"), Cell.OWN
    ),
    "incident.confirm_cancel": {"duty_chief": Cell.OWN},
    "retention.approve_erasure": {"duty_chief": Cell.OWN},
    "incident.withdraw": dict.fromkeys(("dispatcher", "duty_chief", "station_room"), Cell.OWN),
    "incident.dispatch": dict.fromkeys(("dispatcher", "duty_chief", "station_room"), Cell.PARTY),
    "order.sign": {
        "officer": Cell.UNIT,
        "partner": Cell.UNIT,
        "volunteer": Cell.UNIT,
        "dispatcher": Cell.PARTY,
        "duty_chief": Cell.PARTY,
        "station_room": Cell.PARTY,
    },
    "incident.remark": dict.fromkeys(
        (
            "call_taker",
            "dispatcher",
            "duty_chief",
            "station_room",
            "officer",
            "partner",
            "volunteer",
        ),
        Cell.PARTY,
    ),
    "incident.clock": {CLOCK: Cell.OWN},
    "incident.reoffer": {REACTION: Cell.OWN},
    "incident.erase_again": {REACTION: Cell.OWN},
    "read.audit": {"auditor": Cell.OWN, "administrator": Cell.OWN},
    "manage.people": {"administrator": Cell.OWN},
    "read.policy": {"auditor": Cell.OWN, "administrator": Cell.OWN},
    "manage.policy": {"administrator": Cell.OWN},
    "confirm.reset": {"duty_chief": Cell.OWN, "administrator": Cell.OWN},
    "confirm.trust": {"duty_chief": Cell.OWN, "administrator": Cell.OWN},
    "manage.tokens": {"administrator": Cell.OWN},
    "simulate.clock": {"simulator": Cell.OWN},
    "read.access_log": {"auditor": Cell.OWN},
    "review.access_log": {"auditor": Cell.OWN},
    "read.words": {
        **dict.fromkeys(
            ("call_taker", "dispatcher", "duty_chief", "station_room", "officer", "partner"),
            Cell.PARTY,
        ),
        "volunteer": Cell.UNIT,
        "auditor": Cell.OWN,
    },
    "read.private": {
        "call_taker": Cell.OWN,
        "dispatcher": Cell.OWN,
        "duty_chief": Cell.OWN,
        "station_room": Cell.OWN,
        "officer": Cell.UNIT,
        "auditor": Cell.OWN,
    },
}


@pytest.mark.parametrize("operation", sorted(EXPECTED))
def test_the_answers_are_the_expected_ones(operation: str) -> None:
    answers = {
        role: CELLS[operation, role]
        for role in (*ROLES, *SYSTEM)
        if CELLS[operation, role] is not Cell.NO
    }
    assert answers == EXPECTED[operation]


def _allowed(role: str) -> set[str]:
    return {name for name in OPERATIONS if CELLS[name, role] is not Cell.NO}


def test_readers_write_nothing() -> None:
    assert all(name.startswith("read.") for name in _allowed("analyst"))
    keeping = ("place_hold", "lift_hold", "approve_unsealing")
    changing = {name for name in _allowed("auditor") if not name.startswith("read.")}
    assert changing == {"review.access_log"} | {f"retention.{one}" for one in keeping}


def test_administrators_and_simulators_touch_no_matter() -> None:
    assert not {n for n in _allowed("administrator") if n.startswith(("incident.", "order."))}
    assert READ not in _allowed("administrator")
    assert _allowed("simulator") == {"simulate.clock"}


def test_whoever_may_change_a_matter_may_read_it() -> None:
    """Otherwise a refusal would say more than the reader does."""
    for role in ROLES:
        changing = {n for n in _allowed(role) if n.startswith(("incident.", "order."))}
        assert not changing or CELLS[READ, role] is Cell.PARTY


def test_system_actors_do_only_their_own() -> None:
    assert _allowed(CLOCK) == {"incident.clock", "retention.clock"}
    assert _allowed(REACTION) == {"incident.reoffer", "incident.erase_again"}


def test_a_duty_chief_may_all_a_dispatcher_may() -> None:
    assert _allowed("dispatcher") < _allowed("duty_chief")


EAST = Grant("dispatcher", "east", "city.east")
EAST1 = Grant("station_room", "east1", "city.east.east1")
CITY_CHIEF = Grant("duty_chief", "city", "city")
OFFICER = Grant("officer", "east1", "city.east.east1")


def test_areas_are_paths_not_prefixes() -> None:
    assert covers("city.east", "city.east")
    assert covers("city.east", "city.east.east1")
    assert not covers("city.east.east1", "city.east.east10")
    assert not covers("city.east.east1", "city.east")


def test_down_sideways_and_asked_in() -> None:
    own, asked = {"city.east.east1": "own"}, {"city.west": "own", "city.east.east1": "asked"}
    assert suffices(EAST, "incident.close", own)
    assert not suffices(EAST, "incident.close", {"city.west": "own"})
    assert not suffices(EAST, "incident.close", asked)
    assert suffices(EAST, "incident.dispatch", asked)
    assert not suffices(EAST1, "incident.close", {"city.east": "own"})
    assert suffices_at(EAST, "incident.report", "city.east.east1")
    assert not suffices_at(EAST1, "incident.report", "city.east")
    assert suffices_at(EAST1, "incident.report", None)
    assert not suffices_at(EAST1, "manage.people", None)


def test_the_least_powerful_then_the_nearest_grant_acts() -> None:
    own = {"city.east.east1": "own"}
    near = Grant("duty_chief", "east", "city.east")
    assert choose([CITY_CHIEF, EAST, near], "incident.close", [own]) == EAST
    assert choose([CITY_CHIEF, near], "incident.confirm_cancel", [own]) == near
    assert POWER["volunteer"] < POWER["officer"] < POWER["dispatcher"] < POWER["duty_chief"]


def test_a_dispatcher_who_is_an_officer_too_acts_on_behalf_as_the_dispatcher() -> None:
    own = {"city.east.east1": "own"}
    assert by_crew("order.sign", "officer") and not by_crew("order.sign", "dispatcher")
    assert choose([OFFICER, EAST], "order.sign", [own]) == EAST
    assert choose([OFFICER], "order.sign", [own]) == OFFICER


def test_several_matters_need_each_and_prefer_one_grant() -> None:
    east, west = {"city.east": "own"}, {"city.west": "own"}
    west_grant = Grant("call_taker", "west", "city.west")
    assert choose([EAST], "incident.merge", [east, west]) is None
    assert choose([EAST, west_grant], "incident.merge", [east, west]) == EAST
    assert choose([EAST, west_grant, CITY_CHIEF], "incident.merge", [east, west]) == CITY_CHIEF
    assert choose([EAST], "incident.merge", []) is None
    assert least([], "incident.merge") is None
