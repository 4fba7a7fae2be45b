"""One running cluster for the tests that do not break it."""

from collections.abc import Iterator

import pytest

from muster.supervise import postgres


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
    with postgres.running(tmp_path_factory.mktemp("shared")) as server:
        yield server
