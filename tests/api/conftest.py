"""A running instance with people and matters, shared by the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from muster.supervise.postgres import Postgres
from tests.api.fuzzing import Fuzzed, fuzzed
from tests.instance import copied
from tests.stories.desk import Person

INDEX, ASSET, SECRET = b"<!doctype html>example", b"console.log(1)", b"kept-outside-the-page"


@pytest.fixture(scope="module")
def target(
    cluster: Postgres,
    prepared: tuple[str, dict[str, tuple[str, str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fuzzed]:
    """One instance for the file, with matters in several states, a small page, and files beside it
    that are not the page's."""
    folder = tmp_path_factory.mktemp("doors")
    assets = folder / "web" / "assets"
    assets.mkdir(parents=True)
    (folder / "web" / "index.html").write_bytes(INDEX)
    (assets / "page.js").write_bytes(ASSET)
    (folder / "secret.txt").write_bytes(SECRET)
    (folder / "web" / "secret.txt").write_bytes(SECRET)
    with (
        copied(cluster, prepared[0], f"doors_{folder.name}") as database,
        fuzzed(database, folder, web=str(folder / "web")) as found,
    ):
        for state in ("waiting", "handling", "closed", "merged", "cancelled", "archived"):
            found.seeds.make(state)
        yield found


@pytest.fixture(scope="module")
def chief(target: Fuzzed) -> Person:
    return target.people["duty_chief"]


@pytest.fixture(scope="module")
def matter(target: Fuzzed) -> str:
    return target.seeds.make("waiting")
