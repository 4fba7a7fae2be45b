"""The city's table of retention: every fault named by file and line, and what the spans mean."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from muster.geography.faults import PackInvalid
from muster.geography.pack import load
from muster.geography.retention import CODES, DEFAULT, OF_MATTERS, months_after
from tests.instance import CITY

START = datetime(2026, 1, 31, 8, tzinfo=UTC)


def copied(tmp_path: Path, old: str = "", new: str = "") -> Path:
    folder = tmp_path / "city"
    shutil.copytree(CITY, folder)
    file = folder / "retention.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('code = "caller"', 'code = "callers"', "retention.toml:9: "),
        ("months = 12\n", "", "exactly one of days, months, permanent"),
        ("months = 12\n", "months = 12\ndays = 3\n", "exactly one of days, months, permanent"),
        ("months = 12\n", "months = 0\n", "retention.toml:9: "),
        ("days = 30", "days = 1", "at least 2 days"),
        ("days = 30", "days = 30\nreview = true", "without review"),
        ('code = "audit"', 'code = "audit"\ncolour = "red"', "colour"),
        ('code = "audit"', 'code = "access_log"', "access_log"),
        ("levels = [1, 2]", "levels = [9]", "retention.toml:9: "),
        ("[[class]]", "[[class", "retention.toml:"),
    ],
)
def test_every_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(PackInvalid) as refused:
        load(copied(tmp_path, old, new))
    assert said in str(refused.value)


def test_a_pack_without_the_file_keeps_longer_and_reviews_all(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "retention.toml").unlink()
    pack = load(folder)
    assert pack.retention == DEFAULT
    assert all(DEFAULT.classes[code].review for code in OF_MATTERS[:-1])
    assert pack.version != load(CITY).version, "the table is part of the pack"


def test_spans_are_calendar_months_and_graver_matters_stay_longer() -> None:
    classes = load(CITY).retention.classes
    assert set(classes) == set(CODES)
    assert months_after(START, 1) == datetime(2026, 2, 28, 8, tzinfo=UTC)
    assert months_after(START, 25) == datetime(2028, 2, 29, 8, tzinfo=UTC)
    caller = classes["caller"]
    assert caller.ends(START, 3, "010104") == datetime(2027, 1, 31, 8, tzinfo=UTC)
    assert caller.ends(START, 1, "010104") == datetime(2029, 1, 31, 8, tzinfo=UTC)
    assert classes["recordings"].ends(START, 2, "010104") is None
    assert classes["audit"].ends(START, 4, "010104") is None
