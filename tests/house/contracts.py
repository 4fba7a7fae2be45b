"""Runs the import contracts over the product and over the fixtures, in a process of its own.

`python contracts.py CONFIG ROOT…` prints a JSON list with {root, passed, output} per root.
A process of its own, because the linter finds `muster` by import and pytest has already found it.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path


def lint(config: str, root: str) -> dict[str, object]:
    """Check the package `muster` found in the folder `root` against every contract."""
    from importlinter.application import output, use_cases
    from importlinter.cli import configuration

    configuration.configure()
    sys.path.insert(0, root)
    importlib.invalidate_caches()
    sys.path_importer_cache.clear()
    printed = io.StringIO()
    console = getattr(output, "console", None)
    if console is not None:
        console.file, console.width = printed, 200
    try:
        with redirect_stdout(printed):
            passed = use_cases.lint_imports(config_filename=config, cache_dir=None, no_logo=True)
    finally:
        sys.path.remove(root)
    return {"root": Path(root).name, "passed": bool(passed), "output": printed.getvalue()}


if __name__ == "__main__":
    print(json.dumps([lint(sys.argv[1], root) for root in sys.argv[2:]]))
