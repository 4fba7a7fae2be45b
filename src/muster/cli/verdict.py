"""What `journal verify` says, in both languages."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from muster.cli import project, timeline

if TYPE_CHECKING:
    from muster.journal.fault import Fault, Verdict

#: Each word for what is wrong.
WORDS: Final = {
    "gap": ("编号不连续", "the number before is missing"),
    "hash": ("内容与哈希不符", "its bytes do not give its hash"),
    "previous": ("与前一条不相接", "it does not follow on the one before"),
    "column": ("列与内容不符", "a column does not say what the bytes say"),
    "bytes": ("内容无法读取", "its bytes cannot be read"),
    "position": ("次序不对", "its position is not after the one before"),
    "otherwise": ("与另一处所存不同", "it is not what is held elsewhere"),
    "lacking": ("台账文件里没有", "the file of the ledger lacks it"),
    "removed": ("已被移除", "it was removed"),
    "cut": ("末尾被截去", "the end was cut off"),
    "no_command": ("没有产生它的命令", "no command wrote it"),
    "not_answered": ("其命令的答复没有提到它", "its command's answer does not name it"),
    "answer": ("命令答复所指的记录不存在", "a command's answer names it, and it is not there"),
    "time": ("命令与记录的时间不同", "command and entries differ in their time"),
    "unsealed": ("命令没有封印", "the command bears no seal"),
    "mac": ("封印不符", "its seal does not fit"),
    "fewer": ("比检查点所记少", "there are fewer than a checkpoint says"),
    "missing": ("缺失", "it is missing"),
    "unnamed": ("没有记录提到它", "no entry names it"),
    "seal": (
        "无法打开（被改动、调换或密钥不对）",
        "it does not open: altered, moved, or another key",
    ),
    "alone": ("没有前一把密钥为它作保", "nothing before vouches for it"),
    "twice": ("出现两次", "it is there twice"),
    "no_entry": ("日志里没有删除记录", "no entry says that it was erased"),
    "key": ("已删除，密钥却还在", "erased, and its key is still there"),
    "items": ("已删除，文字却还在", "erased, and its words are still there"),
    "number": ("编号不符", "its number is another one"),
    "signature": ("签名无效", "its signature does not hold"),
    "unknown_key": ("签名密钥不在密钥链中", "signed with a key that is not in the chain"),
    "key_out_of_use": ("用已更换的密钥签名", "signed with a key that was not in use"),
    "unknown_signer": ("由不相接的密钥签名", "signed by a key that is not the one before"),
    "name": ("密钥名与公钥不符", "its name does not fit the public key"),
    "order": ("次序不对", "it is not in its place"),
    "damaged": ("文件损坏", "the file is damaged"),
    "roots": ("文件内容与签名的根不符", "the list does not give the signed root"),
    "first_key": ("首个密钥不是所给的那个", "the first key is not the one given"),
    "kept": ("与重建结果不同", "it differs from a rebuild"),
    "no_rebuild": ("记录有错，无法重建比较", "not rebuilt: entries are at fault"),
    "altered": ("封存后被改动", "altered since it was sealed"),
    "added": ("封存后被添加", "added since it was sealed"),
    "leaves": ("叶缺失，或与封存的根不符", "its leaves are gone or do not give the sealed root"),
    "dropped": ("整日被移除", "a whole day was removed"),
}
#: Each place a fault is found in.
PLACES: Final = {
    "entry": ("记录", "entry"),
    "command": ("命令", "command"),
    "vault_item": ("密文", "vault item"),
    "vault_key": ("密钥", "vault key"),
    "vault_lookup": ("检索行", "look-up"),
    "erased_part": ("部分删除台账", "ledger of parts erased"),
    "feed": ("推送行", "feed row"),
    "erasure": ("删除台账", "erasure ledger"),
    "audit": ("审计行", "audit row"),
    "access_log": ("查阅日志行", "access log row"),
    "position": ("位置", "position"),
    "track": ("轨迹", "track"),
    "position_segment": ("位置分钟段", "minute segment of positions"),
    "checkpoint": ("检查点", "checkpoint"),
    "signing_key": ("签名密钥", "signing key"),
    "kept": ("投影表", "kept tables"),
    "outside": ("外部文件夹", "folder outside"),
}


def line(fault: "Fault") -> str:
    """One fault on one line."""
    zh_place, en_place = PLACES.get(fault.table, (fault.table, fault.table))
    zh, en = WORDS[fault.what]
    about = [fault.matter] if fault.matter else []
    about += [f"#{fault.number}"] if fault.number else []
    about += [f"({fault.detail})"] if fault.detail else []
    return timeline.printable(" ".join([f"{zh_place}/{en_place}", *about]) + f": {zh} / {en}")


def summary(verdict: "Verdict") -> str:
    """What was looked at, and how it stands."""
    rows = [
        ("看了什么 looked at", "多少 how many"),
        ("记录 entries", f"{verdict.entries:,}"),
        ("事 matters", f"{verdict.matters:,}"),
        ("命令 commands", f"{verdict.commands:,}"),
        ("密文 vault items", f"{verdict.vault_items:,}" + ("" if verdict.opened else " *")),
    ]
    rows += [(f"链 chain {name}", f"{count:,}") for name, count in verdict.chained.items()]
    rows += [("位置 positions", f"{verdict.positions:,}")]
    rows += [("投影表 kept tables", "✓")] if verdict.kept else []
    rows += [("检查点 checkpoints", f"{verdict.checkpoints:,}")]
    rows += [(f"对照 against {name}", at) for name, at in verdict.against.items()]
    if verdict.uncovered is not None:
        rows.append(("其后的记录 entries since", f"{verdict.uncovered:,}"))
    rows.append(("错误 faults", f"{len(verdict.faults) + verdict.more:,}"))
    words = [project.table(rows)]
    if verdict.first_key:
        words.append(f"首个签名密钥 / the first signing key: {verdict.first_key}")
    if not verdict.opened:
        words.append("* 未打开，要打开请加 --vault / not opened: --vault opens them")
    if verdict.unsealed:
        words.append(
            f"{verdict.unsealed} 条命令来自 0.1.0，没有封印 / {verdict.unsealed} commands are from "
            "0.1.0 and bear no seal"
        )
    if not verdict.against:
        words.append(
            "没有外部检查点可对照：末尾被截或全部重写看不出来，请用 --against DIR / compared with "
            "no checkpoint outside: a tail cut off or a history rewritten cannot be seen; use "
            "--against DIR"
        )
    return "\n".join(words)


def as_json(verdict: "Verdict") -> str:
    found = asdict(verdict)
    found["faults"] = [
        {**one, "words": {"zh": WORDS[one["what"]][0], "en": WORDS[one["what"]][1]}}
        for one in found.pop("found")
    ]
    return timeline.as_json({"ok": not found["faults"], **found})
