"""The launcher, on a copy of it in a folder of its own, with made-up installers."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

UV = """#!/bin/sh
if [ "$1" = --version ]; then echo "uv 0.9.1"; exit; fi
echo "$UV_PYTHON | compiled=$UV_COMPILE_BYTECODE | $*" >> {root}/uv.calls
if [ -e {root}/uv.words ]; then cat {root}/uv.words >&2; exit 2; fi
mkdir -p {root}/.venv/bin
printf '#!/bin/sh\\necho "$MUSTER_ROOT | $*"\\n' > {root}/.venv/bin/python
chmod +x {root}/.venv/bin/python
"""
NPM = """#!/bin/sh
echo "$*" >> {root}/npm.calls
if [ "$1" = ci ]; then mkdir -p node_modules; else mkdir -p dist; touch dist/index.html; fi
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project with the launcher, a lock and a made-up uv."""
    shutil.copy(ROOT / "muster", tmp_path / "muster")
    (tmp_path / "uv.lock").write_text("one")
    (tmp_path / "pyproject.toml").write_text("[project]")
    program(tmp_path / ".muster" / "uv" / "bin" / "uv", UV.format(root=tmp_path))
    return tmp_path


def load(folder: Path) -> ModuleType:
    loader = SourceFileLoader("launcher", str(folder / "muster"))
    spec = importlib.util.spec_from_loader("launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def start(folder: Path, *words: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, str(folder / "muster"), *words],
        capture_output=True,
        text=True,
        cwd="/",
        env=env,
        timeout=60,
        check=False,
    )


def calls(folder: Path, name: str = "uv") -> list[str]:
    file = folder / f"{name}.calls"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_teaches_before_anything_is_set_up(copy: Path, words: list[str]) -> None:
    told = start(copy, *words)
    assert told.returncode == 0 and "./muster demo" in told.stdout and "演示" in told.stdout
    assert calls(copy) == [] and not (copy / ".venv").exists()


def test_sets_up_once_and_hands_over_every_word(copy: Path) -> None:
    first = start(copy, "openapi", "--port", "1 2")
    assert first.returncode == 0, first.stderr
    assert first.stdout == f"{copy} | -P -m muster.cli openapi --port 1 2\n"
    assert "installing packages" in first.stderr and "s]" in first.stderr
    assert len(calls(copy)) == 1 and "--frozen" in calls(copy)[0]
    assert "--group" not in calls(copy)[0]
    second = start(copy, "openapi")
    assert second.returncode == 0 and second.stderr == "" and len(calls(copy)) == 1


def test_packages_are_compiled_for_whoever_may_not_write_here(copy: Path) -> None:
    start(copy, "openapi")
    assert "compiled=1" in calls(copy)[0]


def test_what_is_needed_grows_and_never_shrinks(copy: Path) -> None:
    start(copy, "check")
    assert calls(copy)[-1].endswith("--group dev")
    start(copy, "openapi")
    assert len(calls(copy)) == 1
    (copy / "uv.lock").write_text("two")
    start(copy, "openapi")
    assert len(calls(copy)) == 2 and calls(copy)[-1].endswith("--group dev")


def test_a_moved_project_is_installed_anew(
    copy: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    start(copy, "openapi")
    moved = tmp_path_factory.mktemp("moved") / "project"
    shutil.copytree(copy, moved)
    (moved / ".venv" / "old").touch()
    program(moved / ".muster" / "uv" / "bin" / "uv", UV.format(root=moved))
    assert start(moved, "openapi").stdout.startswith(f"{moved} | ")
    assert not (moved / ".venv" / "old").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("error: Failed to fetch: `…`\n cause: dns error: failed to lookup", "download failed"),
        ("error: failed to write: No space left on device (os error 28)", "disk is full"),
        ("error: the lockfile is odd", "lines above say why"),
    ],
)
def test_a_failing_installer_is_one_sentence(copy: Path, words: str, sentence: str) -> None:
    (copy / "uv.words").write_text(words)
    told = start(copy, "demo")
    assert told.returncode == 1 and sentence in told.stderr
    assert words.splitlines()[0] in told.stderr and "Traceback" not in told.stderr
    # What failed is tried again.
    (copy / "uv.words").unlink()
    assert start(copy, "openapi").returncode == 0


def test_a_certificate_only_this_machine_trusts_is_tried_next(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = load(copy)
    for name in ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.delenv(name, raising=False)
    bundle = copy / "bundle.crt"
    bundle.touch()
    monkeypatch.setattr(launcher, "BUNDLES", (str(bundle),))
    tool = program(
        copy / "tool",
        '#!/bin/sh\n[ "$SSL_CERT_FILE" = "$1" ] && exit\necho "invalid peer certificate"; exit 2\n',
    )
    env = {"PATH": "/usr/bin:/bin"}
    assert launcher.fetch([str(tool), str(bundle)], env, copy)[0] == 0
    # What worked is used from then on.
    assert launcher.clean()["NODE_EXTRA_CA_CERTS"] and launcher.clean()["PIP_CERT"] == str(bundle)
    # What the person set stays, and other faults are not tried twice.
    assert launcher.fetch([str(tool), "x"], {**env, "SSL_CERT_FILE": "mine"}, copy)[0] == 2
    monkeypatch.setattr(launcher, "step", lambda zh, en: pytest.fail("tried again"))
    assert launcher.fetch(["false"], env, copy)[0] == 1


def test_the_web_pages_are_built_when_their_sources_change(copy: Path) -> None:
    tools = copy / "tools"
    program(tools / "node", "#!/bin/sh\necho v22.12.0\n")
    program(tools / "npm", NPM.format(root=copy))
    for name in ("package.json", "package-lock.json", "src/board.ts"):
        (copy / "web" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "web" / name).write_text("1")
    start(copy, "openapi", path=tools)
    assert calls(copy, "npm") == []
    start(copy, "demo", path=tools)
    assert [line.split()[0] for line in calls(copy, "npm")] == ["ci", "run"]
    start(copy, "demo", path=tools)
    assert len(calls(copy, "npm")) == 2
    (copy / "web" / "src" / "board.ts").write_text("2")
    start(copy, "demo", path=tools)
    assert [line.split()[0] for line in calls(copy, "npm")] == ["ci", "run", "run"]
    (copy / "web" / "dist" / "index.html").unlink()
    start(copy, "demo", path=tools)
    assert len(calls(copy, "npm")) == 4


def test_an_old_node_is_not_used(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = load(copy)
    program(copy / "tools" / "npm", "#!/bin/sh\n")
    node = program(copy / "tools" / "node", "#!/bin/sh\necho v20.20.2\n")
    monkeypatch.setenv("PATH", str(copy / "tools"), prepend=os.pathsep)
    assert launcher.system_npm() == []
    node.write_text("#!/bin/sh\necho v24.1.0\n")
    assert launcher.system_npm() == [str(copy / "tools" / "npm")]


def test_an_interpreter_is_found_but_never_a_shim(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = load(copy)
    pyenv = copy / "pyenv"
    program(pyenv / "shims" / "python3.12", "#!/bin/sh\nexit 127\n")
    old = program(pyenv / "versions" / "3.8.1" / "bin" / "python3", "#!/bin/sh\necho 3.8\n")
    good = program(pyenv / "versions" / "3.12.1" / "bin" / "python3", "#!/bin/sh\necho 3.12\n")
    monkeypatch.setenv("PYENV_ROOT", str(pyenv))
    found = launcher.interpreters()
    assert str(good) in found and not any("shims" in path for path in found)
    monkeypatch.setattr(launcher, "interpreters", lambda: [str(old), str(copy / "none"), str(good)])
    assert launcher.interpreter() == str(good)


def test_a_python_newer_than_the_lock_knows_is_passed_over(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = load(copy)
    new = program(copy / "new", "#!/bin/sh\necho 3.99\n")
    good = program(copy / "good", "#!/bin/sh\necho 3.13\n")
    monkeypatch.setattr(launcher, "interpreters", lambda: [str(new), str(good)])
    assert launcher.interpreter() == str(good)
    monkeypatch.setattr(launcher, "interpreters", lambda: [str(new)])
    with pytest.raises(launcher.Trouble):
        launcher.interpreter()


def test_without_a_python_of_3_11_it_says_so(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = load(copy)
    old = program(copy / "old", "#!/bin/sh\necho 3.9\n")
    monkeypatch.setattr(launcher, "interpreters", lambda: [str(old)])
    with pytest.raises(launcher.Trouble, match=r"需要 Python 3\.11[\s\S]*Python 3\.11 to 3\.14"):
        launcher.interpreter()


def test_without_pip_it_says_so(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = load(copy)
    shutil.rmtree(copy / ".muster" / "uv")
    monkeypatch.setenv("PATH", "/nowhere")
    nothing = program(copy / "python", "#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(launcher, "interpreters", lambda: [])
    with pytest.raises(launcher.Trouble, match="no pip"):
        launcher.bring_uv(str(nothing))


def test_uv_is_brought_by_pip_when_there_is_none(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = load(copy)
    shutil.rmtree(copy / ".muster" / "uv")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(launcher.shutil, "which", lambda name: None)
    pip = program(
        copy / "python",
        "#!/bin/sh\n[ $3 = --version ] && echo pip 23 && exit\n"
        f'echo "$*" >> {copy}/pip.calls\nmkdir -p "$5/bin"\n'
        'printf "#!/bin/sh\\necho uv 0.9.9\\n" > "$5/bin/uv"; chmod +x "$5/bin/uv"\n',
    )
    uv = launcher.bring_uv(str(pip))
    assert uv == str(copy / ".muster" / "uv" / "bin" / "uv") and os.access(uv, os.X_OK)
    assert "--target" in calls(copy, "pip")[0]
    assert launcher.bring_uv(str(pip)) == uv and len(calls(copy, "pip")) == 1


def test_an_outdated_uv_on_path_is_not_used(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = load(copy)
    shutil.rmtree(copy / ".muster" / "uv")
    uv = program(copy / "tools" / "uv", "#!/bin/sh\necho uv 0.4.30\n")
    monkeypatch.setenv("PATH", str(copy / "tools"), prepend=os.pathsep)
    assert launcher.find_uv() == ""
    uv.write_text("#!/bin/sh\necho uv 0.11.2\n")
    assert launcher.find_uv() == str(uv)


def test_the_stamp_names_what_was_installed(copy: Path) -> None:
    start(copy, "bench")
    stamp = json.loads((copy / ".venv" / ".muster").read_text())
    assert stamp["groups"] == ["dev"] and stamp["root"] == str(copy)


def test_the_launcher_needs_nothing_but_the_standard_library() -> None:
    told = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "muster"), "--help"],
        capture_output=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "://" not in (ROOT / "muster").read_text(), "the launcher names no address"
