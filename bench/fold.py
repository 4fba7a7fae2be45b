"""5,000 stored entries of one incident decoded and folded, against decoding the same bytes.

Ours: canonical bytes → entries with their facts → the state. Peer: msgspec decoding the same bytes
into plain dicts, which is the least that anybody who reads them must do. A ratio of 0.5 means the
fold costs as much again as the bare decoding.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from _city import load, median
from muster.action.orders import facts as orders
from muster.app import FACTS
from muster.command.incidents import facts
from muster.command.incidents import state as incidents
from muster.command.incidents.state import Incident
from muster.journal.entry import (
    FIRST_PREVIOUS,
    Authority,
    Envelope,
    Fact,
    Private,
    canonical,
    decode,
    digest,
    kinds_of,
)

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
KINDS = kinds_of(FACTS)
SEALED = Private(item="1.text", mac="ab" * 32)


def run(entries: int = 5000, rounds: int = 15) -> dict[str, Any]:
    """Milliseconds for all entries; rounds alternate, medians are compared."""
    began = load()
    stored = journal(entries)
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(timed(lambda: folded(stored)))
        peer.append(timed(lambda: [msgspec.json.decode(data) for data, _ in stored]))
    ratio = median([theirs / mine for mine, theirs in zip(ours, peer, strict=True)])
    return {
        "name": "fold",
        "ours": round(median(ours), 2),
        "peer": round(median(peer), 2),
        "ratio": round(ratio, 3),
        "unit": f"ms for {entries} entries",
        "n": rounds,
        "load": began,
        "bytes": sum(len(data) for data, _ in stored),
    }


def timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def folded(stored: list[tuple[bytes, str]]) -> Incident:
    """What `perform` does with the entries of a matter."""
    state: Incident | None = None
    for data, hashed in stored:
        state = incidents.fold(state, decode(data, KINDS, hashed))
    assert state is not None
    return state


def journal(count: int) -> list[tuple[bytes, str]]:
    """Bytes and hashes of a long incident: one order in eight entries, remarks between."""
    stored: list[tuple[bytes, str]] = []
    previous = FIRST_PREVIOUS
    for number in range(1, count + 1):
        at = START + timedelta(seconds=number)
        fact = _fact(number, at)
        envelope = Envelope(
            matter="0192d3a0-0000-7000-8000-000000000001",
            number=number,
            kind=fact.kind,
            version=fact.version,
            happened_at=at,
            clock_offset_ms=12,
            recorded_at=at,
            actor="demo-dispatcher",
            authority=Authority("dispatcher", "zs"),
            cause="",
            command=f"0192d3a0-0000-7000-8000-{number:012x}",
            body=msgspec.Raw(canonical(fact)),
            previous=previous,
        )
        data = canonical(envelope)
        previous = digest(data)
        stored.append((data, previous))
    return stored


def _fact(number: int, at: datetime) -> Fact:
    by = at + timedelta(minutes=10)
    if number == 1:
        return facts.IncidentReported(
            number="330900202603010001",
            organisation="zs",
            jurisdiction="zs",
            channel="110",
            category="01",
            level=3,
            reported_at=at,
            answered_at=at,
            narrative=SEALED,
            place=SEALED,
            cell="wtq9f6k",
            wait_by=by,
        )
    order = f"0192d3a0-0000-7000-8000-{number // 8:012x}"
    steps: tuple[Fact, ...] = (
        facts.IncidentRemarked(text=SEALED),
        orders.OrderGiven(
            order=order, unit=f"u{number}", call_sign="示例01", organisation="zs", sign_by=by
        ),
        orders.OrderSigned(order=order, set_out_by=by),
        facts.IncidentRemarked(text=SEALED),
        orders.OrderSetOut(order=order, arrive_by=by),
        orders.OrderArrived(order=order, first_feedback_by=by, final_feedback_by=by),
        orders.OrderFinished(order=order),
        facts.IncidentRemarked(text=SEALED),
    )
    return steps[number % 8] if number >= 8 else facts.IncidentRemarked(text=SEALED)


if __name__ == "__main__":
    import json

    print(json.dumps(run(), ensure_ascii=False, indent=1))
