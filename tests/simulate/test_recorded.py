"""Recorded files: what is read, what is rejected row by row, what is refused as a whole."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster.simulate.columns import read_map
from muster.simulate.recorded import Records, read_records
from muster.simulate.refusal import REJECTS, ReplayRefused

from .conftest import HEADER, MAP, rows

IMPORT = Path(__file__).resolve().parents[2] / "cities" / "import"
DUBLIN = ZoneInfo("Europe/Dublin")
GOOD = "c1,2017-02-23,10:00:00,-0.1,51.5,Elm Row,Fire,Alarm,North,240"


def read(file: Path, map_file: Path) -> Records:
    return read_records(file, read_map(map_file), map_file)


def refused(file: Path, map_file: Path) -> ReplayRefused:
    with pytest.raises(ReplayRefused) as caught:
        read(file, map_file)
    return caught.value


# --- the files beside the project ---------------------------------------------------------------


def test_london_has_525_calls_on_23_february(shared_data: Path) -> None:
    file = shared_data / "calls" / "london_fire_2017_jan_mar.csv.gz"
    records = read(file, IMPORT / "london_fire.toml")
    assert records.rows == 23_505
    assert len(records.calls) + records.rejected.total() + records.grouped == 23_505
    day = records.of_day(date(2017, 2, 23), "Europe/London")
    assert len(day) == 525
    # Every place is in or around London: the conversion from the national grid is right.
    assert all(-0.8 < call.lon < 0.5 and 51.1 < call.lat < 52.0 for call in day)
    known = sorted(call.arrive_s for call in records.calls if call.arrive_s is not None)
    assert known[len(known) // 2] == pytest.approx(298, abs=1)
    assert 0.05 < 1 - len(known) / len(records.calls) < 0.06


def test_london_place_against_a_known_point(shared_data: Path) -> None:
    file = shared_data / "calls" / "london_fire_2017_jan_mar.csv.gz"
    records = read(file, IMPORT / "london_fire.toml")
    soho = [call for call in records.calls if call.station == "Soho"]
    mean = sum(c.lon for c in soho) / len(soho), sum(c.lat for c in soho) / len(soho)
    # Soho fire station is at 51.513 N, 0.131 W.
    assert mean == pytest.approx((-0.136, 51.512), abs=0.01)
    assert not any(call.station == "OverTheBorder" for call in records.calls)


def test_san_francisco_is_refused_because_nobody_says_when_the_call_came(
    shared_data: Path,
) -> None:
    file = shared_data / "calls" / "sf_fire_calls_2000_2018.csv.gz"
    why = refused(file, IMPORT / "sf_fire.toml")
    assert why.code == "times.missing"
    assert "no column says when the call came" in why.en
    assert "CallDate has only the day" in why.en
    assert "没有一列说明报警是什么时候来的" in why.zh


def closed(records: Records) -> tuple[int, int, int, dict[str, int]]:
    """Where every row went; the sum is checked."""
    rejected = records.rejected.total()
    assert records.rows == len(records.calls) + records.grouped + rejected
    assert sum(call.rows for call in records.calls) == len(records.calls) + records.grouped
    return records.rows, len(records.calls), records.grouped, dict(records.rejected)


def test_every_row_of_dublin_is_a_call_and_no_day_goes_backwards(shared_data: Path) -> None:
    file = shared_data / "calls" / "dublin_fire_2020_2021.csv.gz"
    records = read(file, IMPORT / "dublin_fire.toml")
    assert closed(records) == (23_608, 23_608, 0, {})
    # Where a step comes before the last one and not over midnight, it is named and not used.
    assert records.dirt.flaws == {"step.order": 155}
    arrivals = sorted(call.arrive_s for call in records.calls if call.arrive_s is not None)
    assert arrivals[0] >= 0 and arrivals[-1] <= 6 * 3600
    assert 120 < arrivals[len(arrivals) // 2] < 900
    # Ordered at 00:01 for a call of 23:59: a minute or two, not a day.
    late = [call for call in records.calls if call.reported_at.astimezone(DUBLIN).hour == 23]
    assert len(late) > 500 and all(0 <= (c.busy_s or 0) < 86_400 for c in late)
    # No coordinates: one point for a station's area, and every name says so.
    assert len({(call.lon, call.lat) for call in records.calls}) == 14
    assert all("仅知辖区 area only" in call.label for call in records.calls)


def test_lincoln_lists_of_units_give_calls_and_name_all_dirt(shared_data: Path) -> None:
    file = shared_data / "calls" / "lincoln_unit_times_2010_2017.csv.gz"
    records = read(file, IMPORT / "lincoln_units.toml")
    rejected = {"station.missing": 54, "time.missing": 994}
    assert closed(records) == (14_205, 13_152, 5, rejected)
    assert records.dirt.flaws == {
        "step.order": 29,
        "unit.never_free": 1162,
        "unit.repeated": 4505,
        "unit.unsent": 576,
    }
    by_number = {call.number: call for call in records.calls}
    # "WAVE1=06:51:33, WAVE12=06:51:33, M5=07:05:17", on scene "WAVE12=07:06:23", clear 08:18:21.
    wave = by_number["10000031"]
    assert wave.reported_at.isoformat() == "2010-01-01T12:51:33+00:00"
    assert (wave.station, wave.arrive_s, wave.busy_s) == ("Waverly", 890, 5208)
    assert wave.label == "Waverly（仅知辖区 area only）"


def test_san_francisco_tells_its_load_but_no_call_times(shared_data: Path) -> None:
    file = shared_data / "calls" / "sf_fire_calls_2000_2018.csv.gz"
    map_file = IMPORT / "sf_fire.toml"
    records = read_records(file, read_map(map_file), map_file, for_draft=True)
    rejected = {"hour.missing": 1794}
    assert closed(records) == (175_296, 166_914, 6588, rejected)
    assert len(records.units) == 368 and records.units["E03"].kinds == {"ENGINE": 5932}


# --- rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD + ",more", "row.cells"),
        ("c1,2017-02-23", "row.cells"),
        (GOOD.replace("c1", " "), "number.missing"),
        (GOOD.replace("10:00:00", ""), "time.missing"),
        (GOOD.replace("10:00:00", "25:00:00"), "time.invalid"),
        (GOOD.replace("2017-02-23", "2017-02-30"), "time.invalid"),
        (GOOD.replace("2017-02-23", "😀"), "time.invalid"),
        (GOOD.replace("2017-02-23", "0001-01-01"), "time.impossible"),
        (GOOD.replace("2017-02-23", "9999-12-31"), "time.impossible"),
        # The clocks went from 01:00 to 02:00.
        (GOOD.replace("2017-02-23,10:00:00", "2017-03-26,01:30:00"), "time.impossible"),
        (GOOD.replace("-0.1,", ",", 1), "place.missing"),
        (GOOD.replace("-0.1,", "west,", 1), "place.invalid"),
        (GOOD.replace("-0.1,", "nan,", 1), "place.outside"),
        (GOOD.replace("51.5", "1e99"), "place.outside"),
        (GOOD.replace("51.5", "91"), "place.outside"),
        (GOOD.replace("Fire,Alarm", ","), "category.missing"),
    ],
)
def test_a_bad_row_is_counted_with_its_reason(
    row: str, reason: str, write_file: Callable[[list[str]], Path], map_file: Path
) -> None:
    records = read(write_file([*rows(3), row]), map_file)
    assert records.rejected == {reason: 1}
    assert len(records.calls) == 3
    assert records.examples == {reason: 5}
    assert reason in REJECTS


@pytest.mark.parametrize("text", ["火灾 😀", "‮dlrow", "'; DROP TABLE entry; --", "<script>"])
def test_strange_text_is_text(
    text: str, write_file: Callable[[list[str]], Path], map_file: Path
) -> None:
    records = read(write_file([GOOD.replace("Elm Row", text)]), map_file)
    assert [call.label for call in records.calls] == [text]


def test_nul_never_gets_in(tmp_path: Path, map_file: Path) -> None:
    file = tmp_path / "nul.csv"
    file.write_bytes((HEADER + GOOD.replace("Elm", "E\0m") + "\n").encode())
    assert read(file, map_file).calls[0].label == "E\ufffdm Row"


def test_unknown_arrivals_are_unknown(
    write_file: Callable[[list[str]], Path], map_file: Path
) -> None:
    lines = [
        GOOD.replace("240", bad).replace("c1", f"c{n}")
        for n, bad in enumerate(("", "x", "-5", "99999999", "nan"))
    ]
    assert [call.arrive_s for call in read(write_file(lines), map_file).calls] == [None] * 5


def test_rows_of_one_call_are_grouped_not_merged(
    write_file: Callable[[list[str]], Path], map_file: Path
) -> None:
    later = GOOD.replace("10:00:00", "10:01:00").replace("240", "180")
    records = read(write_file([later, GOOD, *rows(1)]), map_file)
    assert len(records.calls) == 2 and records.grouped == 1 and records.rows == 3
    call = next(one for one in records.calls if one.number == "c1")
    assert call.reported_at == datetime(2017, 2, 23, 10, tzinfo=UTC)
    assert (call.rows, call.arrive_s) == (2, 180)


def test_local_times_become_utc(write_file: Callable[[list[str]], Path], map_file: Path) -> None:
    summer = GOOD.replace("2017-02-23", "2017-07-01")
    (call,) = read(write_file([summer]), map_file).calls
    assert call.reported_at == datetime(2017, 7, 1, 9, tzinfo=UTC)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cells=st.lists(st.text(max_size=12), min_size=10, max_size=10))
def test_no_row_stops_the_reading(tmp_path: Path, map_file: Path, cells: list[str]) -> None:
    line = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    file = tmp_path / "any.csv"
    file.write_bytes((HEADER + line + "\n" + rows(1)[0] + "\n").encode("utf-8", "replace"))
    records = read(file, map_file)
    assert len(records.calls) + records.rejected.total() + records.grouped == records.rows
    assert any(call.label == "Elm Row" for call in records.calls)


# --- files -----------------------------------------------------------------------------------


def test_files_that_cannot_be_used(tmp_path: Path, map_file: Path) -> None:
    file = tmp_path / "calls.csv"
    assert refused(file, map_file).code == "file.missing"
    file.write_bytes(b"")
    assert refused(file, map_file).code == "file.empty"
    file.write_bytes(gzip.compress(b""))
    assert refused(file, map_file).code == "file.empty"
    file.write_text("a,b,c\n1,2,3\n")
    why = refused(file, map_file)
    assert why.code == "file.columns" and "reported" not in why.en and "number" in why.en
    file.write_bytes(HEADER.encode() + "Brücke\n".encode("latin-1"))
    assert refused(file, map_file).code == "file.encoding"
    assert refused(tmp_path, map_file).code == "file.missing"


def test_a_truncated_file_is_refused_and_not_half_replayed(tmp_path: Path, map_file: Path) -> None:
    text = HEADER + "".join(f"{line}\n" for line in rows(300))
    packed = gzip.compress(text.encode())
    file = tmp_path / "calls.csv.gz"
    file.write_bytes(packed)
    assert len(read(file, map_file).calls) == 300
    file.write_bytes(packed[:-200])
    why = refused(file, map_file)
    assert why.code == "file.damaged" and "截断" in why.zh
    damaged = bytearray(packed)
    damaged[len(damaged) // 2] ^= 0xFF
    file.write_bytes(bytes(damaged))
    assert refused(file, map_file).code == "file.damaged"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("[map]", "[map"), "map.invalid"),
        (("Europe/London", "Nowhere/Land"), "map.invalid"),
        (("Europe/London", "/etc/passwd"), "map.invalid"),
        (('x = "x"', 'xx = "x"'), "map.invalid"),
        (('column = "number"', "column = 7"), "map.invalid"),
    ],
)
def test_a_bad_map_is_refused(tmp_path: Path, change: tuple[str, str], code: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(MAP.replace(*change))
    with pytest.raises(ReplayRefused) as caught:
        read_map(path)
    assert caught.value.code == code


def test_every_map_of_the_project_can_be_read() -> None:
    maps = sorted(IMPORT.glob("*.toml"))
    assert len(maps) >= 4
    for path in maps:
        assert read_map(path).about.attribution
