"""GLOSSARY.md has a row for every folder, kind of fact, role and incident state of the code."""

from __future__ import annotations

from collections.abc import Iterator

from . import glossary, sources, vocabulary
from .test_facts import product_facts

FILE = sources.ROOT / "GLOSSARY.md"


def _wanted() -> Iterator[tuple[str, str]]:
    for folder in sorted(p for p in sources.MUSTER.rglob("*") if p.is_dir()):
        if any(path.suffix == ".py" for path in folder.iterdir()) and folder.name != "versions":
            yield folder.name, f"the folder {sources.shown(folder)}"
    for fact in product_facts():
        yield str(fact.kind).split(".")[0], f"the kind {fact.kind}"  # type: ignore[attr-defined]
    for role in vocabulary.roles():
        yield role, "a role in identity/roles.py"
    for state in vocabulary.states():
        yield state, "a state of an incident"


def test_every_row_is_complete() -> None:
    _, faults = glossary.terms(FILE)
    assert not faults, sources.faults_text("GLOSSARY.md", faults)


def test_every_word_of_the_tree_has_a_row() -> None:
    found, _ = glossary.terms(FILE)
    faults = list(glossary.missing(_wanted(), found, FILE.name))
    assert not faults, sources.faults_text("One noun per thing (GLOSSARY.md)", faults)


def test_the_vocabulary_is_read_from_the_code() -> None:
    """Guards the test above: an empty list of roles or states would let anything pass."""
    assert {"duty_chief", "officer"} <= set(vocabulary.roles())
    assert {"received", "on_scene", "archived"} <= set(vocabulary.states())
    assert product_facts()


def test_incomplete_rows_are_seen_failing() -> None:
    _, faults = glossary.terms(sources.FIXTURES / "glossary.md")
    assert [(f.line, f.what) for f in faults] == [
        (5, "'unit' has no Chinese word"),
        (6, "'单位' has no `code` name"),
        (7, "a row has four cells, not 3"),
        (4, "`incident` is already the word for '警情'"),
    ]


def test_a_word_without_a_row_is_seen_failing() -> None:
    found, _ = glossary.terms(sources.FIXTURES / "glossary.md")
    faults = glossary.missing([("incident", "x"), ("whistle", "y")], found, "glossary.md")
    assert [f.what.split(" has")[0] for f in faults] == ["`whistle` (y)"]
