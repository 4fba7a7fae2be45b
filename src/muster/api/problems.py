"""Refusals and bad requests as application/problem+json (RFC 9457), in both languages."""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from psycopg import Error as DatabaseError
from psycopg import OperationalError
from psycopg.errors import DiskFull
from psycopg_pool import PoolTimeout

from muster.api.field_words import both
from muster.api.sentences import SENTENCES, STATUS, sentence
from muster.journal.refusal import Conflict, Refused

MEDIA = "application/problem+json"
log = logging.getLogger("muster.api")


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field; `path` is empty for the whole request."""

    path: str
    message_zh: str
    message_en: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of every answer that is not a success. `code` is stable; `detail_zh` and
    `detail_en` are sentences for people."""

    type: str
    title: str
    status: int
    code: str
    detail_zh: str
    detail_en: str
    fields: list[FieldProblem] = []


def problem(code: str, values: dict[str, object], fields: list[FieldProblem]) -> Problem:
    """The problem document of a refusal code."""
    zh, en = sentence(code, values)
    return Problem(
        type=f"urn:muster:problem:{code}",
        title=code,
        status=STATUS[code],
        code=code,
        detail_zh=zh,
        detail_en=en,
        fields=fields,
    )


def answer(found: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    return Response(found, status_code=found.status, media_type=MEDIA, headers=headers)


def field(path: str, said: str) -> FieldProblem:
    """A field's problem, from a reason of ours or a message of msgspec."""
    return FieldProblem(path, *both(said))


def refused(_request: Request[Any, Any, Any], error: Refused) -> Response[Problem]:
    path = error.values.get("path")
    fields = [field(str(path), str(error.values.get("reason", "")))] if path is not None else []
    retry = error.values.get("retry_s")
    headers = {"Retry-After": str(retry)} if retry is not None else None
    if error.code == "token.invalid":
        headers = {"WWW-Authenticate": "Bearer"}
    return answer(problem(error.code, error.values, fields), headers)


def conflict(_request: Request[Any, Any, Any], _error: Conflict) -> Response[Problem]:
    return answer(problem("conflict", {}, []))


#: Litestar names a parameter after our code; people know it by what they send.
_SENT_AS = {
    "data": "",
    "command_id": "Idempotency-Key",
    "client_now": "Client-Now",
    "states": "state",
    "which": "scope",
}
_MISSING = re.compile(r"Missing required \w+ parameter '([^']+)'.*", re.DOTALL)


def invalid(_request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    fields = _fields(error)
    missing = any(one.path == "Idempotency-Key" for one in fields)
    return answer(problem("command.missing" if missing else "input.invalid", {}, fields))


def _fields(error: ValidationException) -> list[FieldProblem]:
    if found := _MISSING.fullmatch(str(error.detail)):
        return [field(found.group(1), "missing")]
    extra = error.extra if isinstance(error.extra, list) else []
    listed = [one for one in extra if isinstance(one, dict)]
    return [_field(str(one.get("key", "")), str(one.get("message", ""))) for one in listed] or [
        field("", "")
    ]


def _field(key: str, said: str) -> FieldProblem:
    path = _SENT_AS.get(key, key)
    return field(path, "missing" if key == "data" else said)


_OF_STATUS = {
    400: "input.invalid",
    401: "session.required",
    404: "route.unknown",
    405: "method.unknown",
    413: "body.too_large",
    415: "media.unknown",
}


#: What Litestar says when somebody hangs up while sending: nobody is there to be answered.
_HUNG_UP = "client disconnected prematurely"


def http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    if error.detail == _HUNG_UP:
        return answer(problem("input.invalid", {}, []))
    if error.status_code >= 500:
        return crash(request, error)
    code = _OF_STATUS.get(error.status_code, "input.invalid")
    found = problem(code, {}, [])
    headers = dict(error.headers) if error.headers else None
    return answer(msgspec.structs.replace(found, status=error.status_code), headers)


def database(_request: Request[Any, Any, Any], error: DatabaseError) -> Response[Problem]:
    """The database is away or cut the connection. Nothing is known to be lost: ask again."""
    if isinstance(error, DiskFull):
        log.warning("disk full")
        return answer(problem("disk.full", {}, []), {"Retry-After": "10"})
    if isinstance(error, OperationalError | PoolTimeout):
        log.warning("database unavailable: %s", type(error).__name__)
        return answer(problem("database.unavailable", {}, []), {"Retry-After": "1"})
    return crash(_request, error)


def crash(_request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A defect: logged with its trace (which holds no request data), told without it."""
    log.error("unexpected %s", type(error).__name__, exc_info=error)
    return answer(problem("defect", {}, []))


HANDLERS = {
    Refused: refused,
    Conflict: conflict,
    ValidationException: invalid,
    HTTPException: http,
    DatabaseError: database,
    Exception: crash,
}

assert set(_OF_STATUS.values()) <= set(SENTENCES)
