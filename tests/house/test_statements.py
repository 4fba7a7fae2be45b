"""SQL stands in tables.py, the journal and the migrations."""

from __future__ import annotations

from . import sources, statements

# file or folder/ → why SQL has to stand there. The list may only shrink.
MAY_HOLD: dict[str, str] = {
    "src/muster/supervise/": "makes the roles and the database before any table exists",
}


def test_sql_stands_in_its_place() -> None:
    faults = list(statements.faults(sources.product(), MAY_HOLD))
    assert not faults, sources.faults_text(
        "SQL only in tables.py, journal/ and migrations/", faults
    )


def test_sql_elsewhere_is_seen_failing() -> None:
    path = sources.FIXTURES / "statements" / "decide.py"
    assert [fault.line for fault in statements.faults([path], {})] == [3, 4, 7, 8]


def test_sql_in_tables_passes() -> None:
    assert not list(statements.faults([sources.FIXTURES / "statements" / "tables.py"], {}))


def test_a_needless_allowance_is_seen_failing() -> None:
    path = sources.FIXTURES / "moments" / "asks.py"
    faults = list(statements.faults([path], {sources.shown(path): "no reason"}))
    assert [f.what for f in faults] == ["may hold SQL but holds none: delete it from the list"]
