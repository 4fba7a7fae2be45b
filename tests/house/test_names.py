"""One noun per thing, modules named after what they do, nobody scored or recognised."""

from __future__ import annotations

import tomllib
from importlib import metadata

from . import licences, names, sources

# (file, word) → why the word means something else there. The list may only shrink.
OTHER_MEANINGS: dict[tuple[str, str], str] = {
    ("src/muster/api/live_wire.py", "event"): "the overridden method's own word",
}

FIXTURE = sources.FIXTURES


def test_modules_are_named_after_what_they_do() -> None:
    faults = list(names.module_names(sources.product()))
    assert not faults, sources.faults_text("Module names (style.md 6)", faults)


def test_packages_export_nothing_again() -> None:
    faults = list(names.packages(sources.product()))
    assert not faults, sources.faults_text("No re-exporting __init__.py", faults)


def test_every_thing_has_one_noun() -> None:
    faults = list(names.synonyms(sources.product(), OTHER_MEANINGS))
    assert not faults, sources.faults_text("One noun per thing (GLOSSARY.md)", faults)


def test_no_meaning_is_excused_in_vain() -> None:
    for file, word in OTHER_MEANINGS:
        found = [
            name
            for name, _ in names.identifiers(sources.ROOT / file)
            if word in [w.removesuffix("s") for w in names.words(name)] + names.words(name)
        ]
        assert found, f"{file} no longer says '{word}': delete it from OTHER_MEANINGS"


def test_nobody_is_scored_or_recognised() -> None:
    faults = list(names.personal(sources.product()))
    assert not faults, sources.faults_text("People's rights (design.md)", faults)


def test_no_package_recognises_people() -> None:
    """Over everything locked, not only what is installed."""
    locked = tomllib.loads((sources.ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    listed = {package["name"]: "" for package in locked}
    listed |= {str(d.metadata["Name"]): "" for d in metadata.distributions()}
    found = [name for name in listed if licences.PERSONAL.search(name)]
    assert not found, f"packages that recognise people are not used: {found}"


def test_empty_and_twin_names_are_seen_failing() -> None:
    paths = list(sources.walk(FIXTURE / "names", (".py",)))
    found = {(f.file.rsplit("/", 1)[-1], f.what.split(":")[0]) for f in names.module_names(paths)}
    assert found == {
        ("utils.py", "'utils' says nothing"),
        ("legacy_intake", "'legacy_intake' is a twin"),
        ("dispatch_new.py", "'dispatch_new' is a twin"),
    }


def test_a_re_export_is_seen_failing() -> None:
    paths = list(sources.walk(FIXTURE / "names", (".py",)))
    found = [(f.file.rsplit("/", 2)[-2], f.line) for f in names.packages(paths)]
    assert found == [("part", 3), ("part", 5)]


def test_second_words_are_seen_failing() -> None:
    found = {f.what.split(":")[0] for f in names.synonyms([_WORDS], {})}
    assert found == {
        "'TicketOpened' says ticket",
        "'branch_id' says branch",
        "'open_case' says case",
        "'tasks' says tasks",
        "'gpsFix' says gps",
    }


def test_an_excused_word_passes() -> None:
    allowed = {(sources.shown(_WORDS), "ticket"): "a paper one"}
    assert not [f for f in names.synonyms([_WORDS], allowed) if "ticket" in f.what]


def test_scoring_people_is_seen_failing() -> None:
    found = {f.what.split(":")[0] for f in names.personal([_WORDS])}
    assert found == {"'face_recognition_match'", "'person_score'"}


_WORDS = FIXTURE / "identifiers" / "words.py"
