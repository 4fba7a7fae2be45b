"""Days on end at a running city."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from muster.geography.pack import Pack
from muster.simulate.live import LiveCity, Settings, habits_at
from muster.simulate.refusal import ReplayRefused

from .conftest import FakeInstance
from .fake_city import FakeCity


@pytest.fixture
def fast(pack: Pack) -> FakeInstance:
    """Its clock runs an hour in less than a second."""
    return FakeInstance(FakeCity(pack, datetime.fromisoformat("2017-02-23T22:00:00+00:00"), 5000.0))


def settings_for(instance: FakeInstance, tmp_path: Path) -> Settings:
    return Settings(url=instance.url, city=str(tmp_path / "city"), password="invented")


def until(condition: object, *, waited_s: float = 60.0) -> None:
    """Wait for something another thread brings about."""
    pause = threading.Event()
    for _ in range(int(waited_s / 0.05)):
        if condition():  # type: ignore[operator]
            return
        pause.wait(0.05)
    raise AssertionError("it never happened")


def test_calls_come_day_after_day_until_stopped(fast: FakeInstance, tmp_path: Path) -> None:
    stop = threading.Event()
    city = LiveCity(settings_for(fast, tmp_path), stop)
    thread = threading.Thread(target=city.run)
    thread.start()
    try:
        matters = fast.city.matters
        until(lambda: any("2017-02-24" in one["reported_at"] for one in list(matters.values())))
        until(lambda: any(one["stage"] == "archived" for one in list(matters.values())))
        # A server that comes back without its sessions is signed in to again.
        with fast.city.lock:
            fast.city.sessions.clear()
        before = len(matters)
        until(lambda: len(matters) > before)
    finally:
        stop.set()
        thread.join(30)
        fast.stop()
    assert not thread.is_alive()
    assert set(fast.city.crews) == set(city._pack.units)
    # Between orders they are on patrol, and say where.
    assert len(fast.city.positions) > len(city._pack.units) / 2


def test_a_second_run_takes_up_what_the_first_left_open(fast: FakeInstance, tmp_path: Path) -> None:
    for _ in range(2):
        stop = threading.Event()
        city = LiveCity(settings_for(fast, tmp_path), stop)
        thread = threading.Thread(target=city.run)
        thread.start()
        wanted = len(fast.city.matters) + 8
        until(lambda wanted=wanted: len(fast.city.matters) >= wanted)
        stop.set()
        thread.join(30)
    first = list(fast.city.matters.values())[:6]
    stop = threading.Event()
    thread = threading.Thread(target=LiveCity(settings_for(fast, tmp_path), stop).run)
    thread.start()
    try:
        ended = ("closed", "called_back", "archived", "merged")
        until(lambda: all(one["stage"] in ended for one in first))
    finally:
        stop.set()
        thread.join(30)
        fast.stop()


def test_a_driven_clock_is_refused(fake: FakeInstance, tmp_path: Path) -> None:
    with pytest.raises(ReplayRefused) as caught:
        LiveCity(settings_for(fake, tmp_path), threading.Event()).run()
    assert caught.value.code == "clock.wrong"


def test_phones_send_no_more_often_in_real_time_at_a_fast_clock() -> None:
    assert habits_at(1.0).batch_every_s == 10.0
    assert habits_at(60.0).batch_every_s == 60.0


def test_the_process_says_what_is_wrong_with_its_settings() -> None:
    environment = {**os.environ, "MUSTER_SIMULATE": '{"url": 7}'}
    ended = subprocess.run(
        [sys.executable, "-m", "muster.simulate"], env=environment, capture_output=True, check=False
    )
    assert ended.returncode == 2 and b"url" in ended.stderr


def test_the_process_stops_when_told_even_while_nobody_answers(tmp_path: Path, pack: Pack) -> None:
    settings = Settings(url="http://127.0.0.1:1", city=str(tmp_path / "city"), password="invented")
    text = msgspec.json.encode(settings).decode()
    process = subprocess.Popen(
        [sys.executable, "-m", "muster.simulate"], env={**os.environ, "MUSTER_SIMULATE": text}
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
