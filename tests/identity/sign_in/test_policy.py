"""Policies: the stricter holds on the way down, and at once for everybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.identity.roles import ROLES
from muster.identity.sessions import Sessions
from muster.identity.sign_in.client import Client
from muster.identity.sign_in.policies import allow_every_method, policy_at, set_policy
from muster.identity.sign_in.policy import DEFAULT, METHODS, Policy, Said, in_force
from muster.journal.refusal import Refused
from tests.identity.city import PASSWORD, City

HOME = Client("192.0.2.1")
PATHS = ("city", "city.east", "city.east.east1", "city.west")


def said_at(path: str) -> st.SearchStrategy[Said]:
    def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.none() | values

    return st.builds(
        Said,
        path=st.just(path),
        shortest=some(st.integers(8, 64)),
        factor_roles=some(st.lists(st.sampled_from(sorted(ROLES)), max_size=3).map(tuple)),
        idle_s=some(st.integers(300, 86400)),
        longest_s=some(st.integers(900, 172800)),
        failures=some(st.integers(3, 20)) if path == "city" else st.none(),
        lock_s=some(st.integers(60, 86400)) if path == "city" else st.none(),
        methods=some(st.lists(st.sampled_from(METHODS), max_size=2).map(tuple)),
    )


TREES = st.tuples(*(said_at(path) for path in PATHS))


def no_looser(below: Policy, above: Policy) -> bool:
    """Whether nothing is easier in one policy than in the other."""
    return (
        below.shortest >= above.shortest
        and below.factor_roles >= above.factor_roles
        and below.idle <= above.idle
        and below.longest <= above.longest
        and below.failures <= above.failures
        and below.lock >= above.lock
        and below.methods <= above.methods
    )


@given(TREES)
def test_nothing_below_is_looser_than_what_stands_above(tree: tuple[Said, ...]) -> None:
    for path in PATHS:
        parent = path.rpartition(".")[0]
        if parent:
            assert no_looser(policy_at(tree, path), policy_at(tree, parent))


@given(TREES, st.sampled_from(PATHS[1:]))
def test_saying_less_below_is_never_stricter(tree: tuple[Said, ...], silent: str) -> None:
    without = [one for one in tree if one.path != silent]
    for path in PATHS:
        assert no_looser(policy_at(tree, path), policy_at(without, path))


@given(TREES, st.permutations(range(len(PATHS))))
def test_the_order_of_saying_does_not_matter(tree: tuple[Said, ...], order: list[int]) -> None:
    assert in_force(tree) == in_force([tree[at] for at in order])


@given(TREES)
def test_the_top_has_what_it_says_and_else_the_defaults(tree: tuple[Said, ...]) -> None:
    held, top = policy_at(tree, "city"), tree[0]
    assert held.shortest == (DEFAULT.shortest if top.shortest is None else top.shortest)
    assert held.idle == (DEFAULT.idle if top.idle_s is None else timedelta(seconds=top.idle_s))
    assert held.methods == (DEFAULT.methods if top.methods is None else {*top.methods})


@given(TREES)
def test_siblings_do_not_hear_each_other(tree: tuple[Said, ...]) -> None:
    without = [one for one in tree if one.path != "city.west"]
    assert policy_at(tree, "city.east.east1") == policy_at(without, "city.east.east1")


def say(city: City, organisation: str, **said: Any) -> Policy:
    with city.pool.connection() as connection:
        return set_policy(connection, organisation, Said("", **said), actor="test", reason="示例")


def test_a_shorter_idle_time_ends_sessions_that_are_open(city: City, sessions: Sessions) -> None:
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    city.clock.pass_(minutes=40)
    assert sessions.lookup(token) is not None
    city.clock.pass_(minutes=31)
    say(city, "east1", idle_s=1800)
    assert sessions.lookup(token) is None
    fresh, session = sessions.sign_in("li", PASSWORD, client=HOME)
    assert session.expires_at == city.clock() + timedelta(minutes=30)
    city.clock.pass_(minutes=29)
    assert sessions.lookup(fresh) is not None


def test_a_policy_binds_whoever_holds_a_role_there(city: City, sessions: Sessions) -> None:
    """li belongs to the city and acts at east1: what east1 asks holds, what west asks does not."""
    say(city, "west", idle_s=300)
    _, session = sessions.sign_in("li", PASSWORD, client=HOME)
    assert session.expires_at == city.clock() + timedelta(hours=12)
    say(city, "east", idle_s=600)
    _, session = sessions.sign_in("li", PASSWORD, client=HOME)
    assert session.expires_at == city.clock() + timedelta(minutes=10)


def test_whoever_needs_a_second_factor_can_do_nothing_else(
    city: City, sessions: Sessions, enrol: Callable[[str], tuple[pyotp.TOTP, list[str]]]
) -> None:
    open_one, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    say(city, "city", factor_roles=("dispatcher",))
    found = sessions.lookup(open_one)
    assert found is not None and found.needs == "factor"
    token, session = sessions.sign_in("li", PASSWORD, client=HOME)
    assert session.needs == "factor"
    enrol("li")
    found = sessions.lookup(token)
    assert found is not None and found.needs == ""
    city.hire("wang", ("officer", "east1"))
    assert sessions.sign_in("wang", PASSWORD, client=HOME)[1].needs == ""


def test_a_way_that_is_not_allowed(city: City, sessions: Sessions) -> None:
    """Told only to whoever knew the password; what is open ends."""
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    say(city, "east", methods=("oidc",))
    assert sessions.lookup(token) is None
    with pytest.raises(Refused, match=r"sign_in.failed"):
        sessions.sign_in("li", "wrong-example", client=HOME)
    with pytest.raises(Refused, match=r"sign_in.method"):
        sessions.sign_in("li", PASSWORD, client=HOME)
    with city.pool.connection() as connection:
        assert allow_every_method(connection, actor="test", reason="示例") == 1
    sessions.sign_in("li", PASSWORD, client=HOME)


def test_the_lock_is_as_the_top_says_for_every_name(city: City, sessions: Sessions) -> None:
    say(city, "city", failures=3, lock_s=3600)
    for username in ("li", "nobody-at-all"):
        said = []
        for _ in range(4):
            with pytest.raises(Refused) as refusal:
                sessions.sign_in(username, "wrong-example", client=HOME)
            said.append(refusal.value.code)
        assert said == ["sign_in.failed"] * 3 + ["rate.limited"]
        assert refusal.value.values["retry_s"] == 3601


def test_a_longer_password_is_asked_for_at_the_next_change(city: City, sessions: Sessions) -> None:
    say(city, "east1", shortest=20)
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    with pytest.raises(Refused) as refusal:
        sessions.change_password(token, PASSWORD, "nineteen-letters-xx", client=HOME)
    assert refusal.value.code == "password.short" and refusal.value.values["least"] == 20
    sessions.change_password(token, PASSWORD, "twenty-letters-or-so", client=HOME)


@pytest.mark.parametrize(
    ("organisation", "said", "code"),
    [
        ("nowhere", {}, "organisation.unknown"),
        ("east", {"factor_roles": ("root",)}, "policy.role"),
        ("east", {"factor_roles": ("simulator",)}, "policy.role"),
        ("east", {"methods": ()}, "policy.method"),
        ("east", {"methods": ("telepathy",)}, "policy.method"),
        ("east", {"failures": 3}, "policy.top_only"),
        ("east", {"lock_s": 60}, "policy.top_only"),
        ("east", {"methods": ("oidc",)}, "policy.no_method"),
        ("city", {"methods": ("oidc",)}, "policy.no_method"),
    ],
)
def test_policies_that_cannot_be(
    city: City, organisation: str, said: dict[str, Any], code: str
) -> None:
    say(city, "east1", methods=("password",))
    before = city.audit()
    with pytest.raises(Refused, match=code):
        say(city, organisation, **said)
    assert city.audit() == before


def test_a_policy_is_audited_and_can_be_taken_back(city: City) -> None:
    assert say(city, "east", shortest=14, factor_roles=("officer", "officer")) == (
        msgspec.structs.replace(DEFAULT, shortest=14, factor_roles=frozenset({"officer"}))
    )
    assert say(city, "east") == DEFAULT
    assert [row[0] for row in city.audit() if row[0] == "sign_in_policy"] == ["sign_in_policy"] * 2
