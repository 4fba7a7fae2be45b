"""Nobody writes lines of his own into the log, or hides words there."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from muster.api.logs import JsonLines
from tests.api.fuzzing import Fuzzed
from tests.api.wire import say

WICKED = {
    "line": 'a\r\n{"level":"info"}',
    "escape": "\x1b[2J\x1b]0;owned\x07",
    "delete": "a\x7f\x9b31m",
    "direction": "user\u202egnp.exe\u2066\u200f",
    "line separators": "a\u2028b\u2029c\x85d",
    "invisible": "\ufeff\u200b\U000e0041",
    "half a character": "\ud800",
}


@pytest.mark.parametrize("name", sorted(WICKED))
def test_a_line_is_one_line_of_plain_characters(name: str) -> None:
    words = WICKED[name]
    record = logging.LogRecord("muster", logging.INFO, "", 0, "%s", (words,), None)
    record.fields = {"path": words, words: [words]}
    line = JsonLines().format(record)
    assert line.isascii() and line.isprintable()
    said: Any = json.loads(line)
    assert said["message"] == said["path"] == words and said[words] == [words]


@pytest.mark.parametrize(
    "path",
    [
        "/api/x%0d%0a%7B%22level%22:%22error%22%7D",
        "/api/x%1b[2Jowned",
        "/api/x%E2%80%AEgnp.exe",
        "/api/x%C2%85%E2%80%A8next",
    ],
)
def test_a_wicked_path_is_one_line(target: Fuzzed, path: str) -> None:
    before = len(target.server.log.read_bytes())
    assert say(target, "GET", path, who=None).status in (401, 404)
    said = target.server.log.read_bytes()[before:].decode()
    assert said.isascii() and "\x1b" not in said and "path" in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert [one["level"] for one in lines] == ["info"] * len(lines)


@pytest.mark.parametrize("agent", ["x\x1b[31mowned", "owned\xe2\x80\xae", "owned\x9b", "owned"])
def test_a_wicked_header_is_not_in_it(target: Fuzzed, agent: str) -> None:
    """Headers are never logged, and escape codes in one are no HTTP."""
    before = len(target.server.log.read_bytes())
    heard = say(target, "GET", "/healthz", who=None, more=[("User-Agent", agent), ("X-Odd", agent)])
    assert heard.status == (400 if "\x1b" in agent else 200)
    said = target.server.log.read_bytes()[before:].decode()
    assert said.isascii() and "owned" not in said and "\x1b" not in said
