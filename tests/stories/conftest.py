"""After every story a rebuild of the kept tables equals what is there."""

from __future__ import annotations

from tests.invariants.rebuilt import rebuild_equals_live

__all__ = ["rebuild_equals_live"]
