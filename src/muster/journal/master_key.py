"""Opening the vault of a database: with the key that its rows were sealed with, or not at all.

A key that is made anew where one was lost would open nothing that is there, and what is sealed
with it could not be read once the lost one is found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from psycopg import Connection

from muster.journal.vault import Vault


class KeyLost(Exception):
    """The master key is not there, or is another's. In both languages, zh first."""

    def __init__(self, path: Path, *, there: bool) -> None:
        zh = "不是这个数据库的主密钥" if there else "不见了，而数据库里有用它加密的内容"
        en = "is not this database's key" if there else "is missing, and the database needs it"
        super().__init__(
            f"主密钥 {path} {zh}：请从另行保管的副本恢复它，不要新建。数据没有被改动。\n"
            f"The master key {path} {en}: put back the copy that is kept apart, and make no new "
            "one. Nothing was changed."
        )


def open_vault(connection: Connection[Any], path: Path) -> Vault:
    """The vault with the key in `path`; a key is made only where nothing was sealed yet.
    Raises KeyLost."""
    row = connection.execute("SELECT matter::text, wrapped FROM vault_key LIMIT 1").fetchone()
    if row is not None and not path.exists():
        raise KeyLost(path, there=False)
    vault = Vault.open_file(path)
    if row is not None:
        try:
            vault.unwrap(row[0], bytes(row[1]))
        except InvalidTag:
            raise KeyLost(path, there=True) from None
    return vault
