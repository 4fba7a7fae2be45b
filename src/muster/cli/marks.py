"""What a data folder is, by its mark.json: the demo's, a simulated one, or a real one."""

import json
import shutil
from pathlib import Path
from typing import Any

from muster.cli import project
from muster.supervise.trouble import Trouble, writing

#: Stands in a data folder while a restore fills it: nothing starts there.
UNFINISHED = "restoring.json"
OWN = {"pg", "pg.new", "run", "log", "keys", "files", "secrets.json", "lock"}
OWN |= {"erasures.jsonl", UNFINISHED, "mark.json", "mark.new", "demo_password", "pack"}
OWN |= {"checkpoints", "oidc.toml"}


def read(data: Path) -> dict[str, Any] | None:
    """The mark, or None if the folder has none yet. Raises Trouble if it is damaged, or if a
    restore into the folder did not come to its end."""
    if (data / UNFINISHED).exists():
        raise Trouble(
            f"{data} 里的恢复没有完成：请再运行一次 ./muster restore，它会从头开始。",
            f"The restore into {data} did not come to its end: run ./muster restore again; it "
            "begins anew.",
        )
    try:
        mark = json.loads((data / "mark.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise Trouble(
            f"{data / 'mark.json'} 已损坏，无法判断这个数据文件夹是演示还是正式的。",
            f"{data / 'mark.json'} is damaged: it cannot be told whether this data folder is a "
            "demo or real.",
        ) from error
    return dict(mark)


def require_demo(data: Path, city: Path) -> None:
    """A demo starts only in a new folder or in one that a demo made, with the same city."""
    mark = read(data)
    if mark is not None and (not mark.get("demo") or mark.get("clock") == "driven"):
        raise Trouble(
            f"{data} 不是演示数据（它由正式安装或重演建立），演示不会动它：请用 --data 换一个。",
            f"{data} is not a demo's (a real installation or a replay made it), and a demo leaves "
            "it alone: choose another folder with --data.",
        )
    _require_city(mark, data, city)


def _require_city(mark: dict[str, Any] | None, data: Path, city: Path) -> None:
    if mark is not None and mark.get("city") != city.name:
        made = mark.get("city")
        raise Trouble(
            f"{data} 属于城市包 {made}，不是 {city.name}："
            "请用 --city 指定原来的，或用 --data 换一个文件夹。",
            f"{data} belongs to the city pack {made}, not {city.name}: give that one with --city, "
            "or choose another folder with --data.",
        )


def require_real(data: Path, city: Path) -> None:
    """A real installation never runs on simulated data: such a folder stays simulated for ever."""
    mark = read(data)
    if mark is not None and (mark.get("demo") or mark.get("kind") != "real"):
        raise Trouble(
            f"{data} 是演示或模拟数据，永远不能用于正式运行：请用 --data 换一个。",
            f"{data} holds demo or simulated data and can never become a real installation: "
            "choose another folder with --data.",
        )
    _require_city(mark, data, city)


def clear_demo(data: Path) -> None:
    """Remove a demo's data, keeping the lock we hold. Raises Trouble for any other folder."""
    mark = read(data)
    strange = sorted(path.name for path in data.iterdir() if path.name not in OWN)
    unfinished = mark is None and project.root() / ".muster" in data.resolve().parents
    if strange or not (unfinished or (mark and mark.get("demo")) or not _holds(data)):
        raise Trouble(
            f"--fresh 只删除演示建立的文件夹，{data} 不是。",
            f"--fresh removes only a folder that a demo made, and {data} is not one.",
        )
    with writing(data):
        for path in data.iterdir():
            if path.name == "lock":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _holds(data: Path) -> bool:
    return any(path.name != "lock" for path in data.iterdir())
