"""All rules, in the order an auditor reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from muster.identity.looks.look import LookRow
from muster.review.oversight.celebrity import celebrity
from muster.review.oversight.denials import denials
from muster.review.oversight.finding import Finding
from muster.review.oversight.own_name import colleague, own_name
from muster.review.oversight.spikes import hourly_cap, spike
from muster.review.oversight.thresholds import USUAL, Thresholds
from muster.review.oversight.without_work import (
    off_shift,
    opened_without_work,
    unmasked_without_work,
)

Rule = Callable[[Sequence[LookRow], Thresholds], Iterator[Finding]]
RULES: Final[tuple[Rule, ...]] = (
    own_name,
    colleague,
    unmasked_without_work,
    opened_without_work,
    off_shift,
    spike,
    hourly_cap,
    celebrity,
    denials,
)


def findings(rows: Sequence[LookRow], limits: Thresholds = USUAL) -> list[Finding]:
    """What the rules find in some days of the log; per rule, never summed up."""
    return [found for rule in RULES for found in rule(rows, limits)]
