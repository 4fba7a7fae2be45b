"""One matter as a file: it proves itself to a stranger, and nothing changed in it passes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from muster.journal import verify_matter
from muster.journal.checkpoint import Checkpoints
from muster.journal.checkpoint_folder import CheckpointFolder
from muster.journal.export import Disclosed, Exported, export
from muster.journal.refusal import Refused
from muster.journal.signing import KeyFolder
from muster.journal.verify import verify
from muster.journal.verify_matter import Wrong, examine
from tests.instance import Database

from .diary import NOTE, OPEN, Note, Open, Shelf

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
A, B, C = (str(uuid.UUID(int=number)) for number in (0xA, 0xB, 0xC))
NAME, WORDS = "示例-欧阳测试", "示例：钥匙在门垫下"


@pytest.fixture
def place(tmp_path: Path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "checkpoints")


@pytest.fixture
def keys(tmp_path: Path) -> Checkpoints:
    return Checkpoints(KeyFolder(tmp_path / "signing"))


@pytest.fixture
def written(shelf: Shelf, keys: Checkpoints, place: CheckpointFolder) -> Shelf:
    """Three matters under two checkpoints, the second with a key of its own."""
    shelf.do(OPEN, A, Open(owner=NAME, phone="00099912345"), command="open a")
    shelf.do(OPEN, B, Open(owner=NAME), command="open b")
    with shelf.pool.connection() as connection:
        keys.take(connection, place, NOW)
        keys.rotate(connection, NOW)
    shelf.do(NOTE, A, Note(text=WORDS), command="note a")
    shelf.do(OPEN, C, Open(), command="open c")
    with shelf.pool.connection() as connection:
        keys.take(connection, place, NOW)
    shelf.do(NOTE, A, Note(text="示例：之后"), command="later")
    return shelf


@pytest.fixture
def made(written: Shelf, place: CheckpointFolder, database: Database) -> Callable[..., Exported]:
    def export_one(matter: str = A, *, opened: bool = True) -> Exported:
        asked = Disclosed(matter, "system:console:示例", "示例：法院调取", NOW, opened)
        vault = written.vault if opened else None
        with psycopg.connect(database.owner_dsn) as connection:
            return export(connection, place, asked, vault)

    return export_one


def test_it_holds_and_says_what(made: Callable[..., Exported], place: CheckpointFolder) -> None:
    found = made()
    assert (found.entries, found.texts, found.checkpoint) == (2, 3, 2)
    kept = json.loads((place.path / "checkpoint-00000001.json").read_bytes())
    told = examine(json.loads(found.data), kept)
    assert [words.split("/")[1].strip() for words in told] == [
        "2 entries, chained by their hashes",
        "3 of 3 texts, as then",
        "2 checkpoints, chained and signed",
        "every entry was there at checkpoint 2（2026-03-01T09:00:00.000000Z）",
        "the checkpoint kept elsewhere is among them",
        told[-1].split("/")[1].strip(),
    ]


def test_texts_are_only_there_when_asked_for(made: Callable[..., Exported]) -> None:
    closed, opened = made(opened=False).data.decode(), made().data.decode()
    for words in (NAME, WORDS, "00099912345"):
        assert words not in closed and words in opened
    assert json.loads(closed)["opened"] is None
    assert any("0 of 3 texts" in told for told in examine(json.loads(closed)))


def test_every_matter_has_its_way_up(made: Callable[..., Exported]) -> None:
    for matter in (A, B, C):
        examine(json.loads(made(matter).data))


def test_whoever_exports_is_recorded(
    made: Callable[..., Exported], owner: psycopg.Connection[Any]
) -> None:
    found = made()
    row = owner.execute(
        "SELECT matter::text, actor, reason, entries, opened, checkpoint, digest FROM disclosure"
    ).fetchall()
    from hashlib import sha256

    digest = sha256(found.data).hexdigest()
    assert row == [(A, "system:console:示例", "示例：法院调取", 2, True, 2, digest)]
    assert owner.execute("SELECT table_name, actor FROM audit").fetchall() == [
        ("disclosure", "system:console:示例")
    ]
    with owner.transaction():
        assert verify(owner).faults == ()


def test_what_cannot_be_exported(
    written: Shelf, made: Callable[..., Exported], owner: psycopg.Connection[Any]
) -> None:
    stranger = str(uuid.UUID(int=0xF))
    with pytest.raises(Refused, match=r"matter\.unknown"):
        made(stranger)
    owner.execute("DELETE FROM vault_key WHERE matter = %s::uuid", (A,))
    with pytest.raises(Refused, match=r"matter\.erased"):
        made(A)
    assert written.count("disclosure") == 0
    assert examine(json.loads(made(A, opened=False).data))


# --- nothing changed in it passes --------------------------------------------------------------


def leaves(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every text and number in the file."""
    if isinstance(value, dict):
        return [one for name in value for one in leaves(value[name], (*way, name))]
    if isinstance(value, list):
        return [one for index in range(len(value)) for one in leaves(value[index], (*way, index))]
    return [way]


def bent(value: Any, chance: random.Random) -> Any:
    if isinstance(value, int):
        return value + chance.choice([-1, 1])
    place = chance.randrange(len(value))
    old = value[place]
    new = "0" if old != "0" else "1"
    return value[:place] + new + value[place + 1 :]


#: What is said about the disclosure is not part of the proof; the proof's own labels are spare.
SPARE = {("note",), ("exported", "at"), ("exported", "by"), ("exported", "reason")}
SPARE |= {("proof", "checkpoint"), ("proof", "number")}


@pytest.mark.parametrize("seed", range(2))
def test_no_change_anywhere_in_the_file_passes(made: Callable[..., Exported], seed: int) -> None:
    chance = random.Random(seed)
    data = made().data
    first = json.loads(json.loads(data)["keys"][0]["bytes"])["key"]
    for way in leaves(json.loads(data)):
        if way in SPARE:
            continue
        found = json.loads(data)
        place: Any = found
        for step in way[:-1]:
            place = place[step]
        place[way[-1]] = bent(place[way[-1]], chance)
        with pytest.raises(Wrong):
            examine(found, None, first)
            pytest.fail(f"changed and not noticed: {way}")


def changed(data: bytes, change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data)
    change(found)
    return found


def forged_history(found: dict[str, Any]) -> None:
    """The first entry rewritten and every hash after it made anew."""
    previous = "0" * 64
    for entry in found["entries"]:
        said = json.loads(entry["bytes"])
        said |= {"previous": previous, "actor": "somebody else"}
        entry["bytes"] = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        entry["hash"] = previous = verify_matter.sha256(entry["bytes"].encode()).hex()


def resigned(found: dict[str, Any]) -> None:
    """Everything made anew with a key of the forger's own."""
    from muster.journal.entry import canonical
    from muster.journal.signing import Signer, state

    false = Signer(b"f" * 32)
    statement = state(false, false, after=None, made_at="2026-03-01T00:00:00Z", first=1)
    shown = {"bytes": statement.body.decode(), "signature": statement.signature.hex()}
    found["keys"] = [shown]
    previous = None
    for signed in found["checkpoints"]:
        said = json.loads(signed["bytes"]) | {"key": false.id}
        if previous:
            said["previous"] = previous
        body = canonical(said)
        signed["bytes"], signed["signature"] = body.decode(), false.sign(body).signature.hex()
        previous = verify_matter.sha256(body).hex()


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an entry left out": (lambda f: f["entries"].pop(0), "编号"),
    "the last entry left out": (lambda f: f["entries"].pop(), "没有记录提到"),
    "the last entry and its texts left out": (
        lambda f: (f["entries"].pop(), f.update({"opened": None})),
        "检查点之下",
    ),
    "entries in another order": (lambda f: f["entries"].reverse(), "编号"),
    "no entries": (lambda f: f["entries"].clear(), "没有记录提到"),
    "a history made anew": (forged_history, "检查点之下"),
    "a text nobody wrote": (lambda f: f["opened"]["texts"].update({"9.x": "示例"}), "没有记录提到"),
    "another text": (lambda f: f["opened"]["texts"].update({"1.owner": "示例"}), "不是当时的文字"),
    "a checkpoint left out": (lambda f: f["checkpoints"].pop(0), "另存的检查点"),
    "the last checkpoint left out": (lambda f: f["checkpoints"].pop(), "大小不符"),
    "no checkpoints": (lambda f: f["checkpoints"].clear(), "没有检查点"),
    "a key left out": (lambda f: f["keys"].pop(), "密钥不对"),
    "the first key left out": (lambda f: f["keys"].pop(0), "次序不对"),
    "no keys": (lambda f: f["keys"].clear(), "密钥不对"),
    "something else": (lambda f: f.update({"is": "x"}), "不是导出的日志"),
    "no proof": (lambda f: f.pop("proof"), "文件结构"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_refused_and_why(
    made: Callable[..., Exported], place: CheckpointFolder, how: str
) -> None:
    change, why = REFUSED[how]
    kept = json.loads((place.path / "checkpoint-00000001.json").read_bytes())
    with pytest.raises(Wrong, match=why):
        examine(changed(made().data, change), kept)


def test_a_forger_s_own_key_is_found_only_by_what_is_kept_elsewhere(
    made: Callable[..., Exported], place: CheckpointFolder
) -> None:
    """The stated limit: a file that was signed anew as a whole is whole within itself."""
    data = made().data
    first = json.loads(json.loads(data)["keys"][0]["bytes"])["key"]
    kept = json.loads((place.path / "checkpoint-00000001.json").read_bytes())
    found = changed(data, resigned)
    assert examine(found)
    with pytest.raises(Wrong, match="首个密钥"):
        examine(found, None, first)
    with pytest.raises(Wrong, match="另存的检查点"):
        examine(found, kept)


# --- as the expert runs it ---------------------------------------------------------------------


def run(*words: str) -> tuple[int, str]:
    told = subprocess.run(
        [sys.executable, "-I", "-S", verify_matter.__file__, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.returncode, told.stdout + told.stderr


def test_the_expert_runs_it_alone(
    made: Callable[..., Exported], place: CheckpointFolder, tmp_path: Path
) -> None:
    path = tmp_path / "matter.json"
    path.write_bytes(made().data)
    code, words = run(str(path))
    assert code == 0 and "成立 / holds" in words and "what this cannot know" in words
    kept = str(place.path / "checkpoint-00000002.json")
    code, words = run(str(path), "--checkpoint", kept, "--first-key", "0" * 32)
    assert code == 1 and "DOES NOT HOLD" in words and "the first key is another one" in words
    path.write_bytes(made().data.replace(WORDS.encode(), "示例：别的话".encode()))
    code, words = run(str(path))
    assert code == 1 and "not the text of then" in words
    for broken in (b"", b"{}", b"[1]", b"\xff"):
        path.write_bytes(broken)
        code, words = run(str(path))
        assert code == 1 and "DOES NOT HOLD" in words and "Traceback" not in words
    assert run(str(tmp_path / "nothing"))[0] == 1
    assert run()[0] == 2
