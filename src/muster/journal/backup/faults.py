"""What is wrong with a backup, its keys or the place it is to go, in whole sentences."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, tuple[str, str]] = {
    "not_a_backup": (
        "{folder} 里没有完成的备份（缺 manifest.json）：备份可能中断过，请再运行一次 backup。",
        "{folder} holds no finished backup (manifest.json is missing): it may have been "
        "interrupted; run backup again.",
    ),
    "not_empty": (
        "{folder} 里有别的文件，不是备份文件夹：请用 --to 指定空文件夹。",
        "{folder} holds other files and is no backup folder: name an empty one with --to.",
    ),
    "busy": (
        "{folder} 正被另一个备份或恢复使用，请等它结束。",
        "{folder} is in use by another backup or restore; wait until it ends.",
    ),
    "elsewhere": (
        "{folder} 里是另一个数据库的备份：请用 --to 指定另一个文件夹。",
        "{folder} holds the backup of another database: name another folder with --to.",
    ),
    "format": (
        "备份的格式是 {found}，本版本认识的是 {known}：请用更新的 Muster 打开。",
        "The backup has format {found}, this version knows {known}: open it with a newer Muster.",
    ),
    "schema": (
        "备份的数据库结构是 {found}，比本版本新：请用更新的 Muster 恢复。",
        "The backup's database is at version {found}, newer than this Muster: restore it with a "
        "newer one.",
    ),
    "manifest": (
        "{file} 已损坏或被改动过，或不是用这把密钥（{key}）写的：请核对 --key，或用另一份备份。",
        "{file} is damaged or was altered, or was not written with this key ({key}): check --key, "
        "or use another backup.",
    ),
    "key": (
        "备份密钥 {key} 不是写这份备份的那把：请用 --key 给出原来的 backup.key。",
        "The backup key {key} is not the one this backup was written with: give that backup.key "
        "with --key.",
    ),
    "key_missing": (
        "没有备份密钥 {key}：请用 --key 给出备份时用的 backup.key。",
        "There is no backup key {key}: give the backup.key the backup was made with, with --key.",
    ),
    "key_size": (
        "{key} 不是密钥文件（应为 32 字节）。",
        "{key} is no key file (it would have 32 bytes).",
    ),
    "master_missing": (
        "没有主密钥 {key}：备份里没有它，请用 --master-key 给出原来的 master.key。",
        "There is no master key {key}: it is never in a backup; give the master.key of the old "
        "data folder with --master-key.",
    ),
    "master": (
        "主密钥 {key} 不是这份备份的数据用的那把：请用 --master-key 给出原来的 master.key。",
        "The master key {key} is not the one the backed-up data was sealed with: give the right "
        "master.key with --master-key.",
    ),
    "chunk_missing": (
        "备份缺少数据块 {file}（{table}）：请用另一份备份，或再备份一次。",
        "The backup lacks the chunk {file} ({table}): use another backup, or back up again.",
    ),
    "chunk": (
        "备份的数据块 {file}（{table}）已损坏：请用另一份备份，或再备份一次。",
        "The backup's chunk {file} ({table}) is damaged: use another backup, or back up again.",
    ),
    "rows": (
        "恢复后 {table} 有 {found} 行，备份记载 {known} 行：没有完成恢复。",
        "{table} has {found} rows after the restore, the backup says {known}: the restore is "
        "not finished.",
    ),
    "full": (
        "磁盘已满：{folder} 所在的磁盘没有空间了；腾出空间后再运行一次，已完成的部分会保留。",
        "The disk is full where {folder} is: free some space and run this again; what is done "
        "is kept.",
    ),
    "read_only": (
        "{folder} 不可写：请换一个可写的位置，或修改权限。",
        "{folder} cannot be written to: choose another place, or change its permissions.",
    ),
    "ledger_missing": (
        "没有清除台账 {file}：请核对 --erasures。",
        "There is no erasure ledger {file}: check --erasures.",
    ),
    "omitted": (
        "{table} 只能追加，却引用了不进备份的表：这是缺陷，请报告。",
        "{table} is append-only and refers to a table that is left out of backups: a defect; "
        "please report it.",
    ),
}


class Unfit(Exception):
    """A backup, a key or a place that will not do. `zh` and `en` say what to do about it."""

    def __init__(self, code: str, **values: object) -> None:
        self.code, self.values = code, values
        zh, en = SENTENCES[code]
        self.zh, self.en = zh.format(**values), en.format(**values)
        super().__init__(f"{self.zh}\n{self.en}")
