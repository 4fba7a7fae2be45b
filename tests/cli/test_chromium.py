"""Where the tests' browser comes from."""

import io
import tarfile
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest

from muster.cli import chromium

STUB = "#!/bin/sh\necho install it with snap >&2\nexit 1\n"
GOOD = "#!/bin/sh\necho Chromium 147.0\n"


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr(chromium, "SYSTEM", ("chromium-of-the-test",))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")


def test_the_named_one_comes_first_then_the_system_then_playwright(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = program(tmp_path / "own" / "run", GOOD).parent
    assert chromium.present(own) == own / "run"
    playwright = program(tmp_path / "playwright" / "chromium-1" / "chrome-linux" / "chrome", GOOD)
    assert chromium.present(own) == playwright
    system = program(tmp_path / "bin" / "chromium-of-the-test", GOOD)
    assert chromium.present(own) == system
    named = program(tmp_path / "named", GOOD)
    monkeypatch.setenv("CHROMIUM", str(named))
    assert chromium.present(own) == named


def test_one_that_does_not_start_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "chromium-of-the-test", STUB)
    own = program(tmp_path / "own" / "run", GOOD).parent
    assert chromium.present(own) == own / "run"


def packed(name: str, content: bytes) -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return memory.getvalue()


def test_where_there_is_none_it_is_unpacked_from_npm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {
        "chromium.br": b"#!/bin/sh\necho Chromium, libraries in $LD_LIBRARY_PATH\n",
        "al2023.tar.br": packed("lib/libnss3.so", b"library"),
        "swiftshader.tar.br": packed("libEGL.so", b"graphics"),
        "fonts.tar.br": packed("fonts/one.ttf", b"font"),
    }

    def fetch(folder: Path) -> Path:
        with tarfile.open(folder / "package.tgz", "w:gz") as tar:
            for name, content in contents.items():
                data = brotli.compress(content, quality=1)
                info = tarfile.TarInfo(f"package/bin/{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return folder / "package.tgz"

    monkeypatch.setattr(chromium, "fetch", fetch)
    own, said = tmp_path / "own", list[str]()
    assert chromium.present(own) is None
    assert chromium.bring(own, said.append) == own / "run"
    assert "no Chromium found" in said[0]
    assert (own / "lib" / "libnss3.so").read_bytes() == b"library"
    assert str(own / "fonts") in (own / "fonts.conf").read_text()
    assert not (own / "package.tgz").exists()
    assert chromium.present(own) == own / "run"
