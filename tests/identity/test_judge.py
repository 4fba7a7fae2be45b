"""The pure judgement over generated rows, against a second, plain statement of the rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.identity.authoriser import IdentityAuthoriser
from muster.identity.authority import CELLS, OPENING, OPERATIONS, Cell
from muster.identity.roles import ROLES, SYSTEM
from muster.journal.context import Actor
from muster.journal.refusal import Refused
from tests.identity.city import TREE

JUDGE = IdentityAuthoriser().judge
ACTOR = Actor("somebody", "ab" * 32)
SESSION = ("session", "somebody", None, None)


def path(organisation: str) -> str:
    parent = TREE[organisation][0]
    return f"{path(parent)}.{organisation}" if parent else organisation


def under(organisation: str, above: str) -> bool:
    """Walks the tree itself; knows no paths."""
    step: str | None = organisation
    while step is not None:
        if step == above:
            return True
        step = TREE[step][0]
    return False


PLACES = st.sampled_from(sorted(TREE))
GRANTS = st.lists(st.tuples(st.sampled_from(sorted(ROLES)), PLACES), max_size=4)
ACCESS = st.dictionaries(PLACES, st.sampled_from(["own", "asked"]), max_size=3)
MATTERS = st.lists(ACCESS, min_size=1, max_size=3)
ON_MATTERS = sorted(set(OPERATIONS) - OPENING)


def rows_of(
    grants: list[tuple[str, str]], matters: list[dict[str, str]], session: bool = True
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [SESSION] if session else []
    rows += [("grant", role, place, path(place)) for role, place in grants]
    for number, access in enumerate(matters):
        name = f"matter{number}"
        rows += [("matter", name, path(p), relation) for p, relation in access.items()]
        if not access:
            rows.append(("matter", name, None, None))
    return rows


def plain_answer(grant: tuple[str, str], operation: str, access: dict[str, str]) -> bool:
    role, place = grant
    cell = CELLS[operation, role]
    if cell is Cell.NO:
        return False
    counted = ("own",) if cell is Cell.OWN else ("own", "asked")
    return any(under(p, place) for p, relation in access.items() if relation in counted)


def judged(rows: list[tuple[Any, ...]], operation: str, organisation: str | None = None) -> str:
    try:
        return JUDGE(rows, ACTOR, operation, organisation).role
    except Refused as refused:
        return refused.code


@given(GRANTS, MATTERS, st.sampled_from(ON_MATTERS))
def test_judge_agrees_with_the_plain_rules(
    grants: list[tuple[str, str]], matters: list[dict[str, str]], operation: str
) -> None:
    def some(name: str, access: dict[str, str]) -> bool:
        return any(plain_answer(grant, name, access) for grant in grants)

    answer = judged(rows_of(grants, matters), operation)
    if not all(some("read.incident", access) for access in matters):
        assert answer == "matter.unknown"
    elif not all(some(operation, access) for access in matters):
        assert answer == "authority.denied"
    else:
        assert answer in {role for role, _ in grants}


@given(
    GRANTS, MATTERS, st.sampled_from(ON_MATTERS), st.tuples(st.sampled_from(sorted(ROLES)), PLACES)
)
def test_one_more_grant_never_takes_a_right_away(
    grants: list[tuple[str, str]],
    matters: list[dict[str, str]],
    operation: str,
    more: tuple[str, str],
) -> None:
    if judged(rows_of(grants, matters), operation) in ROLES:
        assert judged(rows_of([*grants, more], matters), operation) in ROLES


@given(GRANTS, MATTERS, st.sampled_from(ON_MATTERS))
def test_the_authority_used_is_a_grant_of_the_actor_that_suffices_for_the_first_matter(
    grants: list[tuple[str, str]], matters: list[dict[str, str]], operation: str
) -> None:
    try:
        used = JUDGE(rows_of(grants, matters), ACTOR, operation, None)
    except Refused:
        return
    assert (used.role, used.organisation) in grants
    assert plain_answer((used.role, used.organisation), operation, matters[0])


@given(GRANTS, MATTERS, st.sampled_from(OPERATIONS))
def test_without_a_live_session_nothing_is_told(
    grants: list[tuple[str, str]], matters: list[dict[str, str]], operation: str
) -> None:
    assert judged(rows_of(grants, matters, session=False), operation) == "session.expired"


@given(GRANTS, ACCESS, st.sampled_from(ON_MATTERS))
def test_an_invisible_matter_and_none_look_alike(
    grants: list[tuple[str, str]], access: dict[str, str], operation: str
) -> None:
    if not any(plain_answer(grant, "read.incident", access) for grant in grants):
        there = judged(rows_of(grants, [access]), operation)
        absent = judged(rows_of(grants, [{}]), operation)
        assert there == absent == "matter.unknown"


@given(GRANTS, st.one_of(st.none(), PLACES))
def test_opening_a_matter_asks_for_the_organisation_only(
    grants: list[tuple[str, str]], organisation: str | None
) -> None:
    rows = rows_of(grants, [{"west1": "own"}])
    rows += [("organisation", place, path(place), None) for place in TREE]
    able = any(
        CELLS["incident.report", role] is not Cell.NO
        and (organisation is None or under(organisation, place))
        for role, place in grants
    )
    answer = judged(rows, "incident.report", organisation)
    assert answer in ROLES if able else answer == "authority.denied"


def test_opening_at_an_unknown_organisation() -> None:
    rows = rows_of([("call_taker", "city")], [{}])
    assert judged(rows, "incident.report", "nowhere") == "organisation.unknown"


@pytest.mark.parametrize("actor", SYSTEM)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_system_actors(actor: str, operation: str) -> None:
    rows = [("root", "city", "city", None)]
    allowed = (actor, operation) in {
        ("system:clock", "incident.clock"),
        ("system:clock", "retention.clock"),
        ("system:reaction", "incident.erase_again"),
        ("system:reaction", "incident.reoffer"),
    }
    try:
        used = JUDGE(rows, Actor(actor), operation, None)
    except Refused as refused:
        assert refused.code == "authority.denied" and not allowed
    else:
        assert allowed and (used.role, used.organisation) == ("system", "city")


def test_the_system_needs_an_installed_city() -> None:
    with pytest.raises(LookupError):
        JUDGE([], Actor("system:clock"), "incident.clock", None)


def test_an_operation_the_table_does_not_know_is_a_defect() -> None:
    rows = rows_of([("duty_chief", "city")], [{"city": "own"}])
    with pytest.raises(KeyError):
        JUDGE(rows, ACTOR, "incident.forget", None)
