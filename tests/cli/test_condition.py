"""The terminal hears once what the server says of itself, and once that it is over."""

from __future__ import annotations

import json

import pytest

from muster.cli import condition
from muster.cli.condition import Listener, said


def body(*reasons: str, notes: tuple[str, ...] = ()) -> bytes:
    return json.dumps({"ready": not reasons, "reasons": reasons, "notes": notes}).encode()


def test_each_thing_is_told_once_and_its_end_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        body(),
        body("database: no answer for 5 s"),
        body("database: no answer for 6 s", notes=("clock: jumped by +3600 s",)),
        body(notes=("clock: jumped by +3600 s",)),
    ]
    told: list[str] = []
    listener = Listener("http", "127.0.0.1", 1, told.append)
    for answer in answers:
        monkeypatch.setattr(condition, "ask", lambda *_, answer=answer: (503, answer))
        assert listener.alive()
        listener.tell()
    assert told == [
        "注意 / note: database: 没有应答 / gives no answer",
        "注意 / note: clock: jumped by +3600 s",
        "已过去 / over: database: 没有应答 / gives no answer",
    ]


def test_no_answer_is_no_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "ask", lambda *_: None)
    assert not Listener("http", "127.0.0.1", 1, print).alive()


@pytest.mark.parametrize("words", [b"", b"[]", b"{}", b'{"reasons": 1, "notes": []}'])
def test_nonsense_says_nothing(words: bytes) -> None:
    assert said(words) == frozenset()


def test_what_changes_at_every_look_is_one_thing() -> None:
    disk = "disk: full, 3 MB left for data"
    assert said(body(disk)) == said(body(disk.replace("3 MB", "2 MB")))
