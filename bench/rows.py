"""Rows of recorded calls a second, from the file's bytes to the inputs a report is made with.

    ours: unpack, parse, map, convert times and places, group, and make of every call the validated
          input of the door that opens a matter (command.incidents.inputs.Report)
    peer: the csv module on the same bytes, and msgspec.convert of every row to a struct of its
          columns as they stand: no time read, no place converted, nothing grouped, nothing checked
    unit: rows per CPU-second of this process; aim >= 20,000 for every map

San Francisco's file has no call times; its rows are read as for a draft pack, by its other times.
Without the open data beside the project invented rows are read instead.
"""

from __future__ import annotations

import csv
import gzip
import os
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec

from _city import median
from muster.command.incidents.inputs import Report
from muster.geography.pack import Pack, load
from muster.simulate.columns import ColumnMap, read_map
from muster.simulate.desk import opening
from muster.simulate.draft import Names, write_draft
from muster.simulate.recorded import Records, read_records
from muster.simulate.replay import as_call, as_codes

ROOT = Path(__file__).resolve().parent.parent
IMPORT = ROOT / "cities" / "import"
CALLS = ROOT.parent / "shared" / "data" / "calls"
AIM = 20_000
FILES = {
    "london_fire": "london_fire_2017_jan_mar.csv.gz",
    "dublin_fire": "dublin_fire_2020_2021.csv.gz",
    "lincoln_units": "lincoln_unit_times_2010_2017.csv.gz",
    "sf_fire": "sf_fire_calls_2000_2018.csv.gz",
}
INVENTED = 20_000


def run(rounds: int = 3) -> dict[str, Any]:
    """One row of figures for each map; the whole fails when one is below the aim."""
    with tempfile.TemporaryDirectory(prefix="muster-rows-") as folder:
        found = [measured(name, rounds, Path(folder)) for name in FILES]
    slowest = min(found, key=lambda row: row["ours"])
    failed = slowest["ours"] < AIM
    return {**slowest, "name": "rows", "aim": AIM, "failed": failed, "rows": found}


def measured(name: str, rounds: int, folder: Path) -> dict[str, Any]:
    map_file, path = IMPORT / f"{name}.toml", CALLS / FILES[name]
    columns = read_map(map_file)
    if not path.exists():
        path = invented(columns, folder / f"{name}.csv.gz")
    began = round(os.getloadavg()[0], 2)
    ours, peer = [], []
    records = read_records(path, columns, map_file, for_draft=True)
    names = write_draft(records, columns, map_file.name, folder / name)
    pack = load(folder / name)
    for _ in range(rounds):
        spent, records = cpu(lambda: imported(path, (columns, map_file), names, pack))
        ours.append(records.rows / spent)
        spent, count = cpu(lambda: bare(path))
        assert count == records.rows
        peer.append(count / spent)
    return {
        "name": f"rows {name}",
        "ours": round(median(ours)),
        "peer": round(median(peer)),
        "ratio": round(median([a / b for a, b in zip(ours, peer, strict=True)]), 3),
        "unit": "rows per CPU-second",
        "n": records.rows * rounds,
        "load": began,
        "calls": len(records.calls),
        "rejected": records.rejected.total(),
    }


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def imported(path: Path, map_: tuple[ColumnMap, Path], names: Names, pack: Pack) -> Records:
    """What a replay does with the file before it starts, and the validation of the door."""
    columns, map_file = map_
    records = read_records(path, columns, map_file, for_draft=True)
    codes = as_codes(records.calls, columns, names)
    for one in records.calls:
        call = as_call(one, codes, columns, pack, seed="bench")
        answered = one.reported_at + timedelta(seconds=4)
        msgspec.convert(opening(call, answered), Report)
    return records


def bare(path: Path) -> int:
    text = StringIO(gzip.decompress(path.read_bytes()).decode("utf-8-sig"), newline="")
    reader = csv.reader(text)
    header = next(reader)
    fields = [f"c{number}" for number in range(len(header))]
    kind = msgspec.defstruct("Bare", [(name, str) for name in fields])
    count = 0
    for cells in reader:
        msgspec.convert(dict(zip(fields, cells, strict=True)), kind)
        count += 1
    return count


def invented(columns: ColumnMap, path: Path) -> Path:
    """Rows that the map can read, for a machine without the open data."""
    wanted = columns.columns()
    times = columns.reported_at if columns.reported_at.columns else columns.load
    date = "2017-02-23 10:00:00" if len(times.columns) == 1 else "2017-02-23"
    told = {
        **dict.fromkeys(times.columns, "1/1/10 0:00" if times.first_sent else date),
        **({times.columns[1]: "10:00:00"} if len(times.columns) == 2 else {}),
        columns.place.x: "530000",
        columns.place.y: "180000",
        columns.place.point: "(37.78, -122.42)",
    }
    if times is columns.load:
        told[times.columns[0]] = "02/23/2017 10:00:00 AM"
    for step in columns.steps.columns().values():
        told[step] = "M1=10:01:00, WAVE1=10:02:00" if columns.steps.lists else "10:01:00"
    if columns.area_only and columns.station is not None and columns.station.column:
        told[columns.station.column] = "Tara Street Fire Station"
    rows = StringIO(newline="")
    writer = csv.writer(rows)
    writer.writerow(wanted)
    for number in range(INVENTED):
        told[columns.number.column] = str(number)
        writer.writerow([told.get(name, "1") for name in wanted])
    path.write_bytes(gzip.compress(rows.getvalue().encode()))
    return path


if __name__ == "__main__":
    import json

    print(json.dumps(run(), ensure_ascii=False, indent=1))
