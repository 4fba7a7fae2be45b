"""What lies in deploy/ fits the program: every metric, option, path and directive it names."""

from __future__ import annotations

import re

from . import sources

DEPLOY = sources.ROOT / "deploy"
FROM_PROMETHEUS = {"up"}


def named(text: str) -> set[str]:
    """Metrics named in a rule, without what a histogram or counter adds."""
    return {
        re.sub(r"_(bucket|count|sum|total)$", "", name)
        for name in re.findall(r"\bmuster_[a-z_]+", text)
    }


def made() -> set[str]:
    found = set()
    for file in ("counters.py", "metrics.py"):
        text = sources.text(sources.MUSTER / "api" / file)
        found |= set(re.findall(r'"(muster_[a-z_]+)"', text))
    return found


def test_every_metric_of_a_rule_exists() -> None:
    rules = [line for line in sources.text(DEPLOY / "alerts.yml").splitlines() if "expr:" in line]
    assert len(rules) >= 10
    for rule in rules:
        assert named(rule) or "up{" in rule, rule
        unknown = named(rule) - made()
        assert not unknown, f"no such metric: {sorted(unknown)} in {rule.strip()}"


def test_a_metric_that_does_not_exist_is_seen() -> None:
    assert named("expr: rate(muster_nothing_total[5m]) > 0") - made() == {"muster_nothing"}


def test_every_rule_says_what_it_means_in_both_languages() -> None:
    text = sources.text(DEPLOY / "alerts.yml")
    words = re.findall(r'summary: "([^"]+)"', text)
    assert len(words) == text.count("- alert:")
    for one in words:
        zh, _, en = one.partition(" / ")
        assert re.search(r"[一-鿿]", zh) and re.search(r"[a-z]{3}", en), one
