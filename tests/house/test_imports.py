"""Which part may see which: the contracts hold, and each one has been seen failing."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

import pytest

from . import sources

CONFIG = sources.ROOT / ".importlinter"
BROKEN = sources.FIXTURES / "imports"


class Report(TypedDict):
    root: str
    passed: bool
    output: str


def _contracts() -> dict[str, configparser.SectionProxy]:
    parser = configparser.ConfigParser()
    parser.read(CONFIG, encoding="utf-8")
    start = "importlinter:contract:"
    return {name.removeprefix(start): parser[name] for name in parser if name.startswith(start)}


CONTRACTS = _contracts()


def _named_modules() -> set[str]:
    """Every module of ours the contracts name: a fixture package needs them all to exist."""
    names: set[str] = set()
    for contract in CONTRACTS.values():
        for option in ("source_modules", "forbidden_modules", "protected_modules"):
            names.update(contract.get(option, "").split())
        names.update(contract.get("allowed_importers", "").split())
        for word in re.findall(r"[a-z_]+", contract.get("layers", "")):
            names.add(f"muster.{word}")
    return {name for name in names if name.startswith("muster.") and "*" not in name}


def _package(fixture: Path, where: Path) -> Path:
    """The fixture's files inside an otherwise empty `muster`, so that only they break a rule."""
    root = where / fixture.name
    shutil.copytree(fixture, root)
    for name in sorted(_named_modules()):
        folder = root.joinpath(*name.split("."))
        if not folder.with_suffix(".py").exists():
            folder.mkdir(parents=True, exist_ok=True)
    for folder in [root / "muster", *(p for p in root.rglob("*") if p.is_dir())]:
        if folder != root:
            (folder / "__init__.py").touch()
    return root


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    where = tmp_path_factory.mktemp("imports")
    clean = where / "clean"
    (clean / "muster").mkdir(parents=True)
    fixtures = [_package(p, where) for p in sorted(BROKEN.iterdir()) if p.is_dir()]
    roots = [sources.ROOT / "src", _package(clean, where / "base"), *fixtures]
    done = subprocess.run(
        [sys.executable, str(sources.HOUSE / "contracts.py"), str(CONFIG), *map(str, roots)],
        capture_output=True,
        text=True,
        check=False,
        cwd=where,
    )
    assert done.returncode == 0, f"the import linter itself failed:\n{done.stderr}"
    return {report["root"]: report for report in json.loads(done.stdout)}


def test_the_product_keeps_every_contract(reports: dict[str, Report]) -> None:
    report = reports["src"]
    assert report["passed"], f"import contracts of .importlinter:\n{report['output']}"


def test_an_empty_package_keeps_every_contract(reports: dict[str, Report]) -> None:
    """So a fixture that fails, fails because of its own files."""
    assert reports["clean"]["passed"], reports["clean"]["output"]


@pytest.mark.parametrize("contract", sorted(CONTRACTS))
def test_each_contract_is_seen_failing(contract: str, reports: dict[str, Report]) -> None:
    fixture = BROKEN / contract
    assert fixture.is_dir(), (
        f"contract '{contract}' in .importlinter has never been seen failing: "
        f"add a package that breaks it, {sources.shown(fixture)}/muster/…"
    )
    report = reports[contract]
    broken = re.findall(r"^(.+) BROKEN\b", report["output"], re.MULTILINE)
    assert broken == [CONTRACTS[contract]["name"]], (
        f"the fixture {sources.shown(fixture)} should break exactly "
        f"'{CONTRACTS[contract]['name']}', it broke {broken}:\n{report['output']}"
    )


def test_every_tables_module_belongs_to_its_part() -> None:
    guarded = " ".join(c.get("protected_modules", "") for c in CONTRACTS.values()).split()
    for path in sources.product():
        name = ".".join(path.relative_to(sources.MUSTER.parent).with_suffix("").parts)
        assert path.name != "tables.py" or name in guarded, (
            f"{sources.shown(path)} is open to every part: list {name} in the contract "
            f"tables-{path.relative_to(sources.MUSTER).parts[0]} of .importlinter"
        )


def test_no_fixture_without_a_contract() -> None:
    extra = {p.name for p in BROKEN.iterdir() if p.is_dir()} - CONTRACTS.keys()
    assert not extra, f"fixtures of contracts that are gone: delete {sorted(extra)}"
