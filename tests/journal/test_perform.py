"""`perform`: one command is one transaction, done once, in a matter's own order."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from muster.journal.entry import FIRST_PREVIOUS, digest, read_envelope
from muster.journal.perform import Answer, Change, Keeper, Operation, Writer, derived_command
from muster.journal.refusal import Conflict, Refused
from muster.journal.verify import verify

from .diary import (
    BOTH,
    CLOSE,
    NOTE,
    OPEN,
    TAKE,
    Both,
    Close,
    Note,
    Open,
    Shelf,
    Take,
    note,
    together,
)

A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))
WRITTEN = ("entry", "command", "feed", "vault_key", "vault_item", "vault_lookup", "deadline")


def totals(shelf: Shelf) -> dict[str, int]:
    return {table: shelf.count(table) for table in (*WRITTEN, "diary", "diary_thing")}


def opened(shelf: Shelf, matter: str = A) -> str:
    shelf.do(OPEN, matter, Open(owner="示例", phone="000"), command=f"open {matter}")
    return matter


def envelopes(shelf: Shelf, matter: str) -> list[Any]:
    with shelf.pool.connection() as connection:
        rows = connection.execute(
            "SELECT bytes, hash FROM entry WHERE matter = %s::uuid ORDER BY number", (matter,)
        ).fetchall()
    return [(read_envelope(data), data, hashed.hex()) for data, hashed in rows]


def crowded(shelf: Shelf, count: int) -> None:
    """Open that many connections, so that as many commands really run side by side."""
    shelf.pool.resize(count, max(count, 20))
    shelf.pool.wait()


def dawdle(_opening: Any, _asked: Any) -> None:
    time.sleep(0.02)  # long enough that commands which are not held apart meet


#: A note that takes its time between reading and writing.
SLOW = Operation(name="diary.note", input=Note, decide=note, reads=dawdle)


# --- what is written -------------------------------------------------------------------------


def test_entries_are_numbered_chained_and_say_who_and_why(shelf: Shelf) -> None:
    opened(shelf)
    answer = shelf.do(
        NOTE,
        A,
        Note(text="x"),
        command="c2",
        cause="elsewhere/7",
        clock_offset_ms=-250,
        happened_at=datetime(2026, 3, 1, 7, tzinfo=UTC),
    )
    assert [(one.matter, one.number, one.kind) for one in answer.entries] == [(A, 2, "diary.noted")]
    (first, data, hashed), (second, _, _) = envelopes(shelf, A)
    assert first.previous == FIRST_PREVIOUS
    assert second.previous == hashed == digest(data)
    assert (second.actor, second.authority.role, second.authority.organisation) == (
        "ann",
        "writer",
        "library",
    )
    assert (second.cause, second.command, second.clock_offset_ms) == ("elsewhere/7", "c2", -250)
    assert second.happened_at == datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert second.recorded_at == answer.recorded_at > first.recorded_at


def test_what_happened_when_nobody_says_is_when_it_was_recorded(shelf: Shelf) -> None:
    opened(shelf)
    (first, _, _) = envelopes(shelf, A)[0]
    assert first.happened_at == first.recorded_at


def test_the_bell_rings_once_a_fresh_command(shelf: Shelf) -> None:
    heard: list[Answer] = []
    shelf.journal.appended = heard.append
    opened(shelf)
    opened(shelf)
    with pytest.raises(Refused):
        shelf.do(OPEN, A, Open(), command="c3")
    assert [answer.command for answer in heard] == [f"open {A}"]


# --- commands: once --------------------------------------------------------------------------


def test_the_same_command_gets_the_same_answer_and_does_nothing(shelf: Shelf) -> None:
    opened(shelf)
    first = shelf.do(NOTE, A, Note(text="x"), command="c")
    before = totals(shelf)
    shelf.do(NOTE, A, Note(text="y"), command="d")
    assert shelf.do(NOTE, A, Note(text="x"), command="c") == first
    after = totals(shelf)
    assert after["entry"] == before["entry"] + 1
    assert after["command"] == before["command"] + 1


def test_a_retried_opening_opens_nothing_twice(shelf: Shelf) -> None:
    assert opened(shelf) == opened(shelf)
    assert (shelf.count("entry"), shelf.count("diary")) == (1, 1)


def test_a_command_id_with_another_input_operation_or_matter_is_refused(shelf: Shelf) -> None:
    opened(shelf)
    opened(shelf, B)
    shelf.do(NOTE, A, Note(text="x"), command="c")
    before = totals(shelf)
    for operation, matter, asked in (
        (NOTE, A, Note(text="y")),
        (NOTE, B, Note(text="x")),
        (CLOSE, A, Close()),
    ):
        with pytest.raises(Refused) as refused:
            shelf.do(operation, matter, asked, command="c")
        assert refused.value.code == "command.reused"
    assert totals(shelf) == before


def test_another_person_may_use_the_same_command_id(shelf: Shelf) -> None:
    opened(shelf)
    shelf.do(NOTE, A, Note(text="x"), command="c")
    shelf.do(NOTE, A, Note(text="y"), command="c", person="bob")
    assert len(shelf.entries(A)) == 3


def test_a_retry_is_authorised_again(shelf: Shelf) -> None:
    opened(shelf)
    shelf.authoriser.barred.add("ann")
    with pytest.raises(Refused) as refused:
        opened(shelf)
    assert refused.value.code == "authority.denied"


def test_the_same_command_from_eight_threads_is_one_entry(shelf: Shelf) -> None:
    opened(shelf)
    crowded(shelf, 8)
    answers = together(8, lambda _: shelf.do(SLOW, A, Note(text="x"), command="c"))
    assert all(isinstance(answer, Answer) for answer in answers), answers
    assert len({answer.recorded_at for answer in answers}) == 1
    assert shelf.entries(A) == [(1, "diary.opened"), (2, "diary.noted")]


def test_one_command_id_for_eight_matters_at_once_is_done_for_one(shelf: Shelf) -> None:
    matters = [opened(shelf, str(uuid.UUID(int=n))) for n in range(1, 9)]
    crowded(shelf, 8)
    results = together(8, lambda n: shelf.do(SLOW, matters[n], Note(text="x"), command="c"))
    assert sum(isinstance(one, Answer) for one in results) == 1, results
    refused = [one.code for one in results if isinstance(one, Refused)]
    assert refused == ["command.reused"] * 7


def test_eight_threads_opening_one_matter_with_their_own_ids_open_one(shelf: Shelf) -> None:
    answers = together(8, lambda index: shelf.do(OPEN, A, Open(), command=f"c{index}"))
    codes = [one.code for one in answers if isinstance(one, Refused)]
    assert codes == ["matter.exists"] * 7
    assert shelf.entries(A) == [(1, "diary.opened")]


def test_refusals_are_not_stored(shelf: Shelf) -> None:
    with pytest.raises(Refused) as refused:
        shelf.do(NOTE, A, Note(text="x"), command="c")
    assert refused.value.code == "matter.unknown"
    assert set(totals(shelf).values()) == {0}
    opened(shelf)
    shelf.do(NOTE, A, Note(text="x"), command="c")
    assert len(shelf.entries(A)) == 2


def test_the_same_cause_gives_the_same_command_id() -> None:
    assert derived_command("a", "b") == derived_command("a", "b")
    assert derived_command("a", "b") != derived_command("b", "a")
    assert str(uuid.UUID(derived_command("a"))) == derived_command("a")


# --- all or nothing --------------------------------------------------------------------------


def test_denied_writes_nothing(shelf: Shelf) -> None:
    shelf.authoriser.barred.add("eve")
    with pytest.raises(Refused) as refused:
        shelf.do(OPEN, A, Open(owner="示例"), command="c", person="eve")
    assert refused.value.code == "authority.denied"
    assert set(totals(shelf).values()) == {0}


def test_a_failing_keeper_aborts_everything(make_shelf: Callable[..., Shelf]) -> None:
    def fails(writer: Writer, change: Change) -> None:
        raise RuntimeError("示例 defect")

    shelf = make_shelf(
        keepers=(Keeper("diaries", ("diary",), lambda w, c: None), Keeper("x", (), fails))
    )
    with pytest.raises(RuntimeError, match="示例 defect"):
        shelf.do(OPEN, A, Open(owner="示例", phone="000"), command="c")
    assert set(totals(shelf).values()) == {0}


def test_a_keeper_s_bad_statement_aborts_everything(make_shelf: Callable[..., Shelf]) -> None:
    def fails(writer: Writer, change: Change) -> None:
        writer.execute("INSERT INTO diary (matter) VALUES (%s::uuid)", (change.matter,))

    shelf = make_shelf(keepers=(Keeper("diaries", ("diary",), fails),))
    with pytest.raises(psycopg.errors.NotNullViolation):
        shelf.do(OPEN, A, Open(owner="示例", phone="000"), command="c")
    assert set(totals(shelf).values()) == {0}
    assert shelf.count("entry") == 0  # and the connection is usable again


def test_one_of_two_matters_refused_changes_neither(shelf: Shelf) -> None:
    opened(shelf)
    opened(shelf, B)
    shelf.do(CLOSE, B, Close(), command="close")
    before = totals(shelf)
    with pytest.raises(Refused):
        shelf.do(BOTH, A, Both(B, "x"), command="c")
    assert totals(shelf) == before


def test_a_connection_lost_before_the_commit_leaves_nothing_and_can_be_retried(
    shelf: Shelf, owner: psycopg.Connection[Any]
) -> None:
    opened(shelf)
    before = totals(shelf)

    def lost(opening: Any, asked: Note) -> None:
        pid = opening.connection.info.backend_pid
        with shelf.pool.connection() as other:  # the same role may end its own sessions
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    unlucky = Operation(name="diary.note", input=Note, decide=note, reads=lost)
    with pytest.raises(psycopg.OperationalError):
        shelf.do(unlucky, A, Note(text="x"), command="c")
    assert totals(shelf) == before
    shelf.do(NOTE, A, Note(text="x"), command="c")
    assert len(shelf.entries(A)) == 2


# --- several at once -------------------------------------------------------------------------


def test_sixteen_writers_on_one_matter_number_without_gaps(shelf: Shelf) -> None:
    opened(shelf)
    crowded(shelf, 16)
    each = 8

    def write(index: int) -> None:
        for n in range(each):
            shelf.do(NOTE, A, Note(text=f"{index}/{n}"), command=f"{index}/{n}")

    assert together(16, write) == [None] * 16
    assert [number for number, _ in shelf.entries(A)] == list(range(1, 16 * each + 2))
    with shelf.pool.connection() as connection:
        verdict = verify(connection)
    assert (verdict.entries, verdict.matters, verdict.faults) == (16 * each + 1, 1, ())


def test_two_matters_locked_in_either_order_do_not_deadlock(shelf: Shelf) -> None:
    opened(shelf)
    opened(shelf, B)
    crowded(shelf, 8)

    def write(index: int) -> None:
        one, other = (A, B) if index % 2 else (B, A)
        for n in range(10):
            shelf.do(BOTH, one, Both(other, "x"), command=f"{index}/{n}")

    assert together(8, write) == [None] * 8
    assert len(shelf.entries(A)) == len(shelf.entries(B)) == 81


def test_a_contested_thing_goes_to_one(shelf: Shelf) -> None:
    matters = [str(uuid.UUID(int=n)) for n in range(1, 13)]
    for matter in matters:
        opened(shelf, matter)
    crowded(shelf, 12)
    results = together(
        12, lambda n: shelf.do(TAKE, matters[n], Take("boat"), command="t", person=f"p{n}")
    )
    assert sum(isinstance(one, Answer) for one in results) == 1, results
    refused = [one.code for one in results if isinstance(one, Refused)]
    assert refused == ["thing.taken"] * 11


def test_a_writer_who_ignored_the_locks_meets_the_primary_key(
    shelf: Shelf, owner: psycopg.Connection[Any]
) -> None:
    opened(shelf)

    def intruder(opening: Any, asked: Note) -> None:
        owner.execute(
            "INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command,"
            " bytes, hash) SELECT matter, 2, kind, happened_at, recorded_at, actor, 'x', bytes,"
            " hash FROM entry WHERE matter = %s::uuid AND number = 1",
            (A,),
        )

    raced = Operation(name="diary.note", input=Note, decide=note, reads=intruder)
    before = totals(shelf)
    with pytest.raises(Conflict):
        shelf.do(raced, A, Note(text="x"), command="c")
    assert totals(shelf) == {**before, "entry": before["entry"] + 1}


# --- clocks ----------------------------------------------------------------------------------


def test_deadlines_follow_the_state(shelf: Shelf) -> None:
    due = datetime(2026, 3, 2, tzinfo=UTC)

    def rows() -> list[Any]:
        with shelf.pool.connection() as connection:
            return connection.execute("SELECT matter::text, name, due FROM deadline").fetchall()

    shelf.do(OPEN, A, Open(read_by=due), command="a")
    assert rows() == [(A, "read", due)]
    shelf.do(NOTE, A, Note(text="x", read_by=due + timedelta(days=1)), command="b")
    assert rows() == [(A, "read", due + timedelta(days=1))]
    shelf.do(CLOSE, A, Close(), command="c")
    assert rows() == []
