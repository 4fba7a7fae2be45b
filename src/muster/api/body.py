"""A request's body: strict JSON of the shape its route takes, or a clear refusal.

Litestar decodes a body into anything first and then coerces it: "2" became a level, a body nested
fifty thousand deep or one that is not UTF-8 a defect. Here the bytes go straight into the struct.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException

from muster.journal.entry import check_input
from muster.journal.refusal import Refused

MEDIA: Final = "application/json"
_WHERE = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)


class StrictRequest(Request[Any, Any, Any]):
    """The request of every route."""

    async def json(self) -> Any:
        """The body as the route's `data`. Raises Refused: media.unknown, input.invalid; and
        ValidationException with the field that does not fit."""
        if self.content_type[0] != MEDIA:
            raise Refused("media.unknown")
        if self.headers.get("Content-Encoding", "identity") != "identity":
            raise Refused("media.unknown")
        field = self.route_handler.parsed_data_field
        assert field is not None, "only routes with a body ask for it"
        value = decoded(await self.body(), field.annotation)
        check_input(value)
        return value


def decoded(body: bytes, shape: Any) -> Any:
    """JSON bytes as a value of a type; nothing is coerced. Raises ValidationException."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        found = _WHERE.fullmatch(str(error))
        message, path = found.groups() if found else (str(error), "")
        raise ValidationException("body", extra=[{"key": path, "message": message}]) from None
    except UnicodeDecodeError:
        message = "JSON is malformed: not UTF-8"
        raise ValidationException("body", extra=[{"key": "", "message": message}]) from None
    except RecursionError:
        message = "JSON is malformed: nested too deeply"
        raise ValidationException("body", extra=[{"key": "", "message": message}]) from None
