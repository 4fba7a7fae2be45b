"""A long soak in parts: each on a fresh Muster with a seed of its own, its verdict written down at
once. Started again after a break it goes on with the first part that is missing."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

PART = 100
FOLDER = Path(__file__).resolve().parent.parent / ".muster"

Played = Callable[[int, int], dict[str, Any]]
"""(rounds, seed) → a verdict."""


def in_parts(played: Played, count: int, seed: int, folder: Path = FOLDER) -> dict[str, Any]:
    """Play `count` rounds, or what is left of them; all verdicts as one. Stops at a fault."""
    path = folder / f"soak-{count}-{seed}.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    if sum(one["rounds"] for one in done) >= count or any(one["failed"] for one in done):
        path.replace(path.with_suffix(".before.jsonl"))  # that one is over: begin anew
        done = []
    say(f"{path}: {len(done)} parts are done")
    while (left := count - sum(one["rounds"] for one in done)) > 0:
        part = played(min(PART, left), seed * 10_000 + len(done))
        done.append(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(part, ensure_ascii=False) + "\n")
        rounds = count - left + part["rounds"]
        say(f"part {len(done)}: {rounds} of {count} rounds, {part['ours']} lost")
        if part["failed"]:
            break
    return merged(done)


def merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums; the worst time to be back; every fault."""
    sums = ("ours", "n", "rounds", "losses", "duplicates", "entries", "retried", "overdue")
    killed: Counter[str] = Counter()
    for one in parts:
        killed.update(one["killed"])
    broken = [one["chain"] for one in parts if one["chain"] != "valid"]
    return {
        **parts[-1],
        **{name: sum(one[name] for one in parts) for name in sums},
        "killed": dict(killed),
        "failed": any(one["failed"] for one in parts),
        "faults": [fault for one in parts for fault in one["faults"]][:20],
        "chain": broken[0] if broken else "valid",
        "back_s": max(one["back_s"] for one in parts),
        "parts": len(parts),
    }


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
