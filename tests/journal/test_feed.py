"""The feed: every entry once, in an order in which none is missed."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import psycopg
import pytest

from muster.journal import feed
from muster.journal.perform import Change, Keeper, Writer
from muster.journal.refusal import Refused

from .diary import KEEPER, NOTE, OPEN, Note, Open, Shelf, together

Key = tuple[str, int]


def drain(shelf: Shelf, cursor: str, limit: int = 1000) -> tuple[list[Key], str]:
    """All that is readable after a cursor, and the next cursor."""
    seen: list[Key] = []
    while True:
        with shelf.pool.connection() as connection:
            page = feed.read(connection, shelf.journal.kinds, cursor, limit)
        seen += [(entry.matter, entry.number) for entry in page.entries]
        cursor = page.cursor
        if not page.more:
            return seen, cursor


def by_position(connection: psycopg.Connection[Any], after: int) -> list[tuple[int, str, int]]:
    """What a reader who tails the sequence sees: the way that misses entries."""
    return connection.execute(
        "SELECT position, matter::text, number FROM entry WHERE position > %s ORDER BY position",
        (after,),
    ).fetchall()


class SlowKeeper:
    """Holds the transactions of one matter open, after their positions were taken."""

    def __init__(self, matter: str) -> None:
        self.matter = matter
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.keeper = Keeper("slow", (), self.keep)

    def keep(self, writer: Writer, change: Change) -> None:
        if change.matter == self.matter and not self.go_on.is_set():
            writer.execute("SELECT 1", ())
            writer._cursor.fetchone()  # the append has run
            self.reached.set()
            assert self.go_on.wait(30)


def test_tailing_by_position_misses_what_the_feed_does_not(make_shelf: Any) -> None:
    """The order of commits is not the order of positions: shown, not believed."""
    slow_matter, quick_matter = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
    slow = SlowKeeper(slow_matter)
    shelf: Shelf = make_shelf(keepers=(KEEPER, slow.keeper))
    writer = threading.Thread(target=lambda: shelf.do(OPEN, slow_matter, Open(), command="s"))
    writer.start()
    assert slow.reached.wait(30)
    shelf.do(OPEN, quick_matter, Open(), command="q")
    with shelf.pool.connection() as connection:
        tailed = by_position(connection, 0)
        assert feed.held_back(connection)
    assert [row[1] for row in tailed] == [quick_matter]
    assert drain(shelf, feed.START) == ([], feed.START)  # the feed waits

    slow.go_on.set()
    writer.join(30)
    with shelf.pool.connection() as connection:
        assert by_position(connection, tailed[-1][0]) == []  # missed for ever
        assert not feed.held_back(connection)
    seen, _ = drain(shelf, feed.START)
    assert sorted(seen) == [(slow_matter, 1), (quick_matter, 1)]


@pytest.mark.parametrize("limit", [3, 1000])
def test_a_reader_beside_sixteen_writers_misses_none_and_repeats_none(
    shelf: Shelf, limit: int
) -> None:
    matters = [str(uuid.UUID(int=n)) for n in range(1, 9)]
    for matter in matters:
        shelf.do(OPEN, matter, Open(), command="open", person=matter)
    seen: list[Key] = []
    cursor = feed.START
    done = threading.Event()

    def tail() -> None:
        nonlocal cursor
        while not done.is_set():
            page, cursor = drain(shelf, cursor, limit)
            seen.extend(page)

    reader = threading.Thread(target=tail)
    reader.start()

    def write(index: int) -> None:
        for n in range(12):
            matter = matters[(index * 5 + n) % len(matters)]
            shelf.do(NOTE, matter, Note(text="x"), command=f"{index}/{n}")

    assert together(16, write) == [None] * 16
    done.set()
    reader.join(30)
    rest, cursor = drain(shelf, cursor, limit)
    seen += rest
    assert len(seen) == len(set(seen)) == 8 + 16 * 12
    for matter in matters:  # and the entries of a matter come in their order
        numbers = [number for one, number in seen if one == matter]
        assert numbers == list(range(1, len(numbers) + 1))
    assert drain(shelf, cursor) == ([], cursor)


def test_a_cursor_taken_before_a_snapshot_loses_nothing(make_shelf: Any) -> None:
    """Snapshot, then the feed from `present`: an entry is in one of the two, or in both."""
    slow_matter = str(uuid.UUID(int=1))
    slow = SlowKeeper(slow_matter)
    shelf: Shelf = make_shelf(keepers=(KEEPER, slow.keeper))
    shelf.do(OPEN, str(uuid.UUID(int=2)), Open(), command="before")
    writer = threading.Thread(target=lambda: shelf.do(OPEN, slow_matter, Open(), command="s"))
    writer.start()
    assert slow.reached.wait(30)
    with shelf.pool.connection() as connection:
        cursor = feed.present(connection)
    shelf.do(OPEN, str(uuid.UUID(int=3)), Open(), command="after")
    slow.go_on.set()
    writer.join(30)
    seen, _ = drain(shelf, cursor)
    assert {(slow_matter, 1), (str(uuid.UUID(int=3)), 1)} <= set(seen)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "1", "1-", "-1", "1-x", "-1-1", "1--1", "9" * 19 + "-1", "1-" + "9" * 19, "１-1"],
)
def test_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(Refused) as refused:
        feed.parse(cursor)
    assert refused.value.code == "cursor.invalid"


def test_the_bell_wakes_who_waits() -> None:
    bell = feed.Bell()
    heard: list[int] = []
    waiting = threading.Thread(target=lambda: heard.append(bell.wait(0, 30)))
    waiting.start()
    bell.ring()
    waiting.join(30)
    assert heard == [1]
    assert bell.wait(0, 30) == 1  # rung before we waited: no sleep
    assert bell.wait(1, 0.001) == 1  # not rung: the time-out ends it


# --- after a restore -------------------------------------------------------------------------


def test_after_a_restore_the_feed_shows_everything_and_reactions_go_on_where_they_were(
    shelf: Shelf, owner: psycopg.Connection[Any]
) -> None:
    """The old cluster's transaction ids lie far ahead. What the kept cursor had passed stays
    behind it, though it lies between what it had not."""
    for number in range(6):
        shelf.do(OPEN, str(uuid.UUID(int=number + 1)), Open(), command=f"o{number}")
    # Old ids: commits came in another order than positions. The reactor has seen 1, 3, 4.
    for position, xid in ((1, 100), (3, 101), (4, 102), (2, 103), (6, 104), (5, 105)):
        owner.execute(
            "UPDATE feed SET xid = %s::xid8 WHERE position = %s",
            (str(10**12 + xid), position),
        )
    owner.execute(
        "INSERT INTO reaction_cursor VALUES ('reactor', %s), ('idle', '0-0')",
        (f"{10**12 + 102}-4",),
    )
    assert drain(shelf, feed.START)[0] == []  # this is why
    with psycopg.connect(owner.info.dsn, password=owner.info.password) as connection:
        feed.renumber(connection)
    seen, _ = drain(shelf, feed.START)
    assert [int(uuid.UUID(matter)) for matter, _ in seen] == [1, 3, 4, 2, 5, 6]
    cursors = dict(owner.execute("SELECT name, cursor FROM reaction_cursor").fetchall())
    assert cursors["idle"] == feed.START
    left, end = drain(shelf, cursors["reactor"])
    assert [int(uuid.UUID(matter)) for matter, _ in left] == [2, 5, 6]
    shelf.do(OPEN, str(uuid.UUID(int=9)), Open(), command="o9")
    assert [int(uuid.UUID(matter)) for matter, _ in drain(shelf, end)[0]] == [9]


def test_an_empty_feed_is_renumbered(shelf: Shelf, owner: psycopg.Connection[Any]) -> None:
    owner.execute("INSERT INTO reaction_cursor VALUES ('reactor', '12-3')")
    with psycopg.connect(owner.info.dsn, password=owner.info.password) as connection:
        feed.renumber(connection)
    assert owner.execute("SELECT cursor FROM reaction_cursor").fetchone() == (feed.START,)
