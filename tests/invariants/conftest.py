"""After every test here that uses a system, a rebuild equals what is kept."""

from __future__ import annotations

import pytest

from muster import app
from tests.invariants.acting import Acting
from tests.invariants.rebuilt import rebuild_equals_live

__all__ = ["rebuild_equals_live"]


@pytest.fixture
def acting(system: app.System) -> Acting:
    """People of the city, acting in the open system."""
    return Acting(system)
