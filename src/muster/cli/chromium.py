"""A Chromium for the tests: the one named, the system's, Playwright's own, or one from npm.

The last is for a machine that has none: the npm package `@sparticuz/chromium` carries a headless
Chromium and the libraries it needs as brotli archives, which are unpacked into the project.
"""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from muster.cli import node
from muster.supervise.trouble import Trouble, writing

PACKAGE = "@sparticuz/chromium@147.0.0"
FONTS = "<fontconfig><dir>{}</dir><dir>/usr/share/fonts</dir></fontconfig>\n"
SYSTEM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def present(folder: Path) -> Path | None:
    """A Chromium of this machine, or the one brought before, that starts."""
    return next((path for path in candidates(folder) if works(path)), None)


def bring(folder: Path, say: Callable[[str], None]) -> Path:
    """Get a Chromium into `folder`. Raises Trouble if that fails or it does not start."""
    say("没有找到 Chromium，下载一个给测试用 / no Chromium found, getting one for the tests")
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    with writing(folder):
        fresh.mkdir(parents=True)
        unpack(fetch(fresh), fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
        (folder / "fonts.conf").write_text(FONTS.format(folder / "fonts"))
    if not works(folder / "run"):
        raise Trouble(
            "下载的 Chromium 无法启动：请安装系统的 chromium，或用环境变量 CHROMIUM 指定一个。",
            "The Chromium that was downloaded does not start: install the system's chromium, or "
            "name one in the environment variable CHROMIUM.",
        )
    return folder / "run"


def candidates(folder: Path) -> Iterator[Path]:
    """Where a Chromium may be, best first."""
    if named := os.environ.get("CHROMIUM"):
        yield Path(named)
    for name in SYSTEM:
        if path := shutil.which(name):
            yield Path(path)
    cache = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
    yield from sorted(Path(cache).glob("chromium*/chrome-*/chrome"), reverse=True)
    yield from sorted(Path(cache).glob("chromium*/chrome-*/*headless*shell"), reverse=True)
    yield folder / "run"


def works(path: Path) -> bool:
    """Whether it starts at all: Ubuntu's `chromium-browser` may be a stub, libraries may miss."""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and b"Chrom" in told.stdout


def fetch(folder: Path) -> Path:
    """The package as npm packs it, in `folder`. Raises Trouble if npm cannot get it."""
    command = node.npm()
    if not command:
        raise Trouble(
            "没有 Chromium，也没有 npm 来下载它：请安装系统的 chromium。",
            "There is no Chromium, and no npm to get one: install the system's chromium.",
        )
    told = subprocess.run(
        [*command, "pack", "--silent", "--pack-destination", str(folder), PACKAGE],
        env={**os.environ, "PATH": node.path(command)},
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    if told.returncode != 0:
        raise Trouble(
            "npm 无法下载 Chromium：请检查网络、代理或 npm 的设置，或安装系统的 chromium。",
            "npm could not get a Chromium: check the network, the proxy or npm's settings, or "
            f"install the system's chromium.\n{told.stderr.strip()}",
        )
    return next(folder.glob("*.tgz"))


def unpack(package: Path, folder: Path) -> None:
    """Unpack `package` into `folder`: chromium, its libraries, and `run`, which starts it."""
    import brotli  # type: ignore[import-untyped]

    with tarfile.open(package) as packed:
        for name in ("chromium", "al2023.tar", "swiftshader.tar", "fonts.tar"):
            member = packed.extractfile(f"package/bin/{name}.br")
            assert member is not None
            content = brotli.decompress(member.read())
            if name.endswith(".tar"):
                with tarfile.open(fileobj=io.BytesIO(content)) as inner:
                    inner.extractall(folder, filter="data")
            else:
                (folder / name).write_bytes(content)
                (folder / name).chmod(0o755)
    package.unlink()
    run = folder / "run"
    run.write_text(
        '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n'
        'export LD_LIBRARY_PATH="$here/al2023/lib:$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\n'
        '[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_FILE="$here/fonts.conf"\n'
        'exec "$here/chromium" "$@"\n'
    )
    run.chmod(0o755)
