"""核验一份导出的日志 / verify the exported journal of one matter.

    python3 verify_matter.py FILE [--checkpoint FILE] [--first-key ID]

只用 Python 3.8 以上的标准库，不联网；请先读，再运行。可与另存的检查点、别处记下的首个密钥对照。
Standard library of Python 3.8 or newer, no network: read it, then run it. A checkpoint that was
kept elsewhere and the first signing key's id, noted elsewhere, can be compared with.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Found = dict[str, Any]
    Point = tuple[int, int, int, int]

MATTER, CHECKPOINT, KEY = "muster.matter/1", "muster.checkpoint/1", "muster.signing_key/1"


class Wrong(Exception):
    """A check that does not hold; says so in Chinese and English."""


def require(holds: object, zh: str, en: str) -> None:
    if not holds:
        raise Wrong(f"{zh} / {en}")


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# --- Ed25519 (RFC 8032, section 5.1), verification only ------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # a square root of -1


def add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(factor: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            found = add(found, point)
        point, factor = add(point, point), factor >> 1
    return found


def point_of(data: bytes) -> Point | None:
    """The point that 32 bytes stand for; None when they stand for none."""
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def bytes_of(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` over `message` was made with the key behind `public`."""
    if len(public) != 32 or len(signature) != 64:
        return False
    base, key = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")), point_of(public)
    s = int.from_bytes(signature[32:], "little")
    if base is None or key is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little")
    minus = (P - key[0], key[1], key[2], P - key[3])
    return bytes_of(add(multiply(s, base), multiply(h % ORDER, minus))) == signature[:32]


# --- the Merkle tree (RFC 6962, section 2.1) -----------------------------------------------------


def root_of_proof(index: int, size: int, leaf: bytes, path: Iterable[bytes]) -> bytes:
    require(0 <= index < size, "证明的位置不对", "the proof is for no such place")
    hashed, last, left = sha256(b"\x00" + leaf), size - 1, list(path)
    while last:
        if index % 2 or index < last:
            require(left, "证明太短", "the proof is too short")
            beside = left.pop(0)
            hashed = sha256(b"\x01" + (beside + hashed if index % 2 else hashed + beside))
        index, last = index // 2, last // 2
    require(not left, "证明太长", "the proof is too long")
    return hashed


# --- the checks, in order ------------------------------------------------------------------------


def check_entries(found: Found) -> str:
    """Numbers 1, 2, 3 …; each entry holds the hash of the one before."""
    previous, count = "0" * 64, len(found["entries"])
    for number, entry in enumerate(found["entries"], start=1):
        said, zh, en = json.loads(entry["bytes"]), f"第 {number} 条", f"entry {number}: "
        require(said["matter"] == found["matter"], zh + "属于另一件事", en + "of another matter")
        require(said["number"] == number, zh + "编号不连续", en + "its number is another")
        require(said["previous"] == previous, zh + "与前一条不相接", en + "does not follow on")
        previous = sha256(entry["bytes"].encode()).hex()
        require(entry["hash"] == previous, zh + "内容与哈希不符", en + "bytes and hash differ")
    return f"{count} 条记录，哈希相连 / {count} entries, chained by their hashes"


def macs(value: Any) -> Iterator[tuple[str, str]]:
    """The sealed texts that a fact names: item and HMAC."""
    if isinstance(value, dict) and "item" in value and "mac" in value:
        yield value["item"], value["mac"]
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from macs(one)


def check_texts(found: Found) -> str:
    """Each opened text gives the HMAC in its entry, under the matter's salt."""
    sealed = dict(one for entry in found["entries"] for one in macs(json.loads(entry["bytes"])))
    opened = found["opened"] or {"salt": "", "texts": {}}
    for item, text in opened["texts"].items():
        require(item in sealed, f"没有记录提到 {item}", "no entry names this text")
        mac = hmac.new(bytes.fromhex(opened["salt"]), text.encode(), hashlib.sha256).hexdigest()
        require(mac == sealed[item], f"{item} 不是当时的文字", "it is not the text of then")
    shown, count = len(opened["texts"]), len(sealed)
    return f"{count} 段个人文字，公开 {shown} 段，与当时相同 / {shown} of {count} texts, as then"


def check_keys(found: Found, first_key: str) -> list[Found]:
    """Each key is named after its hash and signed by the one before."""
    keys: list[Found] = []
    for number, statement in enumerate(found["keys"], start=1):
        said, zh, en = json.loads(statement["bytes"]), f"密钥 {number} ", f"key {number}: "
        public, signature = bytes.fromhex(said["public"]), bytes.fromhex(statement["signature"])
        require(said["is"] == KEY and said["number"] == number, zh + "次序不对", en + "order")
        require(sha256(public).hex()[:32] == said["key"], zh + "名称不符", en + "its name")
        alone = not said["previous"]
        if not (number == 1 or said["key"] == first_key):
            require(not alone, zh + "无人作保", en + "nobody vouches for it")
        by: Found = {"key": "", "public": public} if alone or not keys else keys[-1]
        require(said["previous"] == by["key"], zh + "与前一把不相接", en + "does not follow on")
        held = signature_holds(by["public"], statement["bytes"].encode(), signature)
        require(held, zh + "签名无效", en + "its signature does not hold")
        keys.append({"key": said["key"], "public": public, "from": said["from_checkpoint"]})
    known = not first_key or first_key in [one["key"] for one in keys]
    require(known, "首个密钥不是所给的", "the first key is another one")
    return keys


def check_checkpoints(found: Found, keys: list[Found]) -> Found:
    """One after the other, each with the hash of the one before, each signed. The last of them."""
    last: Found = {}
    for signed in found["checkpoints"]:
        said, body = json.loads(signed["bytes"]), signed["bytes"].encode()
        zh, en = f"检查点 {said['number']} ", f"checkpoint {said['number']}: "
        require(said["is"] == CHECKPOINT, zh + "不是检查点", en + "it is none")
        if last:
            require(said["number"] == last["number"] + 1, zh + "不连续", en + "one is missing")
            require(said["previous"] == last["hash"], zh + "不相接", en + "does not follow on")
        used = [one for one in keys if one["from"] <= said["number"]][-1:]
        require(used and used[0]["key"] == said["key"], zh + "密钥不对", en + "not the key in use")
        held = signature_holds(used[0]["public"], body, bytes.fromhex(signed["signature"]))
        require(held, zh + "签名无效", en + "its signature does not hold")
        last = dict(said, hash=sha256(body).hex())
    require(last, "没有检查点", "there is no checkpoint")
    return last


def check_proof(found: Found, last: Found) -> str:
    """The matter's newest entry is a leaf under the root that the last checkpoint signed."""
    proof, entries = found["proof"], found["entries"]
    head = f"{found['matter']} {len(entries)} {entries[-1]['hash']}".encode()
    require(proof["size"] == last["matters"], "证明的大小不符", "the proof is of another size")
    beside = [bytes.fromhex(one) for one in proof["path"]]
    root = root_of_proof(proof["index"], proof["size"], head, beside)
    require(root.hex() == last["root"], "不在检查点之下", "it is not under the checkpoint")
    when = f"{last['number']}（{last['taken_at']}）"
    return f"全部记录在检查点 {when} 时已存在 / every entry was there at checkpoint {when}"


def examine(found: Found, kept: Found | None = None, first_key: str = "") -> list[str]:
    """What holds, one line each. Raises Wrong at the first thing that does not."""
    try:
        require(found["is"] == MATTER, "不是导出的日志", "this is no exported journal")
        told = [check_entries(found), check_texts(found)]
        keys = check_keys(found, first_key)
        last, count = check_checkpoints(found, keys), len(found["checkpoints"])
        told.append(f"{count} 个检查点相连，签名有效 / {count} checkpoints, chained and signed")
        told.append(check_proof(found, last))
        if kept is not None:
            known = any(signed["bytes"] == kept["bytes"] for signed in found["checkpoints"])
            require(known, "与另存的检查点不同", "not the checkpoint that was kept elsewhere")
            told.append("与另存的检查点相同 / the checkpoint kept elsewhere is among them")
        told.append(f"首个签名密钥 / first signing key: {keys[0]['key']}")
        return ["".join(one for one in line if one.isprintable()) for line in told]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Wrong(f"文件结构不对 / the file is not as it should be: {error!r}") from error


LIMITS = """不能知道 / what this cannot know:
- 写入时是否属实 / whether what was written is true
- 检查点之后的记录 / entries after the checkpoint
- 密钥是谁的、是否被盗，请与别处所存对照 / whose key it is, whether it was stolen: compare"""


def read(name: str) -> Any:
    return json.loads(Path(name).read_text(encoding="utf-8")) if name else None


def main(words: list[str]) -> int:
    options = {"--checkpoint": "", "--first-key": ""}
    while len(words) > 2 and words[-2] in options:
        options[words[-2]], words = words[-1], words[:-2]
    if len(words) != 1:
        print(__doc__)
        return 2
    try:
        told = examine(read(words[0]), read(options["--checkpoint"]), options["--first-key"])
    except (Wrong, OSError, ValueError, RecursionError) as wrong:
        print(f"✗ {wrong}\n不成立 / DOES NOT HOLD")
        return 1
    print("✓ " + "\n✓ ".join(told) + "\n成立 / holds\n" + LIMITS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
