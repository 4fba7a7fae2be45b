"""Licences of everything the product needs at run time, and packages it must never need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import metadata

from .sources import Fault

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_STRONG = re.compile(r"(?<![A-Za-z])A?GPL|GNU (Affero )?General Public", re.IGNORECASE)
_LIBRARY = re.compile(r"LGPL|GNU (Lesser|Library) General Public", re.IGNORECASE)
PERSONAL = re.compile(
    r"face[-_]?recognition|deepface|insightface|facenet|dlib|retinaface|mtcnn|biometric"
    r"|speaker[-_]?recognition|voiceprint|resemblyzer|openface|gait",
    re.IGNORECASE,
)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(roots: Iterable[str]) -> set[str]:
    """Names of the distributions the roots need, following installed metadata."""
    seen: set[str] = set()
    waiting = [_requirement(root) for root in roots]
    while waiting:
        name = normal(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting.extend(_requirement(n) for n in needs if not re.search(r";.*\bextra\b", n))
    return seen


def _requirement(line: str) -> str:
    found = _NAME.match(line)
    return found.group(1) if found else line


def licence(name: str) -> str | None:
    """What the installed package says about its licence; None when it is not installed."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    short = (about.get("License") or "").strip().split("\n")[0]
    kinds = [c for c in about.get_all("Classifier") or [] if c.startswith("License")]
    return "; ".join(filter(None, [about.get("License-Expression"), short, *kinds]))


def copyleft(text: str) -> bool:
    """GPL or AGPL without another choice. A library used as a library may be LGPL."""
    choices = re.split(r"\s+OR\s+", text)
    return all(_STRONG.search(_LIBRARY.sub("", choice)) for choice in choices)


def faults(licences: dict[str, str | None]) -> Iterator[Fault]:
    """What is wrong with these packages (name → licence text)."""
    for name, text in sorted(licences.items()):
        if PERSONAL.search(name):
            yield Fault(name, 1, "recognises people by their bodies: not in Muster")
        if text is None:
            continue
        if not text:
            yield Fault(name, 1, "says no licence: find it and add it to KNOWN in test_licences")
        elif copyleft(text):
            yield Fault(name, 1, f"is {text}: GPL and AGPL are not used; find another package")
