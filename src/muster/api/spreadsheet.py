"""Cells of a CSV file, as spreadsheets read them."""

from __future__ import annotations

from typing import Any, Final

#: What spreadsheets take for the beginning of a formula; in Chinese editions the wide signs, too.
FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def harmless(cell: Any) -> str:
    """A cell as words that no spreadsheet calculates; nothing for None."""
    words = "" if cell is None else str(cell)
    return f"'{words}" if words.lstrip(" ").startswith(FORMULA) else words
