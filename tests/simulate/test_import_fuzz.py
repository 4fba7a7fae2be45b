"""Whatever an importer is given, it ends soon: with every row accounted for, or with a sentence."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster.geography.pack import load
from muster.simulate.columns import read_map
from muster.simulate.draft import write_draft
from muster.simulate.recorded import Records, read_records
from muster.simulate.refusal import FLAWS, REJECTS, ReplayRefused

from .conftest import HEADER, MAP, rows

fuzzed = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LISTS = """
[map]
name_zh = "示例"
name_en = "example"
timezone = "Europe/London"
attribution = "invented"
empty = ["NULL"]
[number]
column = "number"
[reported_at]
columns = ["day"]
formats = ["%m/%d/%y %H:%M", "%Y-%m-%d"]
first_sent = true
[place]
stations = "stations.csv"
[category]
columns = ["kind"]
[station.by_unit]
E = "North"
M = "South"
[steps]
lists = true
ordered = "sent"
on_scene = "there"
available = "free"
[units]
at_least = 1
"""
PLACES = "# invented\nstation,lon,lat\nNorth,-0.1,51.6\nSouth,-0.1,51.4\n"
CELL = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["=1+1", "@SUM(A1)", "-2+3", "\0", "NULL", "\u202e", "#x", "c1", "Fire", "North", "E1"]
    ),
)


def accounted(records: Records) -> None:
    assert records.closes
    assert set(records.rejected) <= REJECTS.keys() and set(records.dirt.flaws) <= FLAWS.keys()
    assert sum(call.rows for call in records.calls) == len(records.calls) + records.grouped


def read_or_refused(file: Path, map_file: Path) -> Records | None:
    """Records whose rows are all accounted for, or None after a refusal in both languages."""
    try:
        records = read_records(file, read_map(map_file), map_file)
    except ReplayRefused as error:
        assert error.zh and error.en and "{" not in error.code
        return None
    accounted(records)
    return records


@pytest.fixture
def lists_map(tmp_path: Path) -> Path:
    (tmp_path / "lists.toml").write_text(LISTS)
    (tmp_path / "stations.csv").write_text(PLACES)
    return tmp_path / "lists.toml"


# --- bytes -----------------------------------------------------------------------------------


@fuzzed
@given(data=st.binary(max_size=400), header=st.booleans(), packed=st.booleans())
def test_garbage(
    tmp_path: Path, map_file: Path, data: bytes, *, header: bool, packed: bool
) -> None:
    whole = HEADER.encode() + data if header else data
    file = tmp_path / "any.csv"
    file.write_bytes(gzip.compress(whole) if packed else whole)
    read_or_refused(file, map_file)


@fuzzed
@given(at=st.integers(0, 400), change=st.binary(min_size=1, max_size=3), cut=st.booleans())
def test_a_damaged_archive(
    tmp_path: Path, map_file: Path, at: int, change: bytes, *, cut: bool
) -> None:
    packed = gzip.compress((HEADER + "\n".join(rows(40))).encode())
    at %= len(packed)
    file = tmp_path / "any.csv.gz"
    file.write_bytes(packed[:at] if cut else packed[:at] + change + packed[at + len(change) :])
    read_or_refused(file, map_file)


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-16-le", "utf-8-sig", "big5"])
def test_another_encoding_is_refused_or_read_as_the_map_says(
    tmp_path: Path, map_file: Path, encoding: str
) -> None:
    line = rows(1)[0].replace("Elm Row", "火警路")
    file = tmp_path / "calls.csv"
    file.write_bytes((HEADER + line + "\n").encode(encoding))
    found = read_or_refused(file, map_file)
    assert (found is not None) == (encoding == "utf-8-sig")
    map_file.write_text(MAP.replace("[number]", f'encoding = "{encoding}"\n[number]'))
    found = read_or_refused(file, map_file)
    assert found is not None and [call.label for call in found.calls] == ["火警路"]


@pytest.mark.parametrize(
    "unit",
    [
        b"\0" * 1000,
        b"\n" * 1000,
        b"c1,2017-02-23,10:00:00,-0.1,51.5,Elm,Fire,Alarm,North,1\n" * 20,
        b'"' + b"x" * 999,
    ],
    ids=["nul", "blank", "rows", "cell"],
)
def test_an_archive_that_unpacks_without_end_takes_little_memory(
    tmp_path: Path, map_file: Path, unit: bytes
) -> None:
    file = tmp_path / "bomb.csv.gz"
    with gzip.open(file, "wb", compresslevel=9) as packed:
        packed.write(HEADER.encode())
        for _ in range(100):
            packed.write(unit * 1000)
    assert file.stat().st_size < 2_000_000
    columns = read_map(map_file)
    tracemalloc.start()
    try:
        with pytest.raises(ReplayRefused) as caught:
            read_records(file, columns, map_file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code in ("file.bomb", "file.line")
    assert peak < 30_000_000


def test_a_line_without_end_takes_little_memory(tmp_path: Path, map_file: Path) -> None:
    file = tmp_path / "long.csv"
    with file.open("wb") as text:
        text.write(HEADER.encode())
        text.truncate(200_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ReplayRefused) as caught:
            read_records(file, read_map(map_file), map_file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "file.line"
    assert peak < 30_000_000


# --- rows ------------------------------------------------------------------------------------


@fuzzed
@given(table=st.lists(st.lists(CELL, max_size=14), max_size=12))
def test_ragged_rows(tmp_path: Path, map_file: Path, table: list[list[str]]) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table]
    file = tmp_path / "any.csv"
    file.write_bytes((HEADER + "\n".join([*lines, *rows(2)])).encode("utf-8", "replace"))
    records = read_or_refused(file, map_file)
    assert records is not None and len(records.calls) >= 2


def test_a_huge_cell_is_rejected_and_one_that_never_ends_is_refused(
    tmp_path: Path, map_file: Path
) -> None:
    file = tmp_path / "any.csv"
    good = rows(3)
    long = good[0].replace("Elm Row", "x" * 5000)
    file.write_text(HEADER + "\n".join([long, *good[1:]]))
    records = read_or_refused(file, map_file)
    assert records is not None and records.rejected == {"cell.long": 1}
    file.write_text(HEADER + "\n".join([good[0].replace("Elm", '"Elm'), *good[1:] * 9000]))
    assert read_or_refused(file, map_file) is None


@fuzzed
@given(
    day=st.one_of(CELL, st.sampled_from(["1/2/10 0:00", "2017-03-26"])),
    cells=st.lists(st.text("EM12=:, 0359x", max_size=60), min_size=3, max_size=3),
)
def test_lists_of_units(tmp_path: Path, lists_map: Path, day: str, cells: list[str]) -> None:
    row = ",".join('"' + cell.replace('"', '""') + '"' for cell in ("7", day, "Alarm", *cells))
    file = tmp_path / "any.csv"
    text = f"number,day,kind,sent,there,free\n{row}\n8,2017-02-23,Alarm,E1=23:59:00,NULL,E1=0:1\n"
    file.write_bytes(text.encode("utf-8", "replace"))
    records = read_or_refused(file, lists_map)
    assert records is not None
    assert any(call.number == "8" and call.station == "North" for call in records.calls)


def test_lists_go_over_midnight_and_every_fault_in_them_is_named(
    tmp_path: Path, lists_map: Path
) -> None:
    file = tmp_path / "any.csv"
    file.write_text(
        "number,day,kind,sent,there,free\n"
        '1,2/23/17 0:00,Alarm,"E1=23:58:00, M2=00:04:00","M2=00:10:00, E1=00:12:00",'
        '"E1=01:00:00, M2=01:30:00"\n'
        '2,2/23/17 0:00,Alarm,"E1=10:00:00, E1=10:00:00","M2=10:09:00",E1=soon\n'
        "3,2/23/17 0:00,Alarm,NULL,NULL,NULL\n"
        "4,2/23/17 0:00,Alarm,X9=10:00:00,NULL,NULL\n"
    )
    records = read_or_refused(file, lists_map)
    assert records is not None
    first, second = records.calls[1], records.calls[0]
    assert first.reported_at.isoformat() == "2017-02-23T23:58:00+00:00"
    assert (first.arrive_s, first.busy_s, first.station) == (720, 92 * 60, "North")
    assert second.busy_s is None
    assert records.rejected == {"time.missing": 1, "station.missing": 1}
    assert records.dirt.flaws == {
        "unit.repeated": 1,
        "unit.unsent": 1,
        "list.broken": 1,
        "unit.never_free": 1,
    }
    records.dirt.write(tmp_path / "dirt.csv")
    told = [line.split(",")[:3] for line in (tmp_path / "dirt.csv").read_text().splitlines()]
    assert told[1][0] == "3" and told[1][1] == "flaw" and ["4", "reject", "time.missing"] in told


@settings(fuzzed, max_examples=25)
@given(names=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8))
def test_any_names_make_a_pack_that_loads(
    tmp_path: Path, lists_map: Path, names: list[tuple[str, str, str]]
) -> None:
    text = MAP.replace('columns = ["group", "kind"]', 'columns = ["group", "kind", "first"]')
    map_file = tmp_path / "names.toml"
    map_file.write_text(
        text.replace('[first_unit]\nseconds = "first"', '[units]\nat_least = 1\ncolumn = "street"')
    )
    lines = []
    for number, (station, kind, unit) in enumerate(names):
        cells = [f"c{number}", "2017-02-23", "10:00:00", f"{number}", "51", unit, kind, station]
        quoted = ['"' + cell.replace('"', '""') + '"' for cell in (*cells, station, kind)]
        lines.append(",".join(quoted))
    file = tmp_path / "any.csv"
    data = HEADER + "\n".join([*lines, *rows(1)]) + "\n"
    file.write_bytes(data.encode("utf-8", "replace"))
    columns = read_map(map_file)
    records = read_records(file, columns, map_file)
    accounted(records)
    write_draft(records, columns, map_file.name, tmp_path / "pack")
    pack = load(tmp_path / "pack")
    assert pack.units and pack.rates
    for sheet in ("organisations.csv", "units.csv", "categories.csv"):
        assert not any(
            cell.strip('"').startswith(("=", "+", "@"))
            for line in (tmp_path / "pack" / sheet).read_text("utf-8").splitlines()
            for cell in line.split(",")
        )


# --- maps ------------------------------------------------------------------------------------


def test_every_wrong_key_of_a_map_is_named_with_its_line(tmp_path: Path) -> None:
    wrong = {
        'timezone = "Europe/London"': 'timezone = "Europe/Nowhere"\nzone = 1',
        'column = "number"': "column = 7",
        'x = "x"': 'xx = "x"',
        'levels = { "House fire" = 1 }': "urgent = 3\n[category.levels]\nFire = 9",
        '[station]\ncolumn = "station"': "[stations]\n[station]\ncolumn = true",
        'seconds = "first"': 'seconds = "first"\nunit_s = -1',
    }
    text = MAP
    for old, new in wrong.items():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(ReplayRefused) as caught:
        read_map(path)
    told = caught.value.en
    lines = text.splitlines()
    for key, at in (
        ("zone", "zone = 1"),
        ("column", "column = 7"),
        ("xx", 'xx = "x"'),
        ("urgent", "urgent = 3"),
        ("Fire", "Fire = 9"),
        ("stations", "[stations]"),
        ("column", "column = true"),
        ("unit_s", "unit_s = -1"),
    ):
        line = next(n for n, one in enumerate(lines, 1) if one == at)
        assert any(f"map.toml:{line} [" in part and key in part for part in told.split("; ")), (
            key,
            line,
            told,
        )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("Europe/London", "Nowhere/Land"), "[map] timezone"),
        (('timezone = "Europe/London"', 'timezone = "UTC"\nencoding = "zip"'), "[map] encoding"),
        (('timezone = "Europe/London"', 'timezone = "UTC"\nencoding = "no"'), "[map] encoding"),
        (('timezone = "Europe/London"', 'timezone = "UTC"\ndelimiter = ",,"'), "[map] delimiter"),
        (("%Y-%m-%d %H:%M:%S", "%Q"), "[reported_at] format"),
        (("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"), "[reported_at] format: no time of day"),
        (("%Y-%m-%d %H:%M:%S", ""), "[reported_at] format"),
        (('x = "x"', 'x = "x"\nepsg = 1'), "[place] epsg"),
        (('x = "x"\n', ""), "[place]: x and y"),
        (('x = "x"', 'x = "x"\npoint = "x"'), "[place] point"),
        (('seconds = "first"', '[steps]\nformat = "%Y"'), "[steps] format"),
        (('seconds = "first"', "[steps]\nlists = true"), "[steps] lists"),
        (('column = "station"', ""), "[station]: needs"),
        (('format = "%Y', 'first_sent = true\nformat = "%Y'), "[reported_at] first_sent"),
    ],
)
def test_what_does_not_exist_or_fit_together_is_told(
    tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    assert change[0] in MAP
    path = tmp_path / "map.toml"
    path.write_text(MAP.replace(*change))
    with pytest.raises(ReplayRefused) as caught:
        read_map(path)
    assert caught.value.code == "map.invalid" and told in caught.value.en


VALUE = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8),
    st.integers(-(2**70), 2**70),
    st.booleans(),
    st.lists(st.text("abc%Yd", max_size=3), max_size=3),
)


@fuzzed
@given(changes=st.dictionaries(st.integers(1, 24), VALUE, max_size=5), tail=st.text(max_size=10))
def test_any_map(tmp_path: Path, changes: dict[int, Any], tail: str) -> None:
    lines = MAP.splitlines()
    for at, value in changes.items():
        at %= len(lines)
        key, equals, _ = lines[at].partition(" = ")
        if equals:
            lines[at] = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    path = tmp_path / "map.toml"
    path.write_bytes(("\n".join(lines) + tail).encode("utf-8", "replace"))
    file = tmp_path / "calls.csv"
    file.write_text(HEADER + "\n".join(rows(2)))
    try:
        columns = read_map(path)
    except ReplayRefused as error:
        assert error.code in ("map.invalid", "map.missing")
        return
    try:
        accounted(read_records(file, columns, path))
    except ReplayRefused as error:
        assert error.zh and error.en


@fuzzed
@given(text=st.text(max_size=80))
def test_any_list_of_stations(tmp_path: Path, lists_map: Path, text: str) -> None:
    (tmp_path / "stations.csv").write_bytes(
        ("station,lon,lat\nNorth,-0.1,51.6\n" + text).encode("utf-8", "replace")
    )
    file = tmp_path / "any.csv"
    file.write_text("number,day,kind,sent,there,free\n")
    try:
        read_records(file, read_map(lists_map), lists_map)
    except ReplayRefused as error:
        assert error.code == "stations.invalid" and "stations.csv" in error.en
