"""Only journal/clock.py reads the time; everything else is given it."""

from __future__ import annotations

from . import moments, sources

MAY_READ = {
    "src/muster/journal/clock.py": "the one place",
    "src/muster/migrations/versions/0001_journal.py": "an audit row bears the database's own time",
    "src/muster/supervise/": "knows no other part; measures how long a process takes",
    "src/muster/cli/": "measures and prints how long its steps take",
}


def test_only_the_clock_reads_the_time() -> None:
    faults = list(moments.faults(sources.product(), MAY_READ))
    assert not faults, sources.faults_text("Time is an input (journal/clock.py)", faults)


def test_every_reading_is_seen_failing() -> None:
    path = sources.FIXTURES / "moments" / "reads.py"
    found = [f.what.split(":")[0] for f in moments.readings(path)]
    assert sorted(found) == sorted(
        [
            "reads the time (datetime.datetime.now)",
            "reads the time (datetime.datetime.now)",
            "reads the time (datetime.date.today)",
            "reads the time (time.time)",
            "reads the time (time.monotonic)",
            "reads the time (time.time)",
            "reads the time (datetime.datetime.utcnow)",
            "SQL reads the time (now())",
        ]
    )


def test_asking_a_clock_is_no_reading() -> None:
    assert not list(moments.readings(sources.FIXTURES / "moments" / "asks.py"))


def test_a_needless_allowance_is_seen_failing() -> None:
    path = sources.FIXTURES / "moments" / "asks.py"
    faults = list(moments.faults([path], {sources.shown(path): "no reason"}))
    assert [f.what for f in faults] == ["may read the time but does not: delete it from the list"]
