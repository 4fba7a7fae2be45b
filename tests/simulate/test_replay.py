"""A replay from file to report, against a fake city that can misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from muster.simulate.refusal import ReplayRefused
from muster.simulate.replay import ReplayOptions, run
from muster.simulate.report import ReplayReport

from .conftest import HEADER, FakeInstance, rows
from .fake_city import Trouble

Starter = Callable[..., Any]


@pytest.fixture
def options(
    tmp_path: Path,
    map_file: Path,
    write_file: Callable[[list[str]], Path],
    starter: Starter,
) -> ReplayOptions:
    return ReplayOptions(
        file=write_file(rows(60)),
        map=map_file,
        work=tmp_path / "data",
        start=starter(),
        day=date(2017, 2, 23),
    )


def made(starter: Starter) -> FakeInstance:
    found: FakeInstance = starter.made[-1]  # type: ignore[attr-defined]
    return found


def test_every_call_becomes_a_matter_is_sent_to_units_and_closed(
    options: ReplayOptions, starter: Starter
) -> None:
    report = run(options)
    city = made(starter).city
    assert made(starter).stopped
    assert (report.calls, report.rows, report.rejected.total) == (60, 60, 0)
    assert report.lost == report.doubled == report.left_open == 0
    assert report.closed + report.merged == 60
    assert report.dispatched == report.closed
    assert not report.faults
    assert report.acknowledged == sum(
        1
        for matter in city.matters.values()
        for e in matter["entries"]
        if e["kind"] not in ("order.lapsed", "order.given", "incident.absorbed")
    )
    stages = {matter["stage"] for matter in city.matters.values()}
    assert stages == {"archived", "merged"} if report.merged else {"archived"}
    assert set(city.ratings) <= {1, 2, 3} and city.ratings.count(1) > len(city.ratings) / 2
    assert city.positions and report.arrive_s.n == report.closed
    assert report.recorded_arrive_s.n > 0
    sign = report.sign_s
    assert sign.p50 is not None and 4 < sign.p50 < 15


def test_grave_calls_get_two_units_and_others_one(
    options: ReplayOptions, write_file: Callable[[list[str]], Path], starter: Starter
) -> None:
    run(replace(options, file=write_file(rows(6))))
    matters = made(starter).city.matters.values()
    sent = {(one["level"], len(one["orders"])) for one in matters}
    assert sent == {(1, 2), (3, 1)}


def test_the_same_seed_gives_the_same_day(options: ReplayOptions, starter: Starter) -> None:
    first = run(options)
    heard = made(starter).city.requests
    again = run(replace(options, work=options.work / "again"))
    assert made(starter).city.requests == heard
    assert counts(again) == counts(first)
    other = run(replace(options, work=options.work / "other", seed="2"))
    assert counts(other) != counts(first)


def counts(report: ReplayReport) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(report.json())
    return {k: v for k, v in plain.items() if k not in ("real_s", "calls_per_s", "seed")}


def test_an_acknowledged_command_that_is_not_in_the_journal_is_lost(
    options: ReplayOptions, starter: Starter
) -> None:
    trouble = Trouble(lose=lambda path: path.endswith("/close"))
    report = run(replace(options, start=starter(trouble)))
    assert report.lost == report.closed > 0
    assert "丢失" in report.table()


def test_a_command_done_twice_is_seen(options: ReplayOptions, starter: Starter) -> None:
    trouble = Trouble(double=lambda path: path.endswith("/arrive"))
    report = run(replace(options, start=starter(trouble)))
    assert report.doubled > 0 and report.lost == 0


def test_broken_connections_and_faults_lose_nothing(
    options: ReplayOptions, starter: Starter
) -> None:
    trouble = Trouble(break_connection=60, fail=30, forget_sessions=30, every=7)
    report = run(replace(options, start=starter(trouble)))
    assert report.lost == report.doubled == 0
    assert report.closed + report.merged == 60
    assert (trouble.break_connection, trouble.fail, trouble.forget_sessions) == (0, 0, 0)


def test_orders_nobody_signs_are_offered_again_and_answered(
    options: ReplayOptions, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "muster.simulate.play.Habits.__init__", _often(never_sign=0.4, give_back=0.2)
    )
    report = run(options)
    assert report.reoffered > 5 and report.unanswered > 5 and report.returned > 2
    assert report.closed + report.merged == 60 and report.lost == 0


def _often(**shares: float) -> Callable[..., None]:
    from muster.simulate.play import Habits

    plain = Habits.__init__

    def init(self: Habits, **given: Any) -> None:
        plain(self, **(shares | given))

    return init


def test_a_second_call_about_the_same_thing_is_merged(
    options: ReplayOptions, write_file: Callable[[list[str]], Path], starter: Starter
) -> None:
    twin = rows(10)[4].replace("c4,", "twin,").replace("00:16:07", "00:16:47")
    report = run(replace(options, file=write_file([*rows(10), twin])))
    assert report.merged == 1 and report.lost == 0
    (joined,) = [one for one in made(starter).city.matters.values() if one["stage"] == "merged"]
    assert joined["merged_into"] in made(starter).city.matters
    assert report.closed == 10


def test_a_call_that_cannot_be_merged_after_all_is_sent_on_its_own(
    options: ReplayOptions, write_file: Callable[[list[str]], Path], starter: Starter
) -> None:
    twin = rows(10)[4].replace("c4,", "twin,").replace("00:16:07", "00:16:47")
    trouble = Trouble(refuse={"merge": "merge.main_closed"})
    file = write_file([*rows(10), twin])
    report = run(replace(options, file=file, start=starter(trouble)))
    assert (report.merged, report.closed) == (0, 11)
    assert report.refused == {"merge.main_closed": 1}


@pytest.mark.parametrize("step", ["deliver", "sign", "set_out", "arrive", "handle", "finish"])
def test_an_officer_whose_clock_is_ahead_asks_the_time_and_goes_on(
    step: str, options: ReplayOptions, write_file: Callable[[list[str]], Path], starter: Starter
) -> None:
    trouble = Trouble(refuse={step: "time.impossible"})
    report = run(replace(options, file=write_file(rows(3)), start=starter(trouble)))
    assert report.closed == 3 and report.refused == {} and not trouble.refuse


@pytest.mark.parametrize("word", ["feed_back", "close", "dispatch"])
def test_a_refusal_ends_no_other_business(
    word: str, options: ReplayOptions, write_file: Callable[[list[str]], Path], starter: Starter
) -> None:
    trouble = Trouble(refuse={word: "authority.denied"})
    report = run(replace(options, file=write_file(rows(6)), start=starter(trouble)))
    assert report.refused["authority.denied"] == 1
    assert report.closed >= 5 and report.lost == 0


def test_rows_of_one_call_open_one_matter(
    options: ReplayOptions, write_file: Callable[[list[str]], Path], starter: Starter
) -> None:
    report = run(replace(options, file=write_file([*rows(6), *rows(3)])))
    assert (report.rows, report.calls, report.grouped) == (9, 6, 3)
    assert len(made(starter).city.matters) == 6


def test_live_play_by_the_servers_own_clock(options: ReplayOptions, starter: Starter) -> None:
    report = run(replace(options, speed=5000.0))
    assert report.calls == 60 and report.lost == 0
    assert report.closed + report.merged == 60
    assert report.speed == "5000.0"
    assert report.late_s.n > 60


def test_a_replay_too_fast_for_the_machine_says_so(options: ReplayOptions) -> None:
    report = run(replace(options, speed=200_000.0))
    assert report.lost == 0
    assert report.fell_behind and "could not keep up" in report.table()
    assert not run(replace(options, work=options.work / "driven")).fell_behind


def test_a_server_fault_is_counted_and_ends_only_that_business(
    options: ReplayOptions, starter: Starter
) -> None:
    class Once(Trouble):
        pass

    trouble = Once()
    start = starter(trouble)

    def begin(folder: Path, at: datetime, speed: Any) -> FakeInstance:
        instance: FakeInstance = start(folder, at, speed)
        plain = instance.city.append

        def append(matter: dict[str, Any], kind: str, command: str | None) -> dict[str, Any]:
            if kind == "incident.complete" and len(instance.city.matters) == 5:
                trouble.fail = 10
            return plain(matter, kind, command)

        instance.city.append = append  # type: ignore[method-assign]
        return instance

    report = run(replace(options, start=begin))
    assert report.faults and report.left_open >= 1
    assert report.closed > 40 and report.lost == 0


def test_a_stopped_replay_reports_what_happened_so_far(
    options: ReplayOptions, starter: Starter
) -> None:
    stop = threading.Event()

    def progress(calls: int, now: datetime) -> None:
        if calls >= 20:
            stop.set()

    report = run(replace(options, stop=stop, progress=progress))
    assert report.interrupted and 20 <= report.calls < 60 and report.lost == 0
    assert "stopped early" in report.table()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"day": date(2017, 2, 24)}, "day.empty"),
        ({"draft": False}, "pack.needed"),
        ({"map": Path("nowhere.toml")}, "map.missing"),
    ],
)
def test_what_cannot_be_replayed_is_refused_before_anything_is_started(
    options: ReplayOptions, starter: Starter, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ReplayRefused) as caught:
        run(replace(options, **changes))
    assert caught.value.code == code
    assert caught.value.zh and caught.value.en
    assert not starter.made  # type: ignore[attr-defined]


def test_a_file_of_rejects_only_is_refused(
    options: ReplayOptions, write_file: Callable[[list[str]], Path]
) -> None:
    with pytest.raises(ReplayRefused, match="没有可以重放"):
        run(replace(options, file=write_file(["c1,,,,,,,,,"])))
    options.file.write_text(HEADER)
    with pytest.raises(ReplayRefused, match="没有可以重放"):
        run(options)


def test_an_existing_pack_must_know_the_categories(
    options: ReplayOptions, tmp_path: Path, starter: Starter
) -> None:
    run(options)
    city = options.work / "pack"
    with pytest.raises(ReplayRefused) as caught:
        run(replace(options, draft=False, city=city))
    assert caught.value.code == "pack.categories" and "House fire" in caught.value.en
    text = options.map.read_text().replace(
        "[station]",
        '[category.codes]\n"House fire" = "fire-house-fire"\n'
        '"Bin fire" = "fire-bin-fire"\n"Alarm" = "fire-alarm"\n[station]',
    )
    options.map.write_text(
        text.replace("levels = {", "levels = {").replace("[category]\n", "[category]\n")
    )
    report = run(replace(options, draft=False, city=city))
    assert report.calls == 60 and report.lost == 0


def test_an_instance_with_the_wrong_clock_is_refused(
    options: ReplayOptions, starter: Starter
) -> None:
    with pytest.raises(ReplayRefused) as caught:
        run(replace(options, start=starter(speed=60.0)))
    assert caught.value.code == "clock.wrong"
    assert made(starter).stopped


def test_the_report_says_whose_times_these_are(options: ReplayOptions) -> None:
    report = run(options)
    plain = json.loads(report.json())
    assert "simulated officers" in plain["note_en"] and "仿真民警" in plain["note_zh"]
    for name in ("dispatch_s", "sign_s", "arrive_s", "clear_s", "recorded_arrive_s"):
        assert set(plain[name]) == {"p50", "p90", "n"}
        assert plain[name]["p50"] <= plain[name]["p90"]
    assert "\n" not in report.json()
