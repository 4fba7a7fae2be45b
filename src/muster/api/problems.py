"""Refusals and bad requests as application/problem+json (RFC 9457), in both languages."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from psycopg import Error as DatabaseError
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from muster.api.sentences import SENTENCES, STATUS, sentence
from muster.journal.refusal import Conflict, Refused

MEDIA = "application/problem+json"
log = logging.getLogger("muster.api")


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field; `path` is empty for the whole body."""

    path: str
    message: str


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
        status=STATUS.get(code, 409),
        code=code,
        detail_zh=zh,
        detail_en=en,
        fields=fields,
    )


def answer(found: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    return Response(found, status_code=found.status, media_type=MEDIA, headers=headers)


def refused(_request: Request[Any, Any, Any], error: Refused) -> Response[Problem]:
    path = error.values.get("path")
    fields = [FieldProblem(str(path), str(error.values.get("reason", "")))] if path else []
    retry = error.values.get("retry_s")
    headers = {"Retry-After": str(retry)} if retry is not None else None
    return answer(problem(error.code, error.values, fields), headers)


def conflict(_request: Request[Any, Any, Any], _error: Conflict) -> Response[Problem]:
    return answer(problem("conflict", {}, []))


def invalid(_request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    return answer(problem("input.invalid", {"reason": ""}, _fields(error)))


def _fields(error: ValidationException) -> list[FieldProblem]:
    extra = error.extra if isinstance(error.extra, list) else []
    found = [
        FieldProblem(str(one.get("key", "")), str(one.get("message", "")))
        for one in extra
        if isinstance(one, dict)
    ]
    return found or [FieldProblem("", str(error.detail))]


_OF_STATUS = {
    400: "input.invalid",
    401: "session.required",
    404: "route.unknown",
    405: "method.unknown",
    413: "body.too_large",
    415: "media.unknown",
}


def http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    code = _OF_STATUS.get(error.status_code, "input.invalid")
    found = problem(code, {"reason": ""}, [FieldProblem("", str(error.detail))])
    headers = dict(error.headers) if error.headers else None
    return answer(msgspec.structs.replace(found, status=error.status_code), headers)


def database(_request: Request[Any, Any, Any], error: DatabaseError) -> Response[Problem]:
    """The database is away or cut the connection. Nothing is known to be lost: ask again."""
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
