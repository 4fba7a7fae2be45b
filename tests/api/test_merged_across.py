"""What one area may know of another's matter when the two were merged; whose numbers are told."""

from __future__ import annotations

from typing import Any

import pytest

from muster.identity.authority import CELLS, Cell
from muster.identity.roles import ROLES
from tests.api.fuzzing import Fuzzed
from tests.api.staff import hire
from tests.stories.desk import Person

OURS, THEIRS = "pt-shenjiamen", "dh-lincheng"


def reported(target: Fuzzed, organisation: str) -> tuple[str, str]:
    """(id, number) of a fresh matter of an organisation."""
    at = target.seeds.pack.organisations[organisation]
    place = {"lon": at.lon, "lat": at.lat, "label": "示例"}
    body = target.seeds.report(organisation=organisation, place=place)
    answer = target.seeds.chief.do("/api/incidents", body)
    return answer["matter"], answer["number"]


def everything(who: Person, matter: str) -> str:
    """All that is said of a matter, in one text."""
    paths = ("", "/entries", "/duplicates")
    said = [who.get(f"/api/incidents/{matter}{path}") for path in paths]
    listed = who.get("/api/incidents?scope=all&limit=500")["items"]
    return str(said) + str([row for row in listed if row["id"] == matter])


def owner_of(target: Fuzzed, matter: str) -> str:
    return str(target.seeds.chief.get(f"/api/incidents/{matter}")["row"]["organisation"])


@pytest.fixture(scope="module")
def merged(target: Fuzzed) -> dict[str, tuple[str, str]]:
    """A matter of 定海 joined to one of 普陀 by somebody of the city."""
    main, duplicate = reported(target, OURS), reported(target, THEIRS)
    assert (owner_of(target, main[0]), owner_of(target, duplicate[0])) == (OURS, THEIRS)
    target.seeds.do(duplicate[0], "merge", {"into": main[0], "reason": "示例"})
    return {"main": main, "duplicate": duplicate}


@pytest.mark.parametrize("role", ["dispatcher", "duty_chief", "station_room", "auditor", "analyst"])
def test_the_other_of_two_merged_is_for_who_may_see_it(
    target: Fuzzed, merged: dict[str, tuple[str, str]], role: str
) -> None:
    main, duplicate = merged["main"], merged["duplicate"]
    _, ours = hire(target.server, (role, OURS))
    _, theirs = hire(target.server, (role, THEIRS))
    text = everything(ours, main[0])
    assert not [word for word in duplicate if word in text]
    assert "incident.absorbed" in text, "that it happened is ours to know"
    text = everything(theirs, duplicate[0])
    assert not [word for word in main if word in text]
    assert "incident.merged" in text and "'state': 'merged'" in text


def test_who_may_see_both_sees_both(target: Fuzzed, merged: dict[str, tuple[str, str]]) -> None:
    """Else the test above proves nothing."""
    main, duplicate = merged["main"], merged["duplicate"]
    text = everything(target.seeds.chief, main[0])
    assert duplicate[0] in text and duplicate[1] in text
    assert main[0] in everything(target.seeds.chief, duplicate[0])


def test_a_release_names_nobody_foreign(target: Fuzzed) -> None:
    main, duplicate = reported(target, OURS), reported(target, THEIRS)
    target.seeds.do(duplicate[0], "merge", {"into": main[0], "reason": "示例"})
    target.seeds.do(duplicate[0], "unmerge", {"main": main[0], "reason": "示例"})
    _, ours = hire(target.server, ("dispatcher", OURS))
    text = everything(ours, main[0])
    assert "incident.released" in text
    assert duplicate[0] not in text and duplicate[1] not in text


# --- numbers -----------------------------------------------------------------------------------


def total(said: Any) -> int:
    return sum(said["open"]["by_level"].values())


@pytest.mark.parametrize("role", ["partner", "volunteer"])
def test_partners_and_volunteers_count_what_they_may_see(target: Fuzzed, role: str) -> None:
    """A matter nobody asked them into is not even a number to them."""
    where = "px-lantian" if role == "volunteer" else "px-haishi"
    _, who = hire(target.server, (role, where))
    before = who.get("/api/summary")
    visible = len(who.get("/api/incidents?limit=500")["items"])
    assert total(before) == visible
    matter = target.seeds.make("waiting")
    assert who.get("/api/summary") == before
    target.seeds.do(matter, "ask_in", {"organisation": where, "reason": "示例"})
    after = who.get("/api/summary")
    assert total(after) == visible + 1
    assert after["today"]["reported"] == before["today"]["reported"] + 1
    units = who.get("/api/units")["items"]
    assert sum(after["units"]["by_group"].values()) == len(units)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_police_know_the_numbers_of_the_city(target: Fuzzed, role: str) -> None:
    _, who = hire(target.server, (role, OURS))
    cell = CELLS["read.summary", role]
    answer = who.ask("/api/summary")
    if cell is Cell.NO:
        assert answer.code == "authority.denied"
        return
    whole = target.people["duty_chief"].get("/api/summary")
    assert (answer.body == whole) == (cell is Cell.OWN)
