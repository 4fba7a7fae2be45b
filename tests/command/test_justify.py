"""Why somebody looks, derived from the matter: a table of roles and states, written from the
duties and not from the code."""

from __future__ import annotations

import pytest

from muster.command.incidents import inputs
from muster.command.incidents.justify import Onlooker, justify, may_read_words, may_unmask
from muster.command.incidents.state import Incident
from muster.identity.authority import ASKED, OWN, Grant
from muster.identity.looks.look import AT_HAND, JUSTIFICATIONS

from .stages import ORDER, STAGES, at_stage
from .town import Town

AREA = {"city.north": OWN}
DESKS = ("call_taker", "dispatcher", "duty_chief", "station_room")
OPEN = ("RE", "WA", "DI", "SI", "UW", "OS", "HA", "LE", "RP", "RB")
OVER = ("CB", "AR", "ME", "CA")


def onlooker(role: str, person: str = "somebody", path: str = "city.north") -> Onlooker:
    grant = Grant(role, path.rpartition(".")[2], path)
    return Onlooker(person=person, grants=(grant,), access=AREA)


def state_of(column: str) -> Incident:
    town, matter = at_stage(column)
    state: Incident = town.states[matter]
    return state


def why(column: str, who: Onlooker, reporter: str = "taker") -> str:
    return justify(state_of(column), reporter, who).code


@pytest.mark.parametrize("column", OPEN)
@pytest.mark.parametrize(
    ("role", "code"),
    [
        *((role, "area_duty") for role in DESKS),
        ("officer", "own_area"),
        ("analyst", "analysis"),
        ("auditor", "own_area"),
        ("partner", "own_area"),
        ("volunteer", "own_area"),
    ],
)
def test_an_open_matter_of_the_own_area(column: str, role: str, code: str) -> None:
    assert why(column, onlooker(role)) == code


@pytest.mark.parametrize("column", OVER)
@pytest.mark.parametrize("role", [*DESKS, "officer", "auditor", "partner", "volunteer"])
def test_what_is_over_is_nobodys_work(column: str, role: str) -> None:
    assert why(column, onlooker(role)) == "no_task"


@pytest.mark.parametrize("role", [*DESKS, "officer", "auditor", "analyst"])
def test_the_call_back_is_the_desks(role: str) -> None:
    expected = {"analyst": "analysis"} | dict.fromkeys(DESKS, "callback_due")
    assert why("CL", onlooker(role)) == expected.get(role, "no_task")


def test_the_call_back_is_due_only_until_it_is_made() -> None:
    town = Town()
    matter = town.fresh()
    STAGES["CL"][1](town, matter)
    town.do(matter, "incident.call_back", inputs.CallBack(1))
    assert justify(town.states[matter], "taker", onlooker("call_taker")).code == "no_task"


@pytest.mark.parametrize("role", ["dispatcher", "officer", "partner", "volunteer"])
def test_asked_in(role: str) -> None:
    who = Onlooker(
        person="somebody",
        grants=(Grant(role, "south", "city.south"),),
        access={**AREA, "city.south": ASKED},
    )
    found = justify(state_of("WA"), "taker", who)
    assert (found.code, found.basis, found.at_hand) == ("asked_in", "organisation:south", False)
    assert justify(state_of("AR"), "taker", who).code == "no_task"


def test_who_took_the_report() -> None:
    assert why("WA", onlooker("officer", "taker")) == "reported_it"
    assert why("AR", onlooker("officer", "taker")) == "no_task"


def crew_member() -> str:
    return next(iter(state_of("DI").orders.values())).crew[0]


@pytest.mark.parametrize("role", ["officer", "partner", "volunteer"])
@pytest.mark.parametrize("column", ["DI", "SI", "UW", "OS", "HA", "LE"])
def test_the_crew_of_an_order_while_it_runs_and_until_the_report(role: str, column: str) -> None:
    found = justify(state_of(column), "taker", onlooker(role, crew_member()))
    assert (found.code, found.basis) == ("order", f"order:{ORDER} unit:n1")
    assert found.at_hand


@pytest.mark.parametrize("column", ["CL", "AR"])
def test_the_crew_when_all_is_over(column: str) -> None:
    assert why(column, onlooker("officer", crew_member())) == "no_task"


def test_whoever_took_over_the_unit() -> None:
    """The order was given to another shift's crew."""
    relieved = Onlooker(
        person="relief", grants=onlooker("officer").grants, access=AREA, crews=("n1",)
    )
    assert why("HA", relieved) == "order"
    assert why("LE", relieved) == "own_area"


def test_a_row_to_review_is_a_reason() -> None:
    who = onlooker("auditor")
    sampled = Onlooker(person=who.person, grants=who.grants, access=AREA, sampled=True)
    assert why("AR", sampled) == "review_sample"
    assert "review_sample" in AT_HAND


def test_every_reason_is_reached() -> None:
    """Else a code is there that nothing gives: `role` is that of lists and logs."""
    reached = {
        why("WA", onlooker("dispatcher")),
        why("CL", onlooker("dispatcher")),
        why("DI", onlooker("officer", crew_member())),
        why("WA", onlooker("officer", "taker")),
        why("WA", onlooker("analyst")),
        why("WA", onlooker("officer")),
        why("AR", onlooker("officer")),
    }
    assert reached | {"review_sample", "asked_in", "role"} == set(JUSTIFICATIONS)


# --- what it opens -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "may"),
    [
        *((role, True) for role in (*DESKS, "auditor")),
        *((role, False) for role in ("officer", "analyst", "partner", "volunteer")),
    ],
)
def test_who_may_unmask(role: str, may: bool) -> None:
    assert may_unmask(state_of("AR"), onlooker(role)) is may


def test_an_officer_may_unmask_where_the_own_unit_was() -> None:
    assert may_unmask(state_of("AR"), onlooker("officer", crew_member()))


def test_the_words_are_withheld_from_analysts_and_idle_volunteers() -> None:
    for column in ("WA", "DI", "AR"):
        for role in (*DESKS, "officer", "auditor", "partner"):
            assert may_read_words(state_of(column), onlooker(role))
        for role in ("analyst", "volunteer"):
            assert not may_read_words(state_of(column), onlooker(role))
    volunteer = onlooker("volunteer", crew_member())
    assert may_read_words(state_of("HA"), volunteer)
    assert not may_read_words(state_of("LE"), volunteer)
