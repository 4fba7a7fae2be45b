"""People act on matters at random, as schemathesis cannot: they know which order is whose.

Before each act the actor looks at `may`. What was done must have been promised; a repeated command
must get the first answer; the timeline must have no gap; the board must show what is open.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from muster.action.orders.decide import FROM
from muster.api.command import OPERATIONS
from muster.api.examples import BODIES
from muster.command.incidents.state import CLOSED_STATES
from tests.api.fuzzing import Fuzzed
from tests.api.steering import shown

#: Who acts. Twice the chief: only a duty chief confirms and archives.
ACTORS = ("duty_chief", "duty_chief", "dispatcher", "station_room", "call_taker")
ACTS = sorted({word for word, _, _ in OPERATIONS} | {f"order.{step}" for step in FROM})


def walk(target: Fuzzed, *, walks: int, steps: int) -> int:
    """So many walks of so many steps; returns how many acts were done."""
    done = [0]

    class Walk(Walking):
        fuzzed = target
        acts_done = done

    limits = settings(
        max_examples=walks,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    run_state_machine_as_test(Walk, settings=limits)
    return done[0]


class Walking(RuleBasedStateMachine):
    """One walk. The server goes on from walk to walk; the matters are the walk's own."""

    fuzzed: Fuzzed
    acts_done: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.matters: list[str] = []
        self.last: tuple[Any, str, Any] | None = None

    @initialize()
    def begin(self) -> None:
        self.report(True)
        self.report(False)

    @rule(complete=st.booleans())
    def report(self, complete: bool) -> None:
        seeds = self.fuzzed.seeds
        ended = {} if complete else {"call_ended_at": None}
        body = seeds.report(complete=complete, **ended)
        case = self.fuzzed.case("report", body=body, key=seeds.fresh())
        assert self.fuzzed.ask(case, "call_taker").status_code == 201
        self.matters.append(body["id"])

    @rule(which=st.integers(0, 9), who=st.sampled_from(ACTORS), word=st.sampled_from(ACTS))
    def act(self, which: int, who: str, word: str) -> None:
        self._act(self.matters[-1 - which % len(self.matters)], who, word)

    @rule(which=st.integers(0, 9), who=st.sampled_from(ACTORS), choice=st.integers(0, 99))
    def act_as_promised(self, which: int, who: str, choice: int) -> None:
        """One of what may be done: so walks get far."""
        matter = self.matters[-1 - which % len(self.matters)]
        may = [one.removeprefix("incident.") for one in self._may(matter, who)]
        words = [one for one in may if one in ACTS]
        if words:
            self._act(matter, who, words[choice % len(words)])

    @rule(seconds=st.sampled_from([0, 5, 60, 600, 4000]))
    def wait(self, seconds: int) -> None:
        """The clock moves; what falls due is performed."""
        now = self.fuzzed.seeds.now.timestamp() + seconds
        moved = type(self.fuzzed.seeds.now).fromtimestamp(now, self.fuzzed.seeds.now.tzinfo)
        case = self.fuzzed.case("drive_clock", body={"now": shown(moved)})
        assert self.fuzzed.ask(case, "simulator").status_code == 200

    @rule()
    def say_it_again(self) -> None:
        """The same command once more: the first answer, and nothing twice."""
        if self.last is None:
            return
        case, who, first = self.last
        before = self._row(case.path_parameters["matter"])
        assert self.fuzzed.ask(case, who).json() == first
        assert self._row(case.path_parameters["matter"])["version"] == before["version"]

    @rule(which=st.integers(0, 9))
    def look(self, which: int) -> None:
        matter = self.matters[-1 - which % len(self.matters)]
        row = self._row(matter)
        path = {"matter": matter}
        entries = self.fuzzed.ask(self.fuzzed.case("get_entries", path=path), "auditor").json()
        numbers = [one["number"] for one in entries["entries"]]
        assert numbers == list(range(1, row["version"] + 1))
        assert row["open"] == (row["state"] not in CLOSED_STATES)
        case = self.fuzzed.operation("list_incidents").Case(query={"limit": 500})
        listed = {one["id"]: one for one in self.fuzzed.ask(case, "auditor").json()["items"]}
        assert (matter in listed) == row["open"] or len(listed) == 500
        assert listed.get(matter, row) == row

    def _act(self, matter: str, who: str, word: str) -> None:
        may = self._may(matter, who)
        name = word if word.startswith("order.") else f"incident.{word}"
        case = self._case(matter, word)
        response = self.fuzzed.ask(case, who)
        if response.status_code < 300:
            assert name in may, f"{who} did {name}, which was not promised: {may}"
            self.last = case, who, response.json()
            self.acts_done[0] += 1

    def _case(self, matter: str, word: str) -> Any:
        fuzzed, steering = self.fuzzed, self.fuzzed.steering
        order = steering.order_of(matter)
        path = {"matter": matter}
        if word.startswith("order."):
            path |= {"order": order, "step": word.removeprefix("order.")}
            step = {"at": shown(fuzzed.seeds.now), "reason": "示例"}
            return fuzzed.case("step_order", body=step, path=path, key=fuzzed.seeds.fresh())
        body: dict[str, Any] = steering.real(BODIES[word], order)
        if word in ("merge", "unmerge"):
            body["into" if word == "merge" else "main"] = self._other(matter, word)
        if word == "dispatch":
            body["orders"] = [{"order": fuzzed.seeds.fresh(), "unit": fuzzed.seeds.unit()}]
        if word in ("complete", "correct_time"):
            body = {**body, "call_ended_at" if word == "complete" else "at": self._now()}
        return fuzzed.case(word, body=body, path=path, key=fuzzed.seeds.fresh())

    def _now(self) -> str:
        return shown(self.fuzzed.seeds.now)

    def _other(self, matter: str, word: str) -> str:
        main = self._row(matter)["merged_into"] if word == "unmerge" else None
        return main or self.matters[(self.matters.index(matter) + 1) % len(self.matters)]

    def _may(self, matter: str, who: str) -> list[str]:
        found: list[str] = self._detail(matter, who)["may"]
        return found

    def _row(self, matter: str) -> dict[str, Any]:
        row: dict[str, Any] = self._detail(matter, "auditor")["row"]
        return row

    def _detail(self, matter: str, who: str) -> dict[str, Any]:
        case = self.fuzzed.case("get_incident", path={"matter": matter})
        found: dict[str, Any] = self.fuzzed.ask(case, who).json()
        return found
