"""Comparing what was acknowledged with what the journal holds."""

from __future__ import annotations

from uuid import UUID, uuid4

from muster.simulate.ledger import Acknowledged, Audit, Ledger
from muster.simulate.shapes import AnswerEntry, Entry

MATTER = uuid4()
COMMAND = uuid4()
OTHER = uuid4()


def audit(promised: list[tuple[int, str]], journal: list[tuple[int, str, UUID | None]]) -> Audit:
    ledger = Ledger()
    entries = tuple(AnswerEntry(number, kind) for number, kind in promised)
    ledger.write(Acknowledged("/there", COMMAND, MATTER, entries))
    return ledger.audit(lambda matter: [Entry(*row) for row in journal])


def test_everything_there() -> None:
    found = audit([(1, "a"), (2, "b")], [(1, "a", COMMAND), (2, "b", COMMAND), (3, "c", OTHER)])
    assert (found.acknowledged, found.lost, found.doubled) == (1, (), ())


def test_a_missing_entry_is_a_lost_command() -> None:
    assert len(audit([(1, "a"), (2, "b")], [(1, "a", COMMAND)]).lost) == 1
    assert len(audit([(1, "a")], []).lost) == 1


def test_an_entry_of_another_kind_or_command_does_not_count() -> None:
    assert len(audit([(1, "a")], [(1, "b", COMMAND)]).lost) == 1
    assert len(audit([(1, "a")], [(1, "a", OTHER)]).lost) == 1


def test_without_command_ids_numbers_and_kinds_decide() -> None:
    assert audit([(1, "a")], [(1, "a", None)]).lost == ()


def test_a_command_done_twice_is_doubled() -> None:
    twice = audit([(1, "a")], [(1, "a", COMMAND), (2, "a", COMMAND)])
    assert (len(twice.lost), len(twice.doubled)) == (0, 1)
    repeated = audit([(1, "a")], [(1, "a", COMMAND), (1, "a", OTHER)])
    assert len(repeated.doubled) == 1


def test_a_matter_nobody_knows_is_lost() -> None:
    ledger = Ledger()
    ledger.write(Acknowledged("/there", COMMAND, MATTER, (AnswerEntry(1, "a"),)))
    assert len(ledger.audit(lambda matter: ()).lost) == 1


def test_a_command_that_wrote_into_two_journals_is_looked_for_in_both() -> None:
    ledger, other = Ledger(), uuid4()
    entries = (AnswerEntry(3, "merged", MATTER), AnswerEntry(7, "absorbed", other))
    ledger.write(Acknowledged("/merge", COMMAND, MATTER, entries))
    journal = {MATTER: [Entry(3, "merged", COMMAND)], other: [Entry(7, "absorbed", COMMAND)]}
    assert ledger.audit(journal.__getitem__).lost == ()
    journal[other] = []
    assert len(ledger.audit(journal.__getitem__).lost) == 1
