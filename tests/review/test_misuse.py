"""Misuse planted in a week of ordinary look-ups: all of it is found, and little else."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from muster.review.oversight import rules
from muster.review.oversight.finding import WHY, Finding
from muster.review.oversight.rules import RULES, findings
from muster.review.oversight.thresholds import USUAL
from tests.review.week import PLOTS, Week

SEEDS = range(5)
#: In a week of about 1,950 looks by 44 people.
MOST_FALSE = 3


def week(seed: int, *, misuse: bool) -> Week:
    made = Week(seed)
    made.ordinary()
    if misuse:
        made.plant()
    return made


def names(found: list[Finding], rule: str) -> set[str]:
    return {one.person or one.matter for one in found if one.rule == rule}


@pytest.mark.parametrize("seed", SEEDS)
def test_all_planted_misuse_is_found(seed: int) -> None:
    made = week(seed, misuse=True)
    found = findings(made.rows())
    missed = {rule for rule, whom in made.planted.items() if whom not in names(found, rule)}
    assert not missed


@pytest.mark.parametrize("seed", SEEDS)
def test_false_findings_are_few(seed: int) -> None:
    ordinary = week(seed, misuse=False).rows()
    assert len(ordinary) > 1900
    assert len(findings(ordinary)) <= MOST_FALSE
    made = week(seed, misuse=True)
    beside = [
        one for one in findings(made.rows()) if (one.person or one.matter) != made.planted[one.rule]
    ]
    assert len(beside) <= MOST_FALSE, Counter((one.rule, one.person) for one in beside)


def test_each_rule_finds_its_own_and_only_by_its_rows() -> None:
    """Without the rows a finding names, the rule finds nothing there: they are its evidence."""
    made = week(0, misuse=True)
    rows = made.rows()
    for rule in RULES:
        mine = [
            one for one in rule(rows, USUAL) if (one.person or one.matter) in made.planted.values()
        ]
        assert mine, rule
        for one in mine:
            rest = [row for row in rows if row.number not in one.rows]
            again = [other for other in rule(rest, USUAL) if set(other.rows) & set(one.rows)]
            assert one.rows and not again


def test_every_rule_is_planted_and_explained() -> None:
    found = {one.rule for one in findings(week(0, misuse=True).rows())}
    assert found == set(PLOTS) == set(WHY)
    for one in findings(week(0, misuse=True).rows()):
        assert one.why_zh and one.why_en and "{" not in one.why_zh + one.why_en
        assert one.first <= one.last


def test_people_are_not_scored() -> None:
    """Findings stand by themselves: there is no sum over rules, and no number about a person."""
    fields = set(Finding.__struct_fields__)
    assert not {name for name in fields if "score" in name or "rank" in name}
    assert not hasattr(rules, "score")


def test_a_desk_in_a_busy_night_is_only_flagged_above_the_cap() -> None:
    made = week(1, misuse=False)
    for n in range(59):
        made.look(made.some_time(2).replace(hour=3, minute=n), "desk0", f"m2-{n}", "area_duty")
    assert "desk0" not in names(findings(made.rows()), "hourly_cap")


@pytest.mark.parametrize("rule", ["opened_without_work", "off_shift", "celebrity", "denials"])
def test_a_threshold_can_be_moved(rule: str) -> None:
    made = week(2, misuse=True)
    strict = msgspec.structs.replace(
        USUAL, opened_without_work=99, off_shift=99, celebrity_least=99, denials=99
    )
    assert made.planted[rule] not in names(findings(made.rows(), strict), rule)
