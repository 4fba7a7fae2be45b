"""`bench`: every performance promise, measured against its peer."""

import contextlib
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from muster.cli import project
from muster.supervise.trouble import Trouble

COLUMNS = ("name", "ours", "peer", "ratio", "unit", "n", "load")


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def load(folder: Path, name: str) -> Callable[..., dict[str, Any]]:
    """The `run` of bench/NAME.py. Raises Trouble for a name that is none."""
    if name not in names(folder):
        known = "、".join(names(folder)) or "-"
        raise Trouble(
            f"没有名为 {name} 的测量；现有：{known}",
            f"There is no bench named {name}; there are: {', '.join(names(folder)) or '-'}",
        )
    spec = importlib.util.spec_from_file_location(f"bench_{name}", folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A bench may import another file of its folder, and dataclasses look their module up.
    sys.path.insert(0, str(folder))
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    run: Callable[..., dict[str, Any]] = module.run
    return run


def measured(folder: Path, name: str, options: dict[str, Any]) -> dict[str, Any]:
    """One result. A bench is given those of `options` that its `run` has a parameter for."""
    run = load(folder, name)
    wanted = inspect.signature(run).parameters
    given = {key: value for key, value in options.items() if key in wanted and value is not None}
    before = os.getloadavg()[0]
    with contextlib.redirect_stdout(sys.stderr):
        result = run(**given)
    return {"name": name, **result, "load": result.get("load", round(before, 2))}


def shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else str(value)


@click.command(
    epilog="""\b
例 / examples:
  ./muster bench
  ./muster bench perform --json
  ./muster bench soak --soak --rounds 2000
"""
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="每项一行 JSON / one JSON line for each")
@click.option("--soak", is_flag=True, help="长时间运行 / run for long")
@click.option("--rounds", type=click.IntRange(1), help="轮数 / how many rounds")
def bench(name: str | None, rounds: int | None, *, as_json: bool, soak: bool) -> None:
    """性能承诺与对照 / performance promises, each against its peer

    不带名字时全部测量并打印表格。ours 是本系统，peer 是对照，ratio 是两者之比，n 是样本数，load 是
    测量前的系统负载。

    Without a name all are measured and a table is printed: ours, the peer, their ratio, the number
    of samples and the machine's load before.
    """
    folder = project.root() / "bench"
    results = []
    for one in [name] if name else names(folder):
        project.say(f"测量 / measuring {one} …")
        results.append(measured(folder, one, {"soak": soak or None, "rounds": rounds}))
        if as_json:
            click.echo(json.dumps(results[-1], ensure_ascii=False))
    if not as_json:
        rows = [row for result in results for row in result.get("rows", [result])]
        click.echo(project.table([COLUMNS, *([shown(r.get(c)) for c in COLUMNS] for r in rows)]))
    if any(result.get("failed") for result in results):
        raise SystemExit(1)
