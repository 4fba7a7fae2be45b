"""The entries of an exported journal, for reading."""

import json
import unicodedata
from typing import Any


def shown(found: dict[str, Any]) -> list[dict[str, Any]]:
    """One row an entry: when, who, what; opened texts in the place of their references."""
    texts = (found["opened"] or {"texts": {}})["texts"]
    rows = []
    for entry in found["entries"]:
        said = json.loads(entry["bytes"])
        rows.append(
            {
                "number": said["number"],
                "happened_at": said["happened_at"],
                "kind": said["kind"],
                "actor": said["actor"],
                "role": said["authority"]["role"],
                "says": {name: _plain(value, texts) for name, value in said["body"].items()},
            }
        )
    return rows


def as_json(said: Any) -> str:
    """JSON that a terminal takes as text: what would steer it stands as \\uXXXX."""
    text = json.dumps(said, ensure_ascii=False, indent=1)
    return "".join(one if one == "\n" or _shows(one) else _escape(one) for one in text)


def _escape(letter: str) -> str:
    return json.dumps(letter)[1:-1]


def _plain(value: Any, texts: dict[str, str]) -> Any:
    if isinstance(value, dict) and "item" in value and "mac" in value:
        text = texts.get(value["item"], "···")
        return _told(text) if value["item"].endswith(".track") else text
    return value


def _told(track: str) -> str:
    """A track is thousands of positions: who reads a timeline wants to know of which unit."""
    try:
        found = json.loads(track)
        return f"{found['unit']} {found['positions']} (verify_track.py)"
    except (ValueError, KeyError, TypeError):
        return "···"


def printable(text: str) -> str:
    """The text on one line, with nothing in it that steers a terminal: whoever wrote a word of the
    file must not write over what was found about it. Such signs are shown as escapes."""
    return "".join(one if _shows(one) else ascii(one)[1:-1] for one in text)


def _shows(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category[0] != "C" and category not in ("Zl", "Zp")
