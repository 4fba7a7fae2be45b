"""A request's body: strict JSON of the shape its route takes, or a clear refusal.

Litestar decodes a body into anything first and then coerces it: "2" became a level, a body nested
fifty thousand deep or one that is not UTF-8 a defect. Here the bytes go straight into the struct.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException

from muster.journal.entry import check_input
from muster.journal.refusal import Refused

MEDIA: Final = "application/json"
#: A route's `opt`: bodies may come compressed by gzip, and may be so many bytes when inflated.
INFLATES_TO: Final = "inflates_to"
_WHERE: Final = " - at `$"


class StrictRequest(Request[Any, Any, Any]):
    """The request of every route."""

    async def json(self) -> Any:
        """The body as the route's `data`. Raises Refused: media.unknown, input.invalid; and
        ValidationException with the field that does not fit."""
        if self.content_type[0] != MEDIA:
            raise Refused("media.unknown")
        body = await self.plain_body()
        field = self.route_handler.parsed_data_field
        assert field is not None, "only routes with a body ask for it"
        if hasattr(field.annotation, "from_json"):  # a shape that reads and checks itself
            return field.annotation.from_json(body)
        value = decoded(body, field.annotation)
        check_input(value)
        check_twice(body)
        return value

    async def plain_body(self) -> bytes:
        """The body, inflated where its route allows that (`opt={INFLATES_TO: bytes}`). Raises
        Refused: media.unknown, body.too_large; and ValidationException."""
        encoding = self.headers.get("Content-Encoding", "identity")
        limit = self.route_handler.opt.get(INFLATES_TO)
        if encoding == "gzip" and limit is not None:
            return inflated(await self.body(), limit)
        if encoding != "identity":
            raise Refused("media.unknown")
        return await self.body()


def inflated(body: bytes, limit: int) -> bytes:
    """What gzip made smaller, of `limit` bytes at most: no more than that is ever held. Raises
    Refused("body.too_large"), ValidationException."""
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = stream.decompress(body, limit + 1)
    except zlib.error:
        raise _not_gzip() from None
    if len(found) > limit:
        raise Refused("body.too_large")
    if not stream.eof or stream.unused_data:
        raise _not_gzip()
    return found


def _not_gzip() -> ValidationException:
    return ValidationException("body", extra=[{"key": "", "message": "JSON is malformed: gzip"}])


def decoded(body: bytes, shape: Any) -> Any:
    """JSON bytes as a value of a type; nothing is coerced. Raises ValidationException."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        message, found, path = str(error).rpartition(_WHERE)
        if not found:
            message, path = path, ""
        path = path.removesuffix("`").removeprefix(".")
        raise ValidationException("body", extra=[{"key": path, "message": message}]) from None
    except UnicodeDecodeError:
        message = "JSON is malformed: not UTF-8"
        raise ValidationException("body", extra=[{"key": "", "message": message}]) from None
    except RecursionError:
        message = "JSON is malformed: nested too deeply"
        raise ValidationException("body", extra=[{"key": "", "message": message}]) from None


def check_twice(body: bytes) -> None:
    """A field may stand once: of two, each reader could take another. `body` is JSON by now.
    Raises Refused("input.invalid") with the field."""
    json.loads(body, object_pairs_hook=_once, parse_int=_skip, parse_float=_skip)


def _once(pairs: Sequence[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise Refused("input.invalid", path=name[:64], reason="twice")
        seen.add(name)


def _skip(_digits: str) -> None:
    """Numbers are not our question; Python's would be slow for a million digits."""
