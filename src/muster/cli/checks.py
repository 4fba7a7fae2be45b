"""`check`: what can be known in under a minute. `test`: everything."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from muster.cli import node, project

QUICK = ["-m", "not browser and not soak", "--quick", "-q", "--no-header", "-p", "no:cacheprovider"]


def steps(root: Path) -> dict[str, list[str]]:
    """The checks that are no tests: what they are called, and their commands from the root."""
    tool = Path(sys.executable).parent
    # Named one by one: what was installed into .muster is not ours to judge.
    ours = [
        name for name in ("muster", "src", "tests", "bench", "cities") if (root / name).exists()
    ]
    found = {
        "mypy": [str(tool / "mypy")],
        "ruff format": [str(tool / "ruff"), "format", "--check", *ours],
        "ruff check": [str(tool / "ruff"), "check", "--quiet", *ours],
        "lint-imports": [str(tool / "lint-imports")],
    }
    if not (root / ".importlinter").exists():
        del found["lint-imports"]
    return found


def web_steps(root: Path) -> dict[str, list[str]]:
    """The checks of the web pages: their types and their own tests, where they were built."""
    command = node.npm()
    if not command or not (root / "web" / "node_modules").is_dir():
        return {}
    return {"web": [*command, "--prefix", "web", "run", "--silent", "check"]}


def environment() -> dict[str, str]:
    """The environment of checks and tests: under CI no colours, and nothing of a real Muster's."""
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "MUSTER_APP_URL")}
    if env.get("CI") == "true":
        env |= {"NO_COLOR": "1", "PY_COLORS": "0", "TERM": "dumb"}
        env.pop("FORCE_COLOR", None)
    if command := node.npm():
        env["PATH"] = node.path(command)
    return env


def pytest_command(words: Sequence[str]) -> list[str]:
    command = [sys.executable, "-P", "-m", "pytest", "-p", "muster.cli.phases"]
    if os.environ.get("CI") == "true":
        command.append("--color=no")
    return [*command, *words]


def run_step(name: str, command: list[str], root: Path) -> tuple[str, float, int, str]:
    """(name, seconds, exit code, output) of one check."""
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return name, time.monotonic() - began, done.returncode, done.stdout


@click.command()
def check() -> None:
    """一分钟内的快检 / the checks of under a minute

    格式、静态检查、严格类型、导入契约、内部规则和不需要数据库的测试，各自显示用时。

    Format, lint, strict types, import contracts, house rules and the tests that need no database,
    each with its time.
    """
    root = project.root()
    todo = steps(root) | {"quick tests": pytest_command([*QUICK, "tests"])}
    failed = []
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        waiting = [pool.submit(run_step, name, command, root) for name, command in todo.items()]
        for future in waiting:
            name, seconds, code, output = future.result()
            click.echo(f"{'ok    ' if code == 0 else 'FAILED'} {seconds:6.1f} s  {name}")
            if code != 0:
                failed.append(name)
                click.echo(output)
    click.echo(f"       {time.monotonic() - began:6.1f} s  {len(todo)} 项 / checks")
    if failed:
        click.echo(f"没有通过 / failed: {', '.join(failed)}")
        raise SystemExit(1)


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
例 / examples:
  ./muster test
  ./muster test tests/journal -x
  ./muster test -k "merge or transfer"
""",
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def test(words: tuple[str, ...]) -> None:
    """全部测试，含真实浏览器 / every test, the real-browser ones too

    不带参数时跑全部检查和测试；带参数时参数交给 pytest。最后是各阶段用时和 pytest 的总结。

    Without words every check and test; words are given to pytest. It ends with the time of each
    phase and pytest's own summary.
    """
    from muster.cli import chromium

    root = project.root()
    env = environment()
    own = root / ".muster" / "chromium"
    browser = chromium.present(own)
    if browser is None and not words:
        browser = chromium.bring(own, project.say)
    if browser is not None:
        env["CHROMIUM"] = str(browser)
    command = pytest_command(list(words) or ["--checks"])
    process = subprocess.Popen(command, cwd=root, env=env)
    while True:
        try:
            raise SystemExit(process.wait())
        except KeyboardInterrupt:
            continue  # pytest got it too, and ends with its summary
