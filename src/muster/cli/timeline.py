"""The entries of an exported journal, for reading."""

import json
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


def _plain(value: Any, texts: dict[str, str]) -> Any:
    if isinstance(value, dict) and "item" in value and "mac" in value:
        return texts.get(value["item"], "···")
    return value
