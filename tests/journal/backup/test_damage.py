"""Every way a backup can be damaged, taken for another or opened with the wrong key is seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from muster.journal.backup import archive
from muster.journal.backup.archive import Key, read_manifest
from muster.journal.backup.copy_in import check
from muster.journal.backup.faults import SENTENCES, Unfit
from tests.instance import Database
from tests.journal.diary import Shelf

from .conftest import Place, restore, rows, write


def chunks_of(place: Place, table: str) -> list[Path]:
    manifest = read_manifest(place.folder, place.key)
    found = next(one for one in manifest.tables if one.name == table)
    return [place.folder / "chunks" / chunk.id for chunk in found.chunks]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def swap(one: Path, two: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    two.rename(one)
    aside.rename(two)


def of_another_table(place: Place) -> None:
    shutil.copyfile(chunks_of(place, "command")[0], chunks_of(place, "entry")[0])


def altered(place: Place) -> None:
    path = place.folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"entries":60', b'"entries":59'))


def shortened(place: Place) -> None:
    """The last chunk of a table taken out of the manifest, which still reads well."""
    path = place.folder / "manifest.json"
    sealed = msgspec.json.decode(path.read_bytes())
    for table in sealed["manifest"]["tables"]:
        if table["name"] == "entry":
            table["chunks"].pop()
    path.write_bytes(msgspec.json.encode(sealed))


DAMAGE: dict[str, tuple[Callable[[Place], None], str]] = {
    "a bit in the middle": (lambda p: flip(chunks_of(p, "entry")[0], 700), "chunk"),
    "a bit of the nonce": (lambda p: flip(chunks_of(p, "vault_key")[0], 0), "chunk"),
    "cut short": (
        lambda p: chunks_of(p, "entry")[1].write_bytes(chunks_of(p, "entry")[1].read_bytes()[:-9]),
        "chunk",
    ),
    "empty": (lambda p: chunks_of(p, "entry")[0].write_bytes(b""), "chunk"),
    "gone": (lambda p: chunks_of(p, "entry")[0].unlink(), "chunk_missing"),
    "two swapped": (lambda p: swap(*chunks_of(p, "entry")[:2]), "chunk"),
    "of another table": (of_another_table, "chunk"),
    "manifest altered": (altered, "manifest"),
    "manifest shortened": (shortened, "manifest"),
    "manifest cut": (
        lambda p: (p.folder / "manifest.json").write_bytes(
            (p.folder / "manifest.json").read_bytes()[:-50]
        ),
        "manifest",
    ),
    "manifest gone": (lambda p: (p.folder / "manifest.json").unlink(), "not_a_backup"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(written: Shelf, place: Place, name: str) -> None:
    damage, code = DAMAGE[name]
    place.back_up()
    check(place.folder, place.key, lambda _share, _what: None)
    damage(place)
    with pytest.raises(Unfit) as unfit:
        check(place.folder, place.key, lambda _share, _what: None)
    assert unfit.value.code == code


@pytest.mark.parametrize("name", [n for n in DAMAGE if not n.startswith("manifest")])
def test_a_damaged_backup_is_not_restored_as_if_whole(
    written: Shelf, place: Place, empty: Database, name: str
) -> None:
    manifest = place.back_up()
    damage, code = DAMAGE[name]
    damage(place)
    with pytest.raises(Unfit) as unfit:
        restore(place, empty, manifest)
    assert unfit.value.code == code
    assert rows(empty) != rows(place.database)


def test_without_the_key_checksums_still_tell(written: Shelf, place: Place) -> None:
    place.back_up()
    check(place.folder, None, lambda _share, _what: None)
    flip(chunks_of(place, "entry")[0], 700)
    with pytest.raises(Unfit) as unfit:
        check(place.folder, None, lambda _share, _what: None)
    assert unfit.value.code == "chunk"


def test_a_wrong_key_opens_nothing(written: Shelf, place: Place, tmp_path: Path) -> None:
    place.back_up()
    other = Key.made(tmp_path / "other.key")
    with pytest.raises(Unfit) as unfit:
        read_manifest(place.folder, other)
    assert unfit.value.code == "manifest"
    place.key = other
    with pytest.raises(Unfit) as unfit:
        place.back_up()
    assert unfit.value.code == "manifest"


def test_a_wrong_key_does_not_continue_an_interrupted_backup(
    written: Shelf, place: Place, tmp_path: Path
) -> None:
    place.back_up()
    manifest = read_manifest(place.folder, place.key)
    (place.folder / "manifest.json").unlink()
    header = archive.Header(manifest.backup, manifest.source, place.key.proof(manifest.backup))
    archive.ProgressLog(place.folder).begin(header, [])
    place.key = Key.made(tmp_path / "other.key")
    with pytest.raises(Unfit) as unfit:
        place.back_up()
    assert unfit.value.code == "key"


def test_chunks_of_two_backups_with_one_key_cannot_be_mixed(
    written: Shelf, place: Place, tmp_path: Path
) -> None:
    """Even with the manifest's checksum put right: a chunk opens only in its own backup."""
    place.back_up()
    write(written, range(30, 32))
    second = Place(place.database, tmp_path / "second", place.key)
    manifest = second.back_up()
    strange, own = chunks_of(place, "entry")[0], chunks_of(second, "entry")[0]
    shutil.copyfile(strange, own)
    tables = []
    for table in manifest.tables:
        first = table.chunks[0] if table.chunks else None
        if table.name == "entry" and first is not None:
            theirs = next(
                t for t in read_manifest(place.folder, place.key).tables if t.name == "entry"
            )
            forged = msgspec.structs.replace(theirs.chunks[0], id=first.id)
            table = msgspec.structs.replace(table, chunks=(forged, *table.chunks[1:]))
        tables.append(table)
    archive.write_manifest(
        second.folder, second.key, msgspec.structs.replace(manifest, tables=tuple(tables))
    )
    with pytest.raises(Unfit) as unfit:
        check(second.folder, second.key, lambda _share, _what: None)
    assert unfit.value.code == "chunk"


def test_a_chunk_opens_only_under_its_own_name(written: Shelf, place: Place) -> None:
    """Even where the manifest would say otherwise: of another table, another chunk, fewer rows."""
    manifest = place.back_up()
    sealer = archive.Sealer(place.folder, place.key, manifest.backup)
    entry = next(one for one in manifest.tables if one.name == "entry")
    first, second = entry.chunks[:2]
    assert sealer.open("entry", first)
    shutil.copyfile(sealer.path(first.id), sealer.path(second.id))
    for name, chunk in (
        ("command", first),
        ("entry", msgspec.structs.replace(first, rows=first.rows - 1)),
        ("entry", msgspec.structs.replace(first, id=second.id)),
    ):
        with pytest.raises(Unfit) as unfit:
            sealer.open(name, chunk)
        assert unfit.value.code == "chunk"


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 33])
def test_a_file_that_is_no_key_is_said(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "no.key"
    path.write_bytes(data)
    with pytest.raises(Unfit) as unfit:
        Key(path)
    assert unfit.value.code == "key_size"
    with pytest.raises(Unfit) as unfit:
        Key(tmp_path / "nowhere.key")
    assert unfit.value.code == "key_missing"


def test_a_newer_format_is_said(written: Shelf, place: Place) -> None:
    place.back_up()
    path = place.folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":2'))
    with pytest.raises(Unfit) as unfit:
        read_manifest(place.folder, place.key)
    assert unfit.value.code == "format" and "2" in unfit.value.en


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    Key.made(tmp_path / "keys" / "backup.key")
    assert (tmp_path / "keys" / "backup.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_every_fault_says_what_to_do_in_both_languages(code: str) -> None:
    zh, en = SENTENCES[code]
    assert any("\u4e00" <= sign <= "\u9fff" for sign in zh) and en.isascii()
    assert zh.endswith("。") and en.endswith(".")
