"""A call at 3 a.m.: taken, sent, signed, reached, handled, closed, called back, archived."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from tests.instance import Instance
from tests.stories.desk import call, on_duty, signed_in

UNIT = "pt-shenjiamen-01"


def test_a_call_from_report_to_archive(live_server: Instance) -> None:
    taker, dispatcher = signed_in(live_server, "call-taker"), signed_in(live_server, "dispatcher")
    chief, officer = signed_in(live_server, "duty-chief"), on_duty(live_server, UNIT)
    matter, order = str(uuid4()), str(uuid4())

    reported = taker.do("/api/incidents", call(matter))
    assert reported["number"].startswith("330900")
    board = dispatcher.get("/api/incidents")["items"]
    assert [(row["id"], row["state"]) for row in board] == [(matter, "waiting")]

    best = dispatcher.get(f"/api/incidents/{matter}/recommendations")["candidates"]
    assert best[0]["unit"] == UNIT
    assert best[0]["reasons"]
    where = f"/api/incidents/{matter}"
    dispatcher.do(f"{where}/dispatch", {"orders": [{"order": order, "unit": UNIT}]})
    mine = officer.get("/api/my/orders")
    assert [one["order"] for one in mine["orders"]] == [order]

    states = []
    for step in ("deliver", "sign", "set_out", "arrive", "handle"):
        officer.do(f"{where}/orders/{order}/{step}", {"at": datetime.now(UTC)})
        states.append(dispatcher.get(where)["row"]["state"])
    assert states == ["dispatched", "signed", "under_way", "on_scene", "handling"]

    found = {"result": "handled", "final": True, "narrative": "示例：已救起", "rescued": 1}
    officer.do(f"{where}/feed_back", found)
    assert dispatcher.try_to(f"{where}/close").code == "orders.active"
    officer.do(f"{where}/orders/{order}/finish", {"at": datetime.now(UTC)})
    dispatcher.do(f"{where}/close")
    taker.do(f"{where}/call_back", {"rating": 1})
    chief.do(f"{where}/archive")

    entries = chief.get(f"{where}/entries")["entries"]
    assert [entry["kind"] for entry in entries] == [
        "incident.reported",
        "order.given",
        "order.delivered",
        "order.signed",
        "order.set_out",
        "order.arrived",
        "order.handled",
        "incident.fed_back",
        "order.finished",
        "incident.closed",
        "incident.called_back",
        "incident.archived",
    ]
    assert [entry["number"] for entry in entries] == list(range(1, 13))
    assert dispatcher.get("/api/incidents")["items"] == []


def test_a_repeated_command_opens_nothing_twice(live_server: Instance) -> None:
    taker = signed_in(live_server, "call-taker")
    matter, command = str(uuid4()), str(uuid4())
    report = call(matter)
    first = taker.do("/api/incidents", report, command=command)
    again = taker.do("/api/incidents", report, command=command)
    assert again == first
    other = taker.try_to("/api/incidents", call(str(uuid4())), command=command)
    assert (other.status, other.code) == (409, "command.reused")
    assert len(taker.get(f"/api/incidents/{matter}/entries")["entries"]) == 1


def test_nobody_signs_so_the_next_is_asked_and_the_chief_is_told(live_server: Instance) -> None:
    """The sign clock of the pack runs out for real; the test waits for the entries."""
    import time

    dispatcher = signed_in(live_server, "dispatcher")
    for unit in (UNIT, "pt-shenjiamen-02"):
        on_duty(live_server, unit)
    matter, order = str(uuid4()), str(uuid4())
    dispatcher.do("/api/incidents", call(matter, level=1))
    where = f"/api/incidents/{matter}"
    dispatcher.do(f"{where}/dispatch", {"orders": [{"order": order, "unit": UNIT}]})
    until = time.monotonic() + 60
    kinds: list[str] = []
    while time.monotonic() < until and kinds[-1:] != ["order.given"]:
        time.sleep(0.25)
        kinds = [one["kind"] for one in dispatcher.get(f"{where}/entries")["entries"]][2:]
    assert kinds == ["order.lapsed", "incident.escalated", "order.given"]
    row = dispatcher.get(where)["row"]
    assert row["escalated"]
    assert [(one["unit"], one["state"]) for one in row["orders"]] == [
        (UNIT, "lapsed"),
        ("pt-shenjiamen-02", "given"),
    ]
