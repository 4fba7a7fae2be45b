"""Structured logs: one JSON object a line, without personal data.

What somebody sent may stand in a path: line ends, escape codes and characters that turn the
direction of reading are written as \\u codes, so that nobody writes lines or hides words here.
The text of an exception may quote what somebody typed, so only its type and the places in
our code it passed through are written.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

import msgspec


class JsonLines(logging.Formatter):
    """{"at", "level", "logger", "message", …fields, "error", "trace"}"""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            frames = traceback.extract_tb(error.__traceback__)
            line["trace"] = [f"{frame.name}:{frame.lineno}" for frame in frames[-12:]]
        plain = msgspec.to_builtins(line, str_keys=True)
        return json.dumps(plain, separators=(",", ":"), default=str).replace("\x7f", "\\u007f")


def configure(level: int = logging.INFO) -> None:
    """Send everything to standard error as JSON lines; third parties only from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("muster").setLevel(level)
    # psycopg's pool warns with connection strings' text; their type is enough.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
