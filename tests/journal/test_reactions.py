"""Reactions happen once: after a crash, with the world moving on, in the listed order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from muster.journal.context import Actor
from muster.journal.entry import Entry
from muster.journal.perform import Asked, Operation, derived_command
from muster.journal.reactions import ATTEMPTS, Reaction, Reactor
from muster.journal.refusal import Conflict, Refused

from .diary import NOTE, OPEN, Note, Open, Shelf, together

A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))


def answering(operation: Operation[Any, Any, Any] = NOTE, **more: Any) -> Reaction:
    """To every opened diary a first note is written."""

    def react(entry: Entry) -> Sequence[Asked]:
        cause = f"{entry.matter}/{entry.number}"
        return [
            Asked(
                operation=operation,
                actor=Actor("system:reaction"),
                matter=entry.matter,
                input=Note(text="first"),
                command=derived_command("answer", cause),
                cause=cause,
            )
        ]

    return Reaction(name="answer", kinds=frozenset({"diary.opened"}), react=react, **more)


def opened(shelf: Shelf, *matters: str) -> None:
    for matter in matters:
        shelf.do(OPEN, matter, Open(), command=f"open {matter}")


def test_what_follows_follows_once(shelf: Shelf) -> None:
    reactor = Reactor(shelf.journal, [answering()])
    opened(shelf, A)
    assert reactor.run_once() == 1
    assert shelf.entries(A) == [(1, "diary.opened"), (2, "diary.noted")]
    assert reactor.run_once() == 1  # the note itself
    assert reactor.run_once() == 0
    opened(shelf, B)
    reactor.run_once()
    assert len(shelf.entries(B)) == 2 and len(shelf.entries(A)) == 2


def test_killed_between_performing_and_remembering(
    make_shelf: Callable[..., Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = make_shelf()
    opened(shelf, A, B)

    class Killed(Exception):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Reactor, "_remember", killed)
        for _ in range(3):
            with pytest.raises(Killed):
                Reactor(make_shelf().journal, [answering()]).run_once()
    assert len(shelf.entries(A)) == 2  # done already, not remembered
    again = make_shelf()
    Reactor(again.journal, [answering()]).run_once()
    assert len(shelf.entries(A)) == len(shelf.entries(B)) == 2
    assert len(shelf.entries(A)) == 2


def test_killed_before_performing(
    make_shelf: Callable[..., Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = make_shelf()
    opened(shelf, A, B)
    broken = answering(
        Operation(name="diary.note", input=Note, decide=lambda *_: 1 / 0)  # type: ignore[arg-type]
    )
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):  # a defect is not passed over, nor forgotten
            Reactor(shelf.journal, [broken]).run_once()
    assert len(shelf.entries(A)) == 1
    Reactor(shelf.journal, [answering()]).run_once()
    assert len(shelf.entries(A)) == len(shelf.entries(B)) == 2


def test_one_that_fails_by_a_defect_keeps_no_other_waiting(shelf: Shelf) -> None:
    def decide(state: Any, asked: Note, context: Any) -> Any:
        if context.matter == A:
            raise ZeroDivisionError
        return NOTE.decide(state, asked, context)

    opened(shelf, A, B)
    faulty = answering(Operation(name="diary.note", input=Note, decide=decide))
    with pytest.raises(ZeroDivisionError):
        Reactor(shelf.journal, [faulty]).run_once()
    assert (len(shelf.entries(A)), len(shelf.entries(B))) == (1, 2)
    Reactor(shelf.journal, [answering()]).run_once()
    assert (len(shelf.entries(A)), len(shelf.entries(B))) == (2, 2)


def test_two_reactors_at_once_do_it_once(make_shelf: Callable[..., Shelf]) -> None:
    shelves = [make_shelf(), make_shelf()]
    opened(shelves[0], A, B)
    results = together(2, lambda n: Reactor(shelves[n].journal, [answering()]).run_once())
    assert all(isinstance(result, int) for result in results), results
    assert len(shelves[0].entries(A)) == len(shelves[0].entries(B)) == 2


def counting(error: Exception, succeed_at: int) -> tuple[Operation[Any, Any, Any], list[int]]:
    """A note that fails with `error` until asked for the `succeed_at`th time."""
    tried: list[int] = []

    def decide(state: Any, asked: Note, context: Any) -> Any:
        tried.append(1)
        if len(tried) < succeed_at:
            raise error
        return NOTE.decide(state, asked, context)

    return Operation(name="diary.note", input=Note, decide=decide), tried


@pytest.mark.parametrize(
    ("error", "succeed_at", "tried", "noted"),
    [
        (Refused("unit.unavailable"), 3, 3, True),
        (Refused("unit.unavailable"), 99, ATTEMPTS, False),
        (Refused("state.wrong"), 2, 1, False),
        (Conflict("x"), 2, 2, True),
    ],
)
def test_asked_again_when_the_world_moved_on(
    shelf: Shelf, error: Exception, succeed_at: int, tried: int, noted: bool
) -> None:
    operation, seen = counting(error, succeed_at)
    opened(shelf, A)
    reaction = answering(operation, again_on=frozenset({"unit.unavailable"}))
    Reactor(shelf.journal, [reaction]).run_once()
    assert len(seen) == tried
    assert (len(shelf.entries(A)) == 2) is noted
    Reactor(shelf.journal, [reaction]).run_once()
    assert len(seen) == tried  # and not for ever
