"""Everything Muster needs at run time may be given away under Apache-2.0."""

from __future__ import annotations

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
