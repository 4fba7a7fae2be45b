"""The sample: a few of every hundred, drawn by what nobody knew before, never reviewed by whom it
is about."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from muster.identity.looks.look import LookRow
from muster.review.oversight.sample import assigned_to, is_drawn, of_areas
from tests.review.week import Week

SEED = sha256(b"the row after the block").hexdigest()
OTHER = sha256(b"another row").hexdigest()


def rows() -> list[LookRow]:
    made = Week(7)
    made.ordinary()
    return made.rows()


def drawn(seed: str) -> set[int]:
    return {row.number for row in rows() if is_drawn(row, seed)}


def test_between_one_and_five_in_a_hundred() -> None:
    for seed in (SEED, OTHER):
        assert 0.01 <= len(drawn(seed)) / len(rows()) <= 0.05


def test_the_seed_decides() -> None:
    assert drawn(SEED) == drawn(SEED)
    assert drawn(SEED) != drawn(OTHER)
    assert drawn("") == set(), "while a block is open nobody knows"


def test_only_looks_at_people_are_drawn() -> None:
    base = next(row for row in rows() if is_drawn(row, SEED))
    for change in ({"what": "access_log.read"}, {"what": "change"}, {"outcome": "denied"}):
        assert not is_drawn(msgspec.structs.replace(base, **change), SEED)


def test_nobody_reviews_the_own_look() -> None:
    auditors = ["auditor0", "auditor1", "auditor2"]
    for row in rows()[:300]:
        own = msgspec.structs.replace(row, actor="auditor0")
        assert assigned_to(own, SEED, auditors) in ("auditor1", "auditor2")
        assert assigned_to(own, SEED, ["auditor0"]) == ""


def test_everybody_gets_a_share_and_a_leaver_moves_nobody_elses() -> None:
    auditors = ["a", "b", "c"]
    turns = {row.number: assigned_to(row, SEED, auditors) for row in rows()[:600]}
    assert set(turns.values()) == set(auditors)
    for row in rows()[:600]:
        if turns[row.number] != "c":
            assert assigned_to(row, SEED, ["a", "b"]) == turns[row.number]


def test_only_auditors_of_the_area() -> None:
    areas = {"top": ["zs"], "east": ["zs.east"], "station": ["zs.east.one"], "west": ["zs.west"]}
    assert of_areas(areas, "zs.east.one") == ["east", "station", "top"]
    assert of_areas(areas, "zs.eastern") == ["top"]
