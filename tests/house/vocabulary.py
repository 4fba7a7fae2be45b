"""The roles and the incident states, as the code defines them."""

from __future__ import annotations


def roles() -> list[str]:
    raise NotImplementedError


def states() -> list[str]:
    raise NotImplementedError
