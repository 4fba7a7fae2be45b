"""The document of the HTTP interface is complete, true of the routes, and the one in web/."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from muster import app
from muster.action.orders.decide import FROM
from muster.action.orders.state import ENDED, STEPS
from muster.api import live, openapi
from muster.api.body import decoded
from muster.api.examples import BODIES
from muster.api.field_words import LONGEST, REASONS, both
from muster.api.position_doors import position_routes
from muster.api.problems import HANDLERS
from muster.api.sentences import SENTENCES, STATUS, WORDS_ZH, sentence
from muster.api.server import litestar_app
from muster.command.incidents import inputs
from muster.command.incidents.state import STATES
from muster.geography.pack import load
from tests.api.refusals import raised
from tests.instance import CITY, ROOT

CHINESE = re.compile(r"[一-鿿]")
LATIN = re.compile(r"[A-Za-z]{2}")
#: Routes that stand in no document: the document itself, those whose form others define, and those
#: only a browser goes to on its way to a provider and back.
UNLISTED = {
    "/api/openapi.json",
    "/api/positions/osmand",
    "/api/positions/traccar",
    "/api/oidc/{provider:str}/start",
    "/api/oidc/callback",
}
#: Codes the door itself says, not raised by name anywhere.
OF_THE_DOOR = {
    "body.too_large",
    "command.missing",
    "conflict",
    "database.unavailable",
    "defect",
    "host.unknown",
    "disk.full",
    "method.unknown",
    "route.unknown",
    "server.slow",
}


@cache
def application() -> Litestar:
    """The application without a platform, as `app.interface` builds it."""
    nothing: Any = None
    routes = (live.route(nothing), *position_routes(nothing, nothing))
    return litestar_app(None, web=None, more_routes=routes, start=str, stop=str)  # type: ignore[arg-type]


@cache
def document() -> dict[str, Any]:
    return app.interface()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation)"""
    for path, item in document()["paths"].items():
        for method in openapi.METHODS:
            if method in item:
                yield path, method, item[method]


def named(operation: dict[str, Any]) -> str:
    return str(operation["operationId"])


OPERATIONS = [pytest.param(*row, id=named(row[2])) for row in operations()]
each = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)


def handlers() -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in application().routes:
        if isinstance(route, HTTPRoute) and not route.path.startswith("/api/docs"):
            for handler in route.route_handlers:
                if "OPTIONS" not in handler.http_methods:
                    yield route.path, handler


def test_every_route_is_described() -> None:
    described = {(named(one), method.upper()) for _, method, one in operations()}
    real = {
        (str(handler.operation_id), method)
        for path, handler in handlers()
        if path not in UNLISTED
        for method in handler.http_methods
    }
    assert described == real
    assert len(described) > 50


def test_operation_ids_are_unique() -> None:
    names = [named(one) for _, _, one in operations()]
    assert len(names) == len(set(names))


@each
def test_an_operation_says_what_it_is(path: str, method: str, operation: dict[str, Any]) -> None:
    summary = operation["summary"]
    assert CHINESE.search(summary) and LATIN.search(summary), summary
    assert [tag in openapi.PARTS for tag in operation["tags"]] == [True]
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter["name"]
        assert {"type": "null"} not in parameter["schema"].get("oneOf", ())
    in_path = set(re.findall(r"{(\w+)}", path))
    listed = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
    assert in_path == listed


@each
def test_an_operation_says_how_it_answers(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    responses = operation["responses"]
    problem = responses["default"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    successes = [status for status in responses if status.startswith("2")]
    assert len(successes) == 1
    assert ("content" in responses[successes[0]]) == (successes != ["204"])
    others = set(responses) - {*successes, "default"}
    assert others == ({"503"} if path == "/readyz" else set())


@each
def test_an_operation_says_who_may(path: str, method: str, operation: dict[str, Any]) -> None:
    free = path in openapi.OPEN_PATHS or (path, method) == ("/api/session", "post")
    security = operation.get("security")
    if free:
        assert security is None
    else:
        needed = {"session"} if method == "get" else {"session", "csrf"}
        scoped = "Token scope: `" in operation.get("description", "")
        assert [set(one) for one in security or ()] == [needed, *([{"token"}] if scoped else [])]


def test_what_changes_a_matter_asks_for_a_command_id() -> None:
    """Operations of the journal, and no others."""
    wanting = {
        named(one)
        for _, _, one in operations()
        if any(p["name"] == "Idempotency-Key" for p in one.get("parameters", ()))
    }
    changing = {
        str(handler.operation_id)
        for _, handler in handlers()
        if "commander" in handler.parsed_fn_signature.parameters
    }
    assert wanting == changing
    assert "dispatch" in wanting and "sign_on" not in wanting


def bodies() -> list[tuple[str, dict[str, Any]]]:
    return [
        (named(one), one["requestBody"]["content"]["application/json"])
        for _, _, one in operations()
        if "requestBody" in one
    ]


@pytest.mark.parametrize(("name", "body"), bodies())
def test_an_example_fits(name: str, body: dict[str, Any]) -> None:
    """By the schema, and by what the door itself does with it."""
    example = body["example"]
    schema = {**body["schema"], "components": document()["components"]}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(example)
    handler = next(one for _, one in handlers() if one.operation_id == name)
    decoded(msgspec.json.encode(example), openapi.body_of(handler))


@pytest.mark.parametrize(("name", "body"), bodies())
def test_a_schema_refuses_what_the_door_refuses(name: str, body: dict[str, Any]) -> None:
    """A field nobody knows, and each needed one left out."""
    schema = {**body["schema"], "components": document()["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert not validator.is_valid({**body["example"], "示例": 1})
    component = document()["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
    for field in component.get("required", ()):
        less = {name: value for name, value in body["example"].items() if name != field}
        assert not validator.is_valid(less), field


def test_no_example_is_left_over() -> None:
    assert set(BODIES) == {name for name, _ in bodies()}


def test_examples_are_of_the_city() -> None:
    pack = load(CITY)
    report = inputs.Report(**{**BODIES["report"], "place": inputs.Place(122.0, 30.0)})
    assert report.category in pack.categories and report.channel in pack.channels
    assert BODIES["categorise"]["category"] in pack.categories
    assert BODIES["dispatch"]["orders"][0]["unit"] in pack.units
    assert BODIES["report_positions"]["unit"] in pack.units
    assert BODIES["set_unit_status"]["status"] in pack.statuses
    for name in ("transfer", "ask_in", "give_grant", "create_person"):
        assert BODIES[name]["organisation"] in pack.organisations
    crew = [pack.people[person] for person in BODIES["sign_on"]["crew"]]
    assert [one.role for one in crew] == ["officer"]


def test_component_names_are_words() -> None:
    schemas = document()["components"]["schemas"]
    strange = [name for name in schemas if not re.fullmatch(r"([A-Z][a-z]+)+", name)]
    assert strange == []


def test_every_shape_is_defined_and_used() -> None:
    text = json.dumps(document())
    used = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert used == set(document()["components"]["schemas"])


def test_bodies_take_no_unknown_field() -> None:
    schemas = document()["components"]["schemas"]
    waiting = [body["schema"]["$ref"].rpartition("/")[2] for _, body in bodies()]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        assert schemas[name]["additionalProperties"] is False, name
        waiting += re.findall(r"schemas/(\w+)", json.dumps(schemas[name]["properties"]))
    assert {"Report", "PlaceGiven", "OrderWanted", "Fix"} <= seen


def test_the_page_was_built_from_this_document() -> None:
    kept = json.loads((ROOT / "web" / "openapi.json").read_text())
    assert kept == json.loads(json.dumps(document())), (
        "web/openapi.json is old: ./muster openapi > web/openapi.json,"
        " then `npm run generate` in web/"
    )


# --- refusals ----------------------------------------------------------------------------------


def test_every_refusal_has_a_sentence_and_a_status() -> None:
    codes = {one.code for one in raised()} | OF_THE_DOOR
    assert codes == set(SENTENCES), "a code without a sentence, or a sentence nobody says"
    assert codes == set(STATUS)
    assert all(400 <= status <= 599 for status in STATUS.values())


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_is_in_both_languages(code: str) -> None:
    zh, en = SENTENCES[code]
    assert CHINESE.search(zh) and LATIN.search(en) and not CHINESE.search(en)
    assert fields(zh) == fields(en)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("one", [pytest.param(one, id=one.where) for one in raised()])
def test_a_refusal_gives_what_its_sentence_says(one: Any) -> None:
    zh, _ = SENTENCES[one.code]
    assert fields(zh) <= one.values, f"{one.where} leaves a question mark in: {zh}"
    if one.code == "input.invalid":
        assert "path" in one.values and one.reason in REASONS


def test_codes_in_chinese_sentences_are_said_in_chinese() -> None:
    assert {*STATES, *STEPS, *ENDED} == set(WORDS_ZH["state"])
    assert {*FROM, "withdraw"} == set(WORDS_ZH["step"])
    zh, en = sentence("order.state", {"state": "lapsed", "step": "sign"})
    assert zh == "派警单现为“逾期未签收”，不能执行“签收”。"
    assert "lapsed" in en


def test_the_description_lists_every_code() -> None:
    text = document()["info"]["description"]
    for code, status, zh, en in openapi.refusal_table():
        assert f"| `{code}` | {status} | {zh} | {en} |" in text
    problem = document()["components"]["schemas"]["Problem"]
    assert problem["properties"]["code"]["enum"] == sorted(SENTENCES)


def test_values_of_a_sentence_are_cut() -> None:
    """What somebody typed comes back at most 100 characters long, and cannot be a format."""
    zh, en = sentence("category.unknown", {"category": "{level}" + "长" * 1000})
    assert "{level}" in zh and len(zh) < 140 and len(en) < 140


WRONG: tuple[tuple[str, Any, str], ...] = (
    ('{"level": 9, "reason": "x"}', inputs.ChangeLevel, "须 <= 4"),
    ('{"level": "2", "reason": "x"}', inputs.ChangeLevel, "应为整数，收到的是文字"),
    ('{"level": 2, "reason": ""}', inputs.ChangeLevel, "太短：至少 1"),
    ('{"text": 1}', inputs.Remark, "应为文字，收到的是整数"),
    ('{"text": "x", "y": 1}', inputs.Remark, "没有字段 y"),
    ("{}", inputs.Remark, "缺少字段 text"),
    ("{", inputs.Remark, "不是正确的 JSON"),
    ("[]", inputs.Remark, "应为对象，收到的是数组"),
    ('{"call_ended_at": "x"}', inputs.Complete, "不是带时区的 RFC 3339 时间"),
    ('{"kind": "x", "reason": "x"}', inputs.RequestCancel, "没有 'x' 这个值"),
    ('{"into": "%s", "reason": "x"}' % ("x" * 36), inputs.Merge, "格式不对"),
    ('{"orders": []}', inputs.Dispatch, "太短：至少 1"),
)


@pytest.mark.parametrize(("text", "shape", "zh"), WRONG)
def test_a_field_is_explained_in_both_languages(text: str, shape: Any, zh: str) -> None:
    with pytest.raises(openapi_error()) as caught:
        decoded(text.encode(), shape)
    said = caught.value.extra[0]["message"]
    assert both(said)[0] == zh
    assert LATIN.search(both(said)[1])


def openapi_error() -> Any:
    return next(kind for kind in HANDLERS if kind.__name__ == "ValidationException")


def test_an_explanation_is_never_long() -> None:
    assert all(len(text) <= LONGEST for text in both("Invalid enum value '" + "x" * 9999 + "'"))
