"""Replacing the server turns nobody away: no command lost, none doubled, none even refused."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench import soak

ROUNDS, SEED = 5, 20261123


class Timed(soak.Client):
    """A client that notes its longest wait for an answer."""

    longest = 0.0

    def _send(self, method: str, path: str, body: Any, more: dict[str, str]) -> Any:
        began = time.monotonic()
        try:
            return super()._send(method, path, body, more)
        finally:
            self.longest = max(self.longest, time.monotonic() - began)


class Town(soak.Town):
    client = Timed

    def say(self, word: str) -> None:
        """A word to the supervisor's process, and its answer."""
        assert self.process is not None and self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def wait_for(self, words: str, times: int) -> None:
        """Until the supervisor has said `words` so often; the test's own limit ends a failure."""
        while self.log.read_text().count(words) < times:
            for client in self.clients:
                assert not client.trouble, client.trouble + self._last_words()
            time.sleep(0.05)

    def answered(self) -> None:
        self._wait_answered([len(client.acknowledged) for client in self.clients])


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path, random.Random(SEED))
    try:
        made.start()
        made.go.set()
        yield made
    finally:
        made.end()


def test_five_restarts_under_load_lose_double_and_refuse_nothing(town: Town) -> None:
    for number in range(1, ROUNDS + 1):
        town.answered()
        town.say("restart")
        town.wait_for("the server is back", number)
        town.answered()
    town.finish()
    verdict = town.verdict
    assert verdict.faults == []
    assert (verdict.losses, verdict.duplicates, verdict.chain) == (0, 0, "valid")
    longest = max(client.longest for client in town.clients if isinstance(client, Timed))
    print(
        f"{verdict.acknowledged} acknowledged, {verdict.retried} retried, {longest:.2f} s longest"
    )
    # Nobody was refused or cut off: the clients never had to repeat themselves.
    assert verdict.retried == 0
    assert verdict.acknowledged > ROUNDS * len(town.clients) * 4


def test_a_successor_that_cannot_serve_leaves_this_one_going(town: Town) -> None:
    key, away = town.data / "keys" / "master.key", town.data / "keys" / "away"
    key.rename(away)
    town.say("restart")
    town.wait_for("the next server failed; this one goes on", 1)
    town.answered()
    away.rename(key)
    town.say("restart")
    town.wait_for("the server is back", 1)
    town.answered()
    town.finish()
    assert town.verdict.faults == [] and town.verdict.retried == 0


def test_a_server_that_lives_and_does_not_answer_is_started_again(town: Town) -> None:
    town.answered()
    town.say("hang")
    town.wait_for("lives and does not answer", 1)
    town.wait_for("the server is back", 1)
    town.answered()
    town.finish()
    assert town.verdict.faults == []
    assert (town.verdict.losses, town.verdict.duplicates) == (0, 0)
