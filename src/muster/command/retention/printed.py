"""A certificate as a page to print, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from muster.command.retention.certificate import Certificate, Gone
from muster.command.retention.witness import Witness
from muster.geography.retention import Schedule

_STYLE: Final = (
    "body{font:13px/1.5 'Noto Sans SC','Source Han Sans SC',sans-serif;margin:18mm;color:#111}"
    "h1{font-size:20px;margin:0 0 2mm}h2{font-size:14px;margin:6mm 0 2mm;border-bottom:1px solid}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #999;padding:1mm 2mm;"
    "text-align:left;vertical-align:top}code{font:11px monospace;word-break:break-all}"
    "small{color:#444}"
)


def printed(held: Certificate, schedule: Schedule, names: Mapping[str, str]) -> str:
    """HTML, complete in itself. `names`: of the people who acted, by id."""
    parts = [
        '<!doctype html><html lang="zh"><meta charset="utf-8">',
        f"<title>擦除证明 {escape(held.number)}</title><style>{_STYLE}</style>",
        f"<h1>擦除证明 <small>Certificate of erasure</small></h1><p>{escape(held.city_zh)}"
        f" {escape(held.city_en)} · {escape(held.number)}<br>"
        f"<code>{escape(held.matter)}</code></p>",
        f"<p>出具于 Issued {held.issued_at.isoformat()}</p>",
    ]
    parts += [_erasure(one, schedule, names) for one in held.erasures]
    parts.append("<h2>日志中的条目 <small>Entries in the journal</small></h2><table>")
    parts += [
        f"<tr><td>{step.number}<td>{escape(step.kind)}<td>{step.recorded_at.isoformat()}"
        f"<td>{escape(_who(step.actor, names))} · {escape(step.role)}<td><code>{step.hash}</code>"
        for step in held.steps
    ]
    parts.append(
        f"</table><p>出具时的末条 Head when issued: {held.head[0]} <code>{held.head[1]}</code><br>"
        f"密钥库余量 Left in the vault: {held.left.keys} 密钥 keys,"
        f" {len(held.left.items)} 项 items, {held.left.lookups} 检索 look-ups<br>"
        f"{_witnessed(held.checkpoint)}</p>"
        "<h2>仍可能含有密文之处 <small>What may still hold ciphertext</small></h2>"
        f"<p>{escape(held.may_still_hold_zh)}<br>{escape(held.may_still_hold_en)}</p></html>"
    )
    return "\n".join(parts)


def _witnessed(found: Witness | None) -> str:
    if found is None:
        return (
            "等待下一个检查点：涵盖此次擦除后，本证明自行补全 Waits for the next checkpoint: issued"
            " again then, this certificate is complete"
        )
    return (
        f"检查点 Checkpoint {found.number} · {escape(found.taken_at)} · 涵盖至条目"
        f" covers entries to #{found.entry}<br><code>{escape(found.signature)}</code>"
    )


def _who(person: str, names: Mapping[str, str]) -> str:
    return f"{names[person]} ({person})" if names.get(person) else person


def _erasure(gone: Gone, schedule: Schedule, names: Mapping[str, str]) -> str:
    classes = gone.counts or dict.fromkeys(gone.classes, 0)
    rows = [
        f"<tr><td>{escape(schedule.classes[name].name_zh)} {escape(schedule.classes[name].name_en)}"
        f"<td>{count} 项 items"
        for name, count in classes.items()
    ]
    kind = "全部擦除，密钥已销毁 Whole, key destroyed" if gone.whole else "部分擦除 In part"
    items = "".join(
        f"<tr><td><code>{escape(item.item)}</code><td>{escape(item.of)}<td><code>{item.sha256}</code>"
        for item in gone.items
    )
    people = f"提出 Asked: {escape(_who(gone.requested_by, names))}"
    if gone.approved_by:
        people += f"<br>同意 Agreed: {escape(_who(gone.approved_by, names))}"
    ledger = "在 in" if gone.ledger is not None else "不在 not in"
    return (
        f"<h2>{kind} <small>#{gone.entry}</small></h2><p>{gone.gone_at.isoformat()}<br>{people}"
        f"<br>依据 Basis: {escape(gone.basis)}<br>擦除台账 Ledger of erasures: {ledger}</p>"
        f"<table>{''.join(rows)}</table><p>各项密文的 SHA-256 SHA-256 of each ciphertext</p>"
        f"<table>{items}</table>"
    )
