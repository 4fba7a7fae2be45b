"""核验导出文件里的轨迹 / verify the tracks in an exported journal.

    python3 verify_track.py FILE

文件由 `journal export --open` 写成；先用 verify_matter.py 核验文件本身，再用本程序核验其中的轨迹：
每个位置都在当时封存的分钟段之内。只用 Python 3.8 以上的标准库。
The file is one of `journal export --open`. Check it with verify_matter.py first; this checks that
each position in its tracks is in a minute segment sealed at the time. Standard library only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

IS = "muster.track/1"
#: A position: ms since 1970 UTC, lon and lat in microdegrees, km/h, degrees, metres; -1: unknown.
ROW = struct.Struct(">qiihhi")
MINUTE_MS = 60_000


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root_of(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes | None:
    """The Merkle root (RFC 6962) that a leaf's way up leads to; None when the way does not fit."""
    if not 0 <= index < size:
        return None
    hashed, last, left = sha256(b"\x00" + leaf), size - 1, list(path)
    while last:
        if index % 2 or index < last:
            if not left:
                return None
            beside = left.pop(0)
            hashed = sha256(b"\x01" + (beside + hashed if index % 2 else hashed + beside))
        index, last = index // 2, last // 2
    return None if left else hashed


def check(track: dict[str, Any]) -> list[str]:
    """What does not hold, one line each."""
    try:
        wrong = list(_wrong(track)) if track["is"] == IS else ["不是轨迹 / this is no track"]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return [f"结构不对 / it is not as it should be: {error!r}"]
    return wrong


def _wrong(track: dict[str, Any]) -> Iterator[str]:
    count = 0
    for segment in track["segments"]:
        zh, en = f"分钟段 {segment['number']} ", f"segment {segment['number']}: "
        body = segment["body"].encode()
        if sha256(bytes.fromhex(segment["previous"]) + body).hex() != segment["hash"]:
            yield zh + "内容与哈希不符 / " + en + "its bytes do not give its hash"
        said = json.loads(body)
        for leaf in segment["leaves"]:
            rows = base64.b64decode(leaf["rows"], validate=True)
            count += len(rows) // ROW.size
            text = f"{track['unit']} {leaf['minute']} {len(rows) // ROW.size} {sha256(rows).hex()}"
            path = [bytes.fromhex(one) for one in leaf["path"]]
            root = root_of(leaf["index"], said["leaves"], text.encode(), path)
            if root is None or root.hex() != said["root"]:
                yield zh + f"{leaf['minute']} 不在其根之下 / " + en + "not under its root"
            if len({at // MINUTE_MS for at, *_ in ROW.iter_unpack(rows)}) != 1:
                yield zh + f"{leaf['minute']} 不是同一分钟 / " + en + "not of one minute"
    if count != track["positions"]:
        yield "位置数目不符 / another number of positions"


def tracks(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The tracks in an exported journal, by the name of their text."""
    texts = (found["opened"] or {"texts": {}})["texts"]
    return {name: json.loads(text) for name, text in texts.items() if name.endswith(".track")}


def main(words: list[str]) -> int:
    if len(words) != 1:
        print(__doc__)
        return 2
    try:
        found = tracks(json.loads(Path(words[0]).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        print(f"✗ 无法读取 / it cannot be read: {error!r}")
        return 1
    faults = [f"{name}: {one}" for name, track in found.items() for one in check(track)]
    for name, track in found.items():
        said = f"{name}: {track.get('unit')}, {track.get('positions')} 个位置 / positions"
        print("".join(one for one in said if one.isprintable()))
    print("\n".join(f"✗ {one}" for one in faults) or "✓ 都在封存的分钟段之内 / all as sealed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
