"""Every way a pack can be wrong is found, at its line, and said in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from muster.geography.faults import SENTENCES, Fault, PackInvalid
from muster.geography.pack import load
from tests.geography.small import FILES, features, square, write


class Case(NamedTuple):
    """`file` with `old` replaced by `new` gives `code` at `line`."""

    code: str
    file: str
    line: int
    old: str
    new: str
    says: str


def case(code: str, file: str, line: int, change: tuple[str, str], says: str) -> Case:
    return Case(code, file, line, change[0], change[1], says)


CASES = [
    case("bad_toml", "pack.toml", 2, ('id = "toy"', "id = toy"), "Invalid value"),
    case("missing_value", "pack.toml", 1, ('adcode = "000000"\n', ""), "adcode"),
    case("bad_value", "pack.toml", 5, ('"000000"', '"33"'), "33"),
    case("bad_value", "pack.toml", 7, ("31.0]", "91.0]"), "91"),
    case("unknown_column", "pack.toml", 10, ('["示例"]\n', '["示例"]\nmotto = "x"\n'), "motto"),
    case("bad_bbox", "pack.toml", 7, ("[121.0, 29.0, 123.0", "[123.0, 29.0, 121.0"), "west"),
    case("bad_timezone", "pack.toml", 6, ("Asia/Shanghai", "Asia/Zhoushan"), "Asia/Zhoushan"),
    case("outside_bbox", "pack.toml", 8, ("[122.0, 30.0]", "[122.0, 20.0]"), "centre"),
    case("missing_column", "units.csv", 1, ("call_sign,", "sign,"), "call_sign"),
    case("unknown_column", "units.csv", 1, ("call_sign,", "sign,"), "sign"),
    case("duplicate", "units.csv", 1, ("crew,capabilities", "crew,crew"), "crew"),
    case("cell_count", "units.csv", 2, (",firearms;rescue", ""), "10"),
    case("bad_csv", "units.csv", 3, ("东艇01", '"东艇01'), "CSV"),
    case("missing_value", "units.csv", 2, ("西01", ""), "call_sign"),
    case("bad_value", "units.csv", 2, ("road", "rail"), "rail"),
    case("bad_value", "units.csv", 2, (",40,", ",nan,"), "nan"),
    case("bad_value", "units.csv", 2, (",40,", ",0,"), "speed_kmh"),
    case("bad_value", "levels.csv", 3, ("#9A5B00", "brown"), "brown"),
    case("bad_value", "rates.csv", 3, ("1,k", "24,k"), "24"),
    case("bad_value", "rates.csv", 2, ("0.5", "-0.5"), "-0.5"),
    case("duplicate", "organisations.csv", 6, ("e,k,", "w,k,"), "line 5"),
    case("duplicate", "units.csv", 3, ("东艇01", "西01"), "call_sign"),
    case("duplicate", "people.csv", 3, ("乙,yi", "乙,jia"), "jia"),
    case("duplicate", "rates.csv", 3, ("1,k", "0,k"), "0101"),
    case("duplicate", "clocks.csv", 3, ("wait,,", "sign,1,"), "sign"),
    case("duplicate", "boundaries.geojson", 3, ('"e"', '"w"'), "line 2"),
    case("unknown_reference", "organisations.csv", 5, ("w,k,", "w,nowhere,"), "nowhere"),
    case("unknown_reference", "categories.csv", 3, ("0101,01", "0101,09"), "09"),
    case("unknown_reference", "units.csv", 2, ("西01,w,", "西01,x,"), "organisations.csv"),
    case("unknown_reference", "people.csv", 2, ("officer,w-1", "officer,w-9"), "w-9"),
    case("unknown_reference", "people.csv", 3, ("yi,c,", "yi,z,"), "organisation"),
    case("unknown_reference", "rates.csv", 2, ("0,k,0101", "0,k,0999"), "categories.csv"),
    case("unknown_reference", "rates.csv", 2, ("0,k,0101", "0,q,0101"), "organisations.csv"),
    case("unknown_reference", "boundaries.geojson", 2, ('"w"', '"ww"'), "ww"),
    case("unknown_reference", "clocks.csv", 2, ("sign,1", "singing,1"), "singing"),
    case("cycle", "categories.csv", 2, ("01,,刑事", "01,0101,刑事"), "01 → 0101 → 01"),
    case("cycle", "organisations.csv", 3, ("c,,市局", "c,w,市局"), "c → w → k → c"),
    case("bad_tier", "organisations.csv", 5, ("w,k,", "w,e,"), "station"),
    case("missing_value", "organisations.csv", 5, ("w,k,", "w,,"), "parent"),
    case("no_root", "organisations.csv", 0, (",city,", ",partner,"), "tier city"),
    case("bad_value", "units.csv", 2, ("121.8,30.0", "30.0,121.8"), "lat"),
    case("outside_bbox", "units.csv", 2, ("121.8,30.0", "120.8,30.0"), "w-1"),
    case("outside_bbox", "places.csv", 3, ("122.2,30.0", "122.2,32.0"), "t2"),
    case("outside_bbox", "organisations.csv", 6, ("122.2,30.0", "142.2,30.0"), "142.2"),
    case("outside_bbox", "coast.geojson", 3, ("30.4", "39.4"), "小岛"),
    case("bad_json", "coast.geojson", 1, ("]}\n", ""), "GeoJSON"),
    case("bad_json", "coast.geojson", 1, ("FeatureCollection", "Topology"), "FeatureCollection"),
    case("bad_geometry", "coast.geojson", 3, ("[121.9, 30.3]]]", "[121.9, 30.35]]]"), "closed"),
    case("bad_geometry", "coast.geojson", 3, ("[122.1, 30.3]", "[121.9, 30.4]"), "小岛"),
    case("bad_geometry", "coast.geojson", 3, ("[122.1, 30.3]", '["x", 30.3]'), "小岛"),
    case("bad_geometry", "coast.geojson", 2, ('"Polygon"', '"Point"'), "Point"),
    case("bad_geometry", "coast.geojson", 2, ('"geometry"', '"shape"'), "feature"),
    case("missing_value", "boundaries.geojson", 2, ('"organisation": "w"', '"o": "w"'), "org"),
    case("missing_clock", "clocks.csv", 0, ("review,,600,时限,Clock\n", ""), "review"),
    case("missing_clock", "clocks.csv", 0, ("review,,", "review,2,"), "level 4"),
    case("missing_group", "statuses.csv", 0, (",emergency,", ",busy,"), "emergency"),
    case("missing_level", "levels.csv", 0, ("4,四级,Four,#5B6B7B,#8FA1B3\n", ""), "level 4"),
]


def faults_of(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(PackInvalid) as caught:
        load(folder)
    return caught.value.faults


def test_the_small_pack_itself_is_right(tmp_path: Path) -> None:
    assert load(write(tmp_path)).city.id == "toy"


@pytest.mark.parametrize("one", CASES, ids=lambda c: f"{c.code}-{c.file}-{c.line}-{c.new[:12]}")
def test_each_fault_says_where_and_what(tmp_path: Path, one: Case) -> None:
    whole = FILES[one.file]
    assert one.old in whole
    write(tmp_path, **{one.file.replace(".", "_"): whole.replace(one.old, one.new, 1)})
    found = [f for f in faults_of(tmp_path) if (f.code, f.file) == (one.code, one.file)]
    said = [str(fault) for fault in found if fault.line == one.line]
    assert said, f"nothing at line {one.line} in {found}"
    assert any(one.says in sentence for sentence in said), said
    assert all(sentence.startswith(f"{one.file}:{one.line}: ") for sentence in said)


def test_no_kind_of_fault_is_left_untested() -> None:
    elsewhere = {"missing_folder", "missing_file", "bad_encoding"}
    assert {one.code for one in CASES} | elsewhere == set(SENTENCES)


def test_every_sentence_is_in_both_languages() -> None:
    for zh, en in SENTENCES.values():
        assert any("\u4e00" <= c <= "\u9fff" for c in zh)
        assert en.isascii() or "“" in en


def test_every_wrong_cell_of_a_row_is_told(tmp_path: Path) -> None:
    row = "w-1,西01,w,car,road,121.8,30.0,40,3,firearms;rescue"
    bad = "w-1,,w,car,rail,east,30.0,40,3.5,firearms;rescue"
    write(tmp_path, units_csv=FILES["units.csv"].replace(row, bad))
    found = {f.values["column"] for f in faults_of(tmp_path) if f.file == "units.csv"}
    assert found == {"call_sign", "mode", "lon", "crew"}


def test_a_pack_without_its_table(tmp_path: Path) -> None:
    write(tmp_path, pack_toml="id = 'toy'\n")
    [fault] = faults_of(tmp_path)
    assert fault.values["column"] == "[city]"


def test_a_missing_folder(tmp_path: Path) -> None:
    [fault] = faults_of(tmp_path / "nowhere")
    assert fault.code == "missing_folder"


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_missing_file_is_one_fault_and_not_a_flood(tmp_path: Path, file: str) -> None:
    write(tmp_path, **{file.replace(".", "_"): None})
    assert [(f.file, f.code) for f in faults_of(tmp_path)] == [(file, "missing_file")]


def test_gbk_text_is_named_at_its_first_wrong_line(tmp_path: Path) -> None:
    write(tmp_path, units_csv=FILES["units.csv"].encode("gbk"))
    [fault] = faults_of(tmp_path)
    assert (fault.file, fault.line, fault.code) == ("units.csv", 2, "bad_encoding")
    assert "UTF-8" in fault.zh


def test_the_mark_that_excel_writes_is_no_fault(tmp_path: Path) -> None:
    write(tmp_path, units_csv=b"\xef\xbb\xbf" + FILES["units.csv"].encode())
    assert "w-1" in load(tmp_path).units


def test_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    write(tmp_path, units_csv=FILES["units.csv"].replace("\n", "\r\n").encode())
    assert load(tmp_path).unit("e-1").capabilities == ()


def test_all_faults_are_told_at_once_in_order(tmp_path: Path) -> None:
    units = FILES["units.csv"].replace("road", "rail").replace("e-1,东艇01,e", "e-1,东艇01,x")
    write(tmp_path, units_csv=units, channels_csv=None)
    with pytest.raises(PackInvalid) as caught:
        load(tmp_path)
    shown = str(caught.value).splitlines()
    where = [line.rsplit(": ", 1)[0] for line in shown[1:]]
    assert len(where) == 4
    assert [line.split(" ")[0] for line in shown[1:]] == [
        "channels.csv:0:",
        "people.csv:2:",
        "units.csv:2:",
        "units.csv:3:",
    ]


def test_faults_of_one_line_features_are_found_when_all_stand_on_one_line(tmp_path: Path) -> None:
    rings = square(121.7, 29.9, 122.3, 30.1)
    text = features(({"organisation": "w"}, rings), ({"organisation": "?"}, rings))
    write(tmp_path, boundaries_geojson=text.replace("\n", ""))
    [fault] = faults_of(tmp_path)
    assert (fault.code, fault.line) == ("unknown_reference", 1)
