"""Our OpenAPI document: Litestar's paths and parameters; bodies and answers as msgspec checks and
writes them; problems, examples, the session, and the table of refusal codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import cleandoc
from types import NoneType
from typing import Any, Final, get_args, get_origin

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.openapi.config import OpenAPIConfig
from litestar.routes import HTTPRoute
from msgspec import inspect

from muster.api.bearer import SCOPE
from muster.api.examples import BODIES
from muster.api.html_page import HtmlPage
from muster.api.opening import reads
from muster.api.problems import MEDIA, Problem
from muster.api.sentences import SENTENCES, STATUS
from muster.api.session import COOKIE, CSRF_HEADER, PUBLIC

CONFIG = OpenAPIConfig(
    title="Muster 集结",
    version="0.1.0",
    path="/api/docs",
    render_plugins=[],
    use_handler_docstrings=True,
)
METHODS: Final = ("get", "post", "put", "patch", "delete")
SAFE: Final = ("get",)
OPEN_PATHS: Final = (
    "/healthz",
    "/readyz",
    "/api/first",
    "/api/first/judge",
    "/api/session/code",
    "/api/oidc",
)

#: Shapes that share a name with another: what the document calls them.
NAMES: Final[Mapping[str, str]] = {
    "muster.api.command.Reported": "ReportAnswer",
    "muster.telemetry.positions.Reported": "PositionsTaken",
    "muster.api.identity.Because": "AccountReason",
    "muster.command.incidents.inputs.Because": "Because",
    "muster.command.incidents.inputs.Place": "PlaceGiven",
    "muster.command.incidents.tables.Place": "PlaceShown",
    "muster.geography.pack.Place": "Place",
}
#: Tags: the files of muster.api, each the door of the part of the same name.
PARTS: Final[Mapping[str, str]] = {
    "health": "是否就绪，以及人人可看的数字 / alive, ready, and the numbers everyone may see",
    "tokens": "令牌 / API tokens of machines",
    "sign_in": "登录、会话、密码 / signing in, sessions, the own password",
    "sign_in_changes": "登录变动、密码可用吗 / changes of the own sign-in; will a password do",
    "factor": "第二因素与恢复码 / second factor and recovery codes",
    "hand_over": "交接班 / handing over a shared desk",
    "policy": "登录策略与双人重设 / sign-in policies, resets by two",
    "trust": "要职与绑定的双人确认 / roles of trust and identities, by two",
    "denials": "拒绝记录 / what the door refused",
    "identity": "单位、人员、授权 / organisations, people, grants",
    "oidc": "统一认证 / signing in at an outside provider",
    "geography": "城市包 / the city pack",
    "command": "指：接警、派警、反馈、办结 / incidents: taken, sent, fed back, closed",
    "retention": "保存：到期、冻结、封存、擦除与证明 / how long words stay, and how they go",
    "action": "行：警力、上岗、派警单 / units, duty, orders",
    "telephony": "话务：来电、坐席、回拨 / telephone: calls, desks, calling back",
    "alarms": "报警按钮 / alarm buttons of machines",
    "review": "评：审计、查阅日志 / the audit, and who looked at what",
    "oversight": "评：疑似不当查阅、抽查 / misuse found, and the sample to review",
    "telemetry": "位置 / positions",
}
#: What parameters mean wherever they stand and their route does not say more.
PARAMETERS: Final[Mapping[str, str]] = {
    "after": "only what comes after this one",
    "class": "only of these classes of data",
    "before": "only what comes before this one: `next` of the page before",
    "grant": "grant id, a UUID",
    "level": "only these levels",
    "limit": "at most so many",
    "matter": "only of this matter",
    "organisation": "only of these organisations",
    "outcome": "only what was shown, masked, empty or denied",
    "person": "person id",
    "q": "part of the name",
    "reset": "reset id, a UUID",
    "change_id": "sign-in change id, a UUID",
    "request_id": "trust request id, a UUID",
    "reason": "why, for the audit",
    "since": "not before",
    "until": "before",
    "session": "session id, a UUID",
    "scope": "those at work, or all",
    "state": "only in these states",
    "status": "only of this status",
    "step": "what the unit does",
    "token": "token id",
    "provider": "provider id",
    "identity": "identity id",
}
TEXT: Final = """情报·指挥·行动 一体化 / Intelligence, command and action in one loop.

`POST /api/session` signs in: it sets the cookie `muster_session` and answers with `csrf`, which
every request but GET carries as `X-CSRF-Token`. Who has a second factor is asked for its code at
`POST /api/session/code`. Some doors ask for a proof not older than five minutes
(`session.prove_again`): `POST /api/session/prove`, then the same request again.

An operation, which changes a matter, also carries an `Idempotency-Key`: a UUID the client makes,
the same one when it tries again. Asked again with the same body, the first answer comes back.

A machine sends `Authorization: Bearer mst_…` instead: an API token, which opens the few doors whose
description names its scope.

Bodies are JSON (`application/json`, UTF-8, at most 256 KiB); unknown fields are refused, nothing is
converted. Times are RFC 3339 with their zone, in years 1990 to 2100; they come back in UTC. Places
are WGS-84 degrees. A refusal is `application/problem+json` with a stable `code` and a sentence in
both languages; it has saved nothing. The live feed is the WebSocket `/api/live`, which is not
described here.
"""
REF: Final = "#/components/schemas/"
GEOJSON: Final = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}


def complete(schema: dict[str, Any], handlers: Mapping[str, HTTPRouteHandler]) -> dict[str, Any]:
    """Litestar's document made ours. `handlers`: by operation id."""
    sent = {name: shape for name, one in handlers.items() if (shape := body_of(one)) is not None}
    given = {name: answer_of(one) for name, one in handlers.items()}
    schema["info"]["description"] = f"{TEXT}\n\n{_table()}"
    schema["tags"] = [{"name": name, "description": text} for name, text in PARTS.items()]
    schema["components"] = {
        "schemas": _components(list(sent.values()), [*given.values(), Problem]),
        "securitySchemes": {
            "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
            "token": {"type": "http", "scheme": "bearer"},
        },
    }
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                name = operation["operationId"]
                _describe(operation, handlers[name])
                _secure(operation, path, method, handlers[name])
                _body(operation, sent.get(name))
                _answers(operation, given[name], handlers[name].responses or {})
    _end_patterns(schema)
    return schema


def _end_patterns(shown: Any) -> None:
    """Ours end in \\Z, because Python's $ lets a line end through; JSON Schema's $ does not."""
    if isinstance(shown, dict):
        if isinstance(shown.get("pattern"), str):
            shown["pattern"] = shown["pattern"].replace(r"\Z", "$")
        shown = list(shown.values())
    if isinstance(shown, list):
        for one in shown:
            _end_patterns(one)


def body_of(handler: HTTPRouteHandler) -> Any:
    """The type of a route's body, or None."""
    field = handler.parsed_data_field
    return None if field is None else field.annotation


def answer_of(handler: HTTPRouteHandler) -> Any:
    """The type a route answers with when all is well: a struct, bytes, or NoneType."""
    found = handler.parsed_fn_signature.return_type.annotation
    return get_args(found)[0] if get_origin(found) is Response else found


def part_of(handler: HTTPRouteHandler) -> str:
    """The part of Muster whose door this is: the name of its file."""
    # Litestar wraps functions that run in a thread.
    function = getattr(handler.fn, "func", handler.fn)
    return str(function.__module__).rpartition(".")[2]


def _describe(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    operation["summary"] = handler.summary or ""
    operation["tags"] = [part_of(handler)]
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _never_null(parameter["schema"])
        parameter.setdefault("description", PARAMETERS.get(parameter["name"], ""))
        for empty in ("deprecated", "allowEmptyValue", "allowReserved"):
            parameter.pop(empty, None)
        parameter["schema"].pop("description", None)


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out cannot be sent as null."""
    kinds = [one for one in schema.get("oneOf", ()) if one.get("type") != "null"]
    if len(kinds) != 1:
        return schema
    return {**{k: v for k, v in schema.items() if k != "oneOf"}, **kinds[0]}


def _secure(operation: dict[str, Any], path: str, method: str, handler: HTTPRouteHandler) -> None:
    if path in OPEN_PATHS or (path, method) == ("/api/session", "post"):
        return
    needed: dict[str, list[str]] = {"session": []}
    if method not in SAFE:
        needed["csrf"] = []
    operation["security"] = [needed]
    if SCOPE in handler.opt:
        operation["security"].append({"token": []})
        operation["description"] = "\n\n".join(
            filter(None, [operation.get("description"), f"Token scope: `{handler.opt[SCOPE]}`."])
        )


def _body(operation: dict[str, Any], shape: Any) -> None:
    if shape is None:
        return
    content: dict[str, Any] = {"schema": {"$ref": REF + _name(shape)}}
    if operation["operationId"] in BODIES:
        content["example"] = BODIES[operation["operationId"]]
    operation["requestBody"] = {"required": True, "content": {"application/json": content}}


def _answers(operation: dict[str, Any], shape: Any, more: Mapping[int, ResponseSpec]) -> None:
    """The successes with our shapes, what a route lists itself, and for the rest a problem."""
    found = {s: r["description"] for s, r in operation["responses"].items() if int(s) < 400}
    kept = {status: _answer(text, shape) for status, text in found.items()}
    for status, spec in more.items():
        kept[str(status)] = _answer(spec.description, spec.data_container)
    refused = {MEDIA: {"schema": {"$ref": REF + "Problem"}}}
    kept["default"] = {"description": "Refused or failed: see `code`.", "content": refused}
    operation["responses"] = kept


def _answer(description: str, shape: Any) -> dict[str, Any]:
    if shape is NoneType:
        return {"description": description}
    if shape is bytes:
        content = {"application/geo+json": {"schema": GEOJSON}}
    elif shape is HtmlPage:
        content = {"text/html": {"schema": {"type": "string"}}}
    elif shape is str:
        content = {"text/csv": {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": {"$ref": REF + _name(shape)}}}
    return {"description": description, "content": content}


def _name(shape: Any) -> str:
    full = f"{shape.__module__}.{shape.__qualname__}"
    return NAMES.get(full, str(shape.__name__))


def _components(sent: Sequence[Any], given: Sequence[Any]) -> dict[str, Any]:
    """The schemas of all structs, by their name in the document."""
    shapes = [one for one in (*sent, *given) if one not in (bytes, str, HtmlPage, NoneType)]
    inner = _structs(shapes)
    found = msgspec.json.schema_components(list(inner), ref_template=REF + "{name}")[1]
    texts = msgspec.json.encode(found).decode()
    for full, name in NAMES.items():
        texts = texts.replace(f'"{full}"', f'"{name}"').replace(f'{REF}{full}"', f'{REF}{name}"')
    components: dict[str, Any] = msgspec.json.decode(texts)
    asked = _structs(sent)
    for shape, known in inner.items():
        component = components[_name(shape)]
        component["title"] = _name(shape)
        if "description" in component:
            component["description"] = cleandoc(component["description"])
        _finish(known, component)
        if shape not in asked and not shape.__struct_config__.omit_defaults:
            component["required"] = list(component["properties"])
    components["Problem"]["properties"]["code"]["enum"] = sorted(SENTENCES)
    return dict(sorted(components.items()))


def _structs(shapes: Iterable[Any]) -> dict[Any, inspect.StructType]:
    """Every struct that can stand in a value of these types."""
    found: dict[Any, inspect.StructType] = {}
    waiting = list(
        inspect.multi_type_info([one for one in shapes if one not in (bytes, str, NoneType)])
    )
    while waiting:
        one: Any = waiting.pop()
        if isinstance(one, inspect.StructType):
            if one.cls in found:
                continue
            found[one.cls] = one
            waiting += [field.type for field in one.fields]
        elif isinstance(one, inspect.Metadata):
            waiting.append(one.type)
        elif isinstance(one, inspect.UnionType):
            waiting += one.types
        elif isinstance(one, inspect.DictType):
            waiting.append(one.value_type)
        elif isinstance(one, inspect.TupleType):
            waiting += one.item_types
        elif isinstance(one, inspect.ListType | inspect.VarTupleType | inspect.FrozenSetType):
            waiting.append(one.item_type)
    return found


def _finish(struct: inspect.StructType, component: dict[str, Any]) -> None:
    """What msgspec leaves unsaid of a struct's fields; and that a default is null says nothing."""
    for field in struct.fields:
        shown = component["properties"][field.encode_name]
        if shown.get("default", "") is None:
            del shown["default"]
        kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        for kind, one in zip(kinds, shown.get("anyOf", [shown]), strict=False):
            if isinstance(kind, inspect.DateTimeType):
                one["format"] = "date-time"
            if isinstance(kind, inspect.DictType):
                _finish_dict(kind, one)


def _finish_dict(kind: inspect.DictType, shown: dict[str, Any]) -> None:
    if isinstance(kind.value_type, inspect.DateTimeType):
        shown["additionalProperties"]["format"] = "date-time"
    elif isinstance(kind.value_type, inspect.AnyType):
        shown["additionalProperties"] = True


def _table() -> str:
    rows = [f"| `{code}` | {status} | {zh} | {en} |" for code, status, zh, en in refusal_table()]
    return "\n".join(["| code | HTTP | 中文 | English |", "|---|---|---|---|", *rows])


def refusal_table() -> list[tuple[str, int, str, str]]:
    """(code, HTTP status, Chinese, English) of every refusal."""
    return [(code, STATUS[code], *both) for code, both in sorted(SENTENCES.items())]


def handlers_of(app: Litestar) -> dict[str, HTTPRouteHandler]:
    """Our routes by operation id; those without one are not in the document."""
    return {
        str(handler.operation_id): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.operation_id is not None
    }


def build(app: Litestar) -> dict[str, Any]:
    """The whole document as plain data, of an application made with `CONFIG`."""
    return complete(app.openapi_schema.to_schema(), handlers_of(app))


@get(
    "/api/openapi.json",
    include_in_schema=False,
    sync_to_thread=True,
    opt={**PUBLIC, **reads("open")},
)
def document(request: Request[Any, Any, Any]) -> Response[bytes]:
    return Response(request.app.state.document(), media_type="application/json")
