"""What somebody wrote into a matter is not calculated by whoever opens the export."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from muster.api.retention import _csv
from muster.api.spreadsheet import harmless
from muster.command.retention.tables import GoneRow

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "＋1", " =1+1")


@pytest.mark.parametrize("words", FORMULAS)
def test_a_formula_is_words(words: str) -> None:
    assert harmless(words) == f"'{words}"


@pytest.mark.parametrize("words", ["", "示例", "a=1", " 示例", "199-0000-0001"])
def test_words_stay_as_they_are(words: str) -> None:
    assert harmless(words) == words


def test_nothing_is_an_empty_cell() -> None:
    assert harmless(None) == ""


@pytest.mark.parametrize("basis", FORMULAS)
def test_a_basis_is_no_formula_in_the_table_of_what_went(basis: str) -> None:
    values: dict[str, Any] = dict.fromkeys(GoneRow.__struct_fields__, "示例")
    row = GoneRow(**{**values, "gone_at": datetime(2026, 11, 23, tzinfo=UTC), "basis": basis})
    text = _csv("示例.csv", GoneRow, [row]).content.lstrip("\ufeff")
    assert next(csv.DictReader(io.StringIO(text, newline="")))["basis"] == f"'{basis}"
