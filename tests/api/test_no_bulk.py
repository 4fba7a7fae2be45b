"""Nobody carries people away by the hundred, and nobody is found by a part of a name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.fuzzing import Fuzzed
from tests.api.seeds import CALLER, PHONE, WORDS
from tests.api.test_openapi import named, operations
from tests.stories.desk import Person

#: Rows of a page; a matter's own timeline may be longer.
MOST, OF_ONE_MATTER = 500, {"get_entries"}
#: Parameters by which people could be searched for.
SEARCHING = ("name", "caller", "phone", "text", "username", "like", "search")
#: Where `q` may stand, and what it is a part of: a number, a place on the map.
PARTS_OF = {"list_incidents", "find_places"}


def parameters(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one["schema"] for one in operation.get("parameters", ())}


def test_every_page_has_an_end() -> None:
    limits = {
        named(operation): parameters(operation)["limit"].get("maximum")
        for _, method, operation in operations()
        if method == "get" and "limit" in parameters(operation)
    }
    assert len(limits) >= 6
    unbounded = {
        n for n, most in limits.items() if n not in OF_ONE_MATTER and not (most and most <= MOST)
    }
    assert not unbounded


def test_no_door_searches_for_people() -> None:
    for _, _, operation in operations():
        asked = set(parameters(operation))
        assert not asked & set(SEARCHING), named(operation)
        assert "q" not in asked or named(operation) in PARTS_OF


def test_no_register_of_people_is_a_file() -> None:
    """Files to carry away: the access log, and what retention will delete and has deleted."""
    files = {
        path
        for path, _, operation in operations()
        for answer in operation["responses"].values()
        if "text/csv" in answer.get("content", {})
    }
    assert files == {"/api/access/export", "/api/retention/due.csv", "/api/retention/gone.csv"}


@pytest.mark.parametrize(
    "words", [CALLER, CALLER[:2], PHONE, PHONE[-4:], WORDS[:6], "%", "_", "*", "%_%", ".*"]
)
def test_no_incident_is_found_by_a_caller_or_a_wildcard(
    target: Fuzzed, chief: Person, matter: str, words: str
) -> None:
    said = chief.http.request(
        "GET",
        f"{chief.url}/api/incidents",
        fields={"q": words, "scope": "all"},
        headers=chief.headers,
    ).json()
    if words.isascii() and words.strip("-").isdigit():
        assert all(words in row["number"] for row in said["items"])
    else:
        assert said["items"] == []


def test_people_are_paged_and_no_name_narrows_them(target: Fuzzed) -> None:
    administrator = target.people["administrator"]
    page = administrator.get("/api/people?limit=5")
    assert len(page["items"]) == 5 and page["next"]
    assert administrator.get("/api/people?limit=5&name=示例&q=示例") == page
    assert administrator.ask("/api/people?limit=501").code == "input.invalid"
    assert administrator.ask("/api/people?limit=5&after=%25").code == "input.invalid"
