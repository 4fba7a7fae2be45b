"""Everything Muster needs at run time may be given away under Apache-2.0."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from . import licences, sources


def test_runtime_packages_are_neither_gpl_nor_agpl() -> None:
    project = tomllib.loads((sources.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = licences.closure(project["project"]["dependencies"])
    found = {name: licences.licence(name) for name in needed}
    assert found["psycopg"], "psycopg is not installed: nothing was checked"
    faults = list(licences.faults(found))
    assert not faults, sources.faults_text("Licences (decisions/0008)", faults)


@pytest.mark.parametrize(
    ("text", "strong"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPLv3", True),
        ("License :: OSI Approved :: GNU General Public License v2 (GPLv2)", True),
        ("GNU Affero General Public License", True),
        ("LGPL-3.0-only", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MIT OR GPL-2.0", False),
        ("Apache-2.0", False),
    ],
)
def test_a_strong_licence_is_seen_failing(text: str, strong: bool) -> None:
    assert licences.copyleft(text) is strong
    assert bool(list(licences.faults({"some-package": text}))) is strong


def test_a_package_without_a_licence_is_seen_failing() -> None:
    assert "says no licence" in str(next(iter(licences.faults({"some-package": ""}))))


def test_browser_packages_are_neither_gpl_nor_agpl() -> None:
    locked = json.loads((sources.ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))
    needed = {
        name.rpartition("node_modules/")[2]: str(about.get("license", ""))
        for name, about in locked["packages"].items()
        if name and not about.get("dev")
    }
    assert needed, "web/package-lock.json names no packages: nothing was checked"
    faults = list(licences.faults(dict(needed)))
    assert not faults, sources.faults_text("Licences in the browser (decisions/0010)", faults)


def test_every_dependency_says_why_it_is_here() -> None:
    project = tomllib.loads((sources.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    web = json.loads((sources.ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    wanted = {re.split(r"[\[>=<~ ]", line)[0] for group in groups for line in group}
    wanted |= {*web["dependencies"], *web["devDependencies"]}
    pages = ("0008-dependencies.md", "0010-dependencies-in-the-browser.md")
    page = "".join((sources.ROOT / "decisions" / one).read_text(encoding="utf-8") for one in pages)
    named = set(re.findall(r"@?[A-Za-z][\w./-]*[\w]", page))
    missing = sorted(wanted - named)
    assert not missing, f"decisions/0008 and 0010 say nothing about {missing}: add a line"
