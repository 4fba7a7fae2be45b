"""Facts: frozen, no floats, a kind of our own in the past tense, unique."""

from __future__ import annotations

import importlib
from types import ModuleType

from muster.journal import entry

from . import facts, sources
from .fixtures.facts import broken


def _modules() -> list[ModuleType]:
    paths = [p for p in sources.product() if p.name == "facts.py"]
    names = [".".join(p.relative_to(sources.MUSTER.parent).with_suffix("").parts) for p in paths]
    return [importlib.import_module(name) for name in names]


def product_facts() -> list[type]:
    defined_in = {module.__name__ for module in _modules()}
    return [c for c in facts.subclasses(entry.Fact) if c.__module__ in defined_in]


def test_facts_are_well_shaped() -> None:
    faults = list(facts.faults(product_facts()))
    assert not faults, sources.faults_text("Facts (journal/entry.py, decisions/0005)", faults)


def test_every_facts_module_lists_its_facts() -> None:
    """`FACTS` is what app.py registers: a fact missing there could not be read back."""
    for module in _modules():
        defined = {c for c in product_facts() if c.__module__ == module.__name__}
        listed = set(getattr(module, "FACTS", ()))
        missing = sorted(c.__name__ for c in defined - listed)
        assert not missing, f"{module.__name__}.FACTS lacks {missing}"


def test_every_fault_of_a_fact_is_seen_failing() -> None:
    found = {str(f.what) for f in facts.faults(facts.subclasses(broken.Fact))}
    expected = {
        "PlaceCorrected: field places holds a float",
        "SpeedMeasured: field speed holds a float",
        "SpeedMeasured: field whatever holds a float",
        "Dispatch: kind incident.dispatch is not in the past tense",
        "Dispatch: needs `version: ClassVar[int]`",
        "Nameless: needs `kind: ClassVar[str]`",
        "Twin: kind unit.speed_measured is also SpeedMeasured",
    }
    missing = {e for e in expected if not any(f.startswith(e) for f in found)}
    assert not missing
    assert len(found) == len(expected), f"more than expected: {sorted(found)}"
