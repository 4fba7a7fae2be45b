"""Our OpenAPI document: what Litestar derives, plus errors, examples and the session."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.openapi.config import OpenAPIConfig

from muster.api.examples import BODIES
from muster.api.sentences import SENTENCES, STATUS
from muster.api.session import PUBLIC

CONFIG = OpenAPIConfig(
    title="Muster 集结",
    version="0.1.0",
    description="Intelligence, command and action in one loop. 情报·指挥·行动 一体化.",
    path="/api/docs",
    render_plugins=[],
)
METHODS = ("get", "post", "put", "patch", "delete")
OPEN_PATHS = ("/healthz", "/readyz", "/api/first")

PROBLEM = {
    "type": "object",
    "description": "application/problem+json (RFC 9457). `code` is stable.",
    "required": ["type", "title", "status", "code", "detail_zh", "detail_en"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": sorted(SENTENCES)},
        "detail_zh": {"type": "string"},
        "detail_en": {"type": "string"},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def complete(schema: dict[str, Any]) -> dict[str, Any]:
    """Add to Litestar's document: problems on every operation, examples, security."""
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": "muster_session"},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    }
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                _complete_operation(path, method, item[method])
    return schema


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for status in [status for status in responses if int(status) >= 400]:
        if path != "/readyz":
            del responses[status]
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses["default"] = {"description": "Refused or failed: see `code`.", "content": content}
    if path not in OPEN_PATHS and (path, method) != ("/api/session", "post"):
        unsafe = method != "get"
        operation["security"] = [{"session": [], "csrf": []} if unsafe else {"session": []}]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    example = BODIES.get(operation.get("operationId", ""))
    if body is not None and example is not None:
        body["example"] = example


def build(app: Litestar) -> dict[str, Any]:
    """The whole document as plain data."""
    return complete(app.openapi_schema.to_schema())


@get("/api/openapi.json", include_in_schema=False, sync_to_thread=False, opt=PUBLIC)
def document(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    return Response(build(request.app), media_type="application/json")


def refusal_table() -> list[tuple[str, int, str, str]]:
    """(code, HTTP status, Chinese, English) of every refusal, for the documentation."""
    return [(code, STATUS.get(code, 409), *both) for code, both in sorted(SENTENCES.items())]
