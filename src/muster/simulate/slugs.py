"""Short plain names for whatever a recorded file calls its stations, units and categories."""

from __future__ import annotations

import re
import unicodedata


def slug(text: str) -> str:
    """Lower-case letters, digits and dashes; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "x"


class Slugs:
    """A slug of its own for every text, none of them `reserved`."""

    def __init__(self, *reserved: str) -> None:
        self._given: dict[str, str] = {}
        self._taken = set(reserved)

    def of(self, text: str) -> str:
        if text not in self._given:
            base = slug(text)
            name, number = base, 2
            while name in self._taken:
                name, number = f"{base}-{number}", number + 1
            self._taken.add(name)
            self._given[text] = name
        return self._given[text]
