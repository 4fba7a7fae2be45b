"""API tokens: shown once, kept as a hash, good for their scopes and nothing else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import psycopg
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from muster.api.server import litestar_app
from muster.api.tokens import ScopeName
from muster.identity.authority import CELLS, OPERATIONS, Cell
from muster.identity.roles import ROLES, TOKEN_SCOPES
from muster.identity.tokens.token import VALUE
from tests.api.fuzzing import Fuzzed
from tests.api.seeds import SECRETS
from tests.api.staff import hire
from tests.stories.desk import Person, Said

COUNTY, STATION, OTHER = "pt", "pt-shenjiamen", "dh"
SCOPES = sorted(TOKEN_SCOPES)
#: Written from the purpose, not from the code: the routes each scope opens.
OPENS: dict[str, set[str]] = {
    "list_units": {"read:units"},
    "list_incidents": {"read:incidents"},
    "get_summary": {"read:summary"},
    "report_positions": {"positions:report"},
    "call_for_help": {"alarms:report"},
    "notify_call": {"telephone:notify"},
}
PUBLIC = {"healthz", "readyz", "sign_in", "enter_code", "first_person", "list_providers"} | {
    "judge_first_password"
}


@pytest.fixture(scope="module")
def keeper(target: Fuzzed) -> Person:
    """The administrator of the city."""
    return hire(target.server, ("administrator", "zs"))[1]


@pytest.fixture(scope="module")
def county(target: Fuzzed) -> Person:
    return hire(target.server, ("administrator", COUNTY))[1]


def wanted(*scopes: str, **changes: Any) -> dict[str, Any]:
    ends = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    body = {"name": "示例机器", "organisation": COUNTY, "scopes": list(scopes), "expires_at": ends}
    return {**body, **changes}


def made(keeper: Person, *scopes: str, **changes: Any) -> tuple[str, str]:
    """(id, value) of a fresh token."""
    answer = keeper.do("/api/tokens", wanted(*scopes, **changes))
    return answer["token"]["id"], answer["value"]


def machine(target: Fuzzed, value: str) -> Person:
    return Person(target.server.url, "", headers={"Authorization": f"Bearer {value}"})


def test_a_token_from_start_to_end(target: Fuzzed, keeper: Person) -> None:
    token, value = made(keeper, "read:units")
    parts = VALUE.fullmatch(value)
    assert parts and parts[1] == token
    device = machine(target, value)
    assert device.ask("/api/units").status == 200
    row = next(one for one in keeper.get("/api/tokens")["items"] if one["id"] == token)
    used = datetime.fromisoformat(row["last_used"])
    assert (used.minute, used.second) == (0, 0) and row["revoked_at"] is None
    said = keeper._ask("DELETE", f"/api/tokens/{token}?reason=example")
    assert said.status == 200 and said.body["revoked_at"]
    refused = device.ask("/api/units")
    assert (refused.status, refused.code) == (401, "token.invalid")
    again = keeper._ask("DELETE", f"/api/tokens/{token}?reason=again")
    assert again.body["revoked_at"] == said.body["revoked_at"]


def test_it_is_shown_once_and_kept_as_a_hash(target: Fuzzed, keeper: Person) -> None:
    token, value = made(keeper, "metrics")
    secret = value.rpartition("_")[2]
    assert secret not in str(keeper.get("/api/tokens"))
    machine(target, value).ask("/api/units")
    assert secret not in target.server.log.read_text()
    with psycopg.connect(target.server.settings.owner_dsn) as owner:
        row = owner.execute("SELECT secret_hash FROM api_token WHERE id = %s", (token,)).fetchone()
        assert row is not None and bytes(row[0]) == hashlib.sha256(secret.encode()).digest()
        audit = owner.execute(
            "SELECT convert_from(body, 'UTF8') FROM audit WHERE table_name = 'api_token'"
        ).fetchall()
    assert any(token in one[0] for one in audit)
    assert not any(secret in one[0] or row[0].hex() in one[0] for one in audit)


def changed(value: str, at: int) -> str:
    return value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: changed(value, -1),
        lambda value: changed(value, 5),
        lambda value: value[:-1],
        lambda value: value + "0",
        lambda value: value.upper(),
        lambda value: value.rpartition("_")[0] + "_" + "0" * 64,
        lambda value: "",
        lambda value: "mst__",
    ],
)
def test_what_is_nearly_a_token_is_none(target: Fuzzed, keeper: Person, spoil: Any) -> None:
    _, value = made(keeper, "read:units")
    said = machine(target, spoil(value)).ask("/api/units")
    assert (said.status, said.code) == (401, "token.invalid")


def test_only_in_its_header(target: Fuzzed, keeper: Person) -> None:
    """Not in a cookie, not in the address, not beside another token."""
    _, value = made(keeper, "read:units")
    for headers in ({"Cookie": f"muster_session={value}"}, {"X-Api-Key": value}, {}):
        nobody = Person(target.server.url, "", headers=dict(headers))
        for query in ("", f"?token={value}", f"?access_token={value}", f"?id={value}"):
            assert nobody.ask(f"/api/units{query}").code == "session.required"


def test_a_token_beside_a_session_is_the_tokens_request(target: Fuzzed, keeper: Person) -> None:
    """A good session does not lift a token, a bad token does not fall back to the session."""
    _, value = made(keeper, "read:units")
    for sent, code in ((value, "token.scope"), (changed(value, -1), "token.invalid")):
        both = Person(target.server.url, "", headers={**keeper.headers})
        both.headers["Authorization"] = f"Bearer {sent}"
        assert both.ask("/api/people").code == code


def test_it_ends_by_itself(target: Fuzzed, keeper: Person) -> None:
    token, value = made(keeper, "read:units")
    with psycopg.connect(target.server.settings.owner_dsn) as owner:
        owner.execute(
            "UPDATE api_token SET created_at = created_at - interval '60 days',"
            " expires_at = now() WHERE id = %s",
            (token,),
        )
    assert machine(target, value).ask("/api/units").code == "token.invalid"


@pytest.mark.parametrize("days", [-1, 0, 366, 4000])
def test_it_lasts_a_year_at_most(keeper: Person, days: int) -> None:
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    said = keeper.try_to("/api/tokens", wanted("metrics", expires_at=ends))
    assert (said.status, said.code) == (400, "token.until")


@pytest.mark.parametrize(
    ("networks", "allowed"),
    [
        (["127.0.0.0/8"], True),
        (["127.0.0.1"], True),
        (["192.0.2.0/24", "127.0.0.1/32"], True),
        (["192.0.2.0/24"], False),
        (["2001:db8::/32"], False),
    ],
)
def test_addresses(target: Fuzzed, keeper: Person, networks: list[str], allowed: bool) -> None:
    _, value = made(keeper, "read:units", networks=networks)
    said = machine(target, value).ask("/api/units")
    assert said.status == (200 if allowed else 401)


@pytest.mark.parametrize("network", ["300.1.1.1", "example.com", "127.0.0.1/33", "::/-1", "1e9"])
def test_addresses_that_are_none(keeper: Person, network: str) -> None:
    said = keeper.try_to("/api/tokens", wanted("metrics", networks=[network]))
    assert (said.status, said.code) == (400, "token.network")


# --- every route × every scope -----------------------------------------------------------------


def handlers(target: Fuzzed) -> Iterator[tuple[str, str, str]]:
    """(operation id, method, path) of every route in the document."""
    for path, item in target.document["paths"].items():
        for method, operation in item.items():
            yield str(operation["operationId"]), method.upper(), path


def filled(target: Fuzzed, path: str) -> str:
    values = {
        "{matter}": target.seeds.matters[0],
        "{order}": target.seeds.orders[0][1],
        "{unit}": target.seeds.units[0],
        "{person}": target.ids["officer"],
        "{grant}": target.seeds.fresh(),
        "{session}": target.seeds.fresh(),
        "{reset}": target.seeds.fresh(),
        "{organisation}": "pt",
        "{token}": "0" * 12,
        "{number}": "1",
        "{step}": "sign",
    }
    for name, value in values.items():
        path = path.replace(name, value)
    return re.sub(r"\{\w+\}", target.seeds.fresh(), path)


def attempt(who: Person, method: str, path: str) -> Said:
    body = None if method in ("GET", "DELETE") else {}
    return who._ask(
        method, path, body, {"Idempotency-Key": "0" * 8 + "-0000-4000-8000-" + "0" * 12}
    )


@pytest.mark.parametrize("scope", SCOPES)
def test_every_route_refuses_every_scope_but_its_own(
    target: Fuzzed, keeper: Person, scope: str
) -> None:
    device = machine(target, made(keeper, scope)[1])
    opened = set()
    walked = list(handlers(target))
    assert len(walked) > 50
    for name, method, path in walked:
        said = attempt(device, method, filled(target, path))
        if name in PUBLIC:
            continue
        if (said.status, said.code) != (403, "token.scope"):
            assert said.status < 500, (name, said)
            opened.add(name)
    assert opened == {name for name, scopes in OPENS.items() if scope in scopes}


def test_all_scopes_together_open_no_more(target: Fuzzed, keeper: Person) -> None:
    """Nothing of people, grants, tokens, the audit, or what changes a matter."""
    device = machine(target, made(keeper, *SCOPES)[1])
    for name, method, path in handlers(target):
        if name not in PUBLIC and name not in OPENS:
            assert attempt(device, method, filled(target, path)).code == "token.scope", name


def test_the_lists_of_scopes_are_one() -> None:
    assert set(get_args(ScopeName)) == set(TOKEN_SCOPES)
    assert not set(TOKEN_SCOPES) & set(ROLES)


def test_a_scope_holds_its_rows_and_nothing_else() -> None:
    """No scope manages, proves, opens private words or performs an operation of a matter."""
    held = {
        scope: {one for one in OPERATIONS if CELLS[one, scope] is not Cell.NO} for scope in SCOPES
    }
    assert held == {
        "alarms:report": {"unit.call_for_help"},
        "metrics": set(),
        "positions:report": {"position.report"},
        "read:incidents": {"read.incident"},
        "read:positions": {"read.positions"},
        "read:summary": {"read.summary"},
        "read:units": {"read.units"},
        "telephone:notify": {"telephone.notify"},
    }


def test_a_route_without_a_scope_is_seen_refusing() -> None:
    """The middleware looks at `opt` alone: what names no scope names none by accident."""
    scoped = {
        str(handler.operation_id): handler.opt["scope"]
        for route in litestar_app(None, web=None, more_routes=(), start=str, stop=str).routes  # type: ignore[arg-type]
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if isinstance(handler, HTTPRouteHandler) and "scope" in handler.opt
    }
    assert set(scoped) <= set(OPENS) | {"report_positions", "metrics"}
    assert set(scoped.values()) <= set(TOKEN_SCOPES)


# --- what a token sees -------------------------------------------------------------------------


def test_a_token_sees_its_area_only(target: Fuzzed, keeper: Person) -> None:
    ours = machine(target, made(keeper, "read:units", organisation=COUNTY)[1])
    theirs = machine(target, made(keeper, "read:units", organisation=OTHER)[1])
    mine = {one["organisation"] for one in ours.get("/api/units")["items"]}
    assert mine and all(one.startswith(COUNTY) for one in mine)
    assert not mine & {one["organisation"] for one in theirs.get("/api/units")["items"]}


def test_a_token_is_told_no_names(target: Fuzzed, keeper: Person) -> None:
    """Not who crews a unit, and of matters only with the scope for them."""
    target.seeds.make("dispatched")
    bare = machine(target, made(keeper, "read:units", organisation="zs")[1])
    items = bare.get("/api/units")["items"]
    assert any(one["on_duty"] for one in items)
    assert all(one["crew"] == [] and one["order"] is None for one in items)
    assert all(one["position"] is None for one in items)
    reading = machine(target, made(keeper, "read:units", "read:incidents", organisation="zs")[1])
    assert any(one["order"] for one in reading.get("/api/units")["items"])
    listed = reading.get("/api/incidents?scope=all")
    assert listed["items"]
    assert not any(secret in str(listed) for secret in SECRETS[:2])


# --- who makes them ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"administrator"}))
def test_only_administrators_make_them(target: Fuzzed, role: str) -> None:
    who = target.people[role]
    for said in (
        who.ask("/api/tokens"),
        who.try_to("/api/tokens", wanted("metrics")),
        who._ask("DELETE", "/api/tokens/" + "0" * 12),
    ):
        assert (said.status, said.code) == (403, "authority.denied")


def test_a_countys_administrator_makes_none_for_others(
    target: Fuzzed, keeper: Person, county: Person
) -> None:
    for where in ("zs", OTHER):
        said = county.try_to("/api/tokens", wanted("metrics", organisation=where))
        assert (said.status, said.code) == (403, "authority.denied")
    token, value = made(keeper, "read:units", organisation=OTHER)
    assert token not in str(county.get("/api/tokens"))
    for unknown in (token, "0" * 12):
        said = county._ask("DELETE", f"/api/tokens/{unknown}")
        assert (said.status, said.code) == (404, "token.unknown")
    assert machine(target, value).ask("/api/units").status == 200


def test_a_unit_is_one_of_the_tokens_area(keeper: Person, target: Fuzzed) -> None:
    unit = next(one for one in target.seeds.units if one.startswith("dh"))
    for named in (unit, "no-such-unit"):
        said = keeper.try_to("/api/tokens", wanted("positions:report", unit=named))
        assert (said.status, said.code) == (404, "unit.unknown")
    answer = keeper.do("/api/tokens", wanted("positions:report", unit=unit, organisation=OTHER))
    assert answer["token"]["unit"] == unit


@pytest.mark.parametrize(
    "extra",
    [
        {"value": "mst_000000000000_" + "0" * 64},
        {"secret_hash": "00"},
        {"created_by": "p1"},
        {"id": "0" * 12},
        {"scopes": ["manage.people"]},
        {"scopes": ["administrator"]},
        {"scopes": []},
        {"scopes": "metrics"},
    ],
)
def test_a_token_is_made_of_known_fields_and_scopes(keeper: Person, extra: dict[str, Any]) -> None:
    said = keeper.try_to("/api/tokens", wanted("metrics") | extra)
    assert (said.status, said.code) == (400, "input.invalid")
