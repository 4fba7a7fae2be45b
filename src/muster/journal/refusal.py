"""Expected refusals. Everything else that goes wrong crashes loudly."""

from __future__ import annotations


class Refused(Exception):
    """The request is understood and refused.

    `code` is stable (such as `unit.unavailable`); `values` fill the sentence the door
    says in Chinese and English. Never holds personal data: refusals are logged.
    """

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        return f"{self.code} {self.values}" if self.values else self.code


class Conflict(Exception):
    """Somebody else got there first, in spite of the locks; the command may be tried again."""
