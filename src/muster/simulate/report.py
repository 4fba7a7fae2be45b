"""What a replay says at its end, as JSON and as a table in Chinese and in English."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

import msgspec

from muster.simulate.figures import Spread
from muster.simulate.refusal import FLAWS, REJECTS


class RejectedRows(msgspec.Struct, frozen=True):
    """Rows of the whole file that could not be played, or what was wrong in those that could.

    reasons: reason -> rows. first_lines: reason -> line number of its first row, the header being
    line 1; dirt.csv in the data folder has them all.
    """

    total: int
    reasons: dict[str, int]
    first_lines: dict[str, int]


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """Counts are of the calls played; of the whole file are rows, calls_in_file, grouped_in_file
    and rejected, and the first is the sum of the others. Spans are clock seconds. lost must be 0.

    place: "area" when the file has no coordinates. times_*: what stands in for the call's time.
    """

    file: str
    day: str | None
    speed: str
    seed: str
    rows: int
    calls_in_file: int
    grouped_in_file: int
    rejected: RejectedRows
    flaws: RejectedRows
    place: Literal["point", "area"]
    times_zh: str
    times_en: str
    grouped: int
    calls: int
    merged: int
    dispatched: int
    closed: int
    left_open: int
    acknowledged: int
    lost: int
    doubled: int
    reoffered: int
    unanswered: int
    returned: int
    dispatch_s: Spread
    sign_s: Spread
    arrive_s: Spread
    clear_s: Spread
    recorded_arrive_s: Spread
    late_s: Spread
    refused: dict[str, int]
    faults: dict[str, int]
    requests: int
    real_s: float
    calls_per_s: float
    interrupted: bool
    note_zh: str
    note_en: str

    @property
    def fell_behind(self) -> bool:
        """A live play in which one step in ten came more than TOO_LATE_S late."""
        return self.late_s.p90 is not None and self.late_s.p90 > TOO_LATE_S

    def json(self) -> str:
        """One line."""
        return msgspec.json.encode(self).decode()

    def table(self) -> str:
        """For people: one figure a line, Chinese and English beside it."""
        lines = [_row(zh, en, str(getattr(self, name))) for name, zh, en in _COUNTS]
        lines += [_row(zh, en, _spread(getattr(self, name))) for name, zh, en in _SPANS]
        lines.append(_row("实际用时", "real seconds", f"{self.real_s:.1f}"))
        lines.append(_row("每秒警情", "calls per real second", f"{self.calls_per_s:.2f}"))
        lines += self._of_the_file()
        for code, number in self.refused.items():
            lines.append(f"  被拒请求 refused {code}: {number}")
        for text, number in self.faults.items():
            lines.append(f"  服务器故障 server fault ×{number}: {text}")
        if self.fell_behind:
            lines += ["  " + BEHIND_ZH, "  " + BEHIND_EN]
        if self.interrupted:
            lines.append("  提前停止，数字只到停止时 / stopped early: figures up to then")
        lines += ["", self.note_zh, self.note_en]
        return "\n".join(lines)

    def _of_the_file(self) -> list[str]:
        """Where every row went, what was wrong, and what stands in for what the file lacks."""
        lines = [
            f"  行 rows {self.rows} = 警情 calls {self.calls_in_file} + 成组 grouped "
            f"{self.grouped_in_file} + 拒收 rejected {self.rejected.total}"
        ]
        dirt = (("拒收 rejected", self.rejected, REJECTS), ("瑕疵 flaw", self.flaws, FLAWS))
        for kind, found, words in dirt:
            for reason, number in found.reasons.items():
                zh, en = words[reason]
                first = found.first_lines[reason]
                lines.append(f"  {kind} {reason}: {number}（{zh} / {en}; 行 line {first}）")
        if self.times_zh or self.times_en:
            lines.append(f"  时间 times: {self.times_zh} / {self.times_en}")
        if self.place == "area":
            lines += ["  " + AREA_ZH, "  " + AREA_EN]
        return lines


AREA_ZH: Final = "地点：记录没有坐标，只知是哪个站的辖区，一律放在辖区中部；不按远近合并。"
AREA_EN: Final = (
    "Places: the record has no coordinates. Only the station's area is known, and every call "
    "stands in its middle; none is merged for being near."
)
NOTE_ZH: Final = (
    "说明：签收、到场、离场由仿真民警经手机同一接口作出，不是记录中的时间；"
    "派警=接报至首次派警，签收=派警至签收，到场=首次派警至首个单位到场，离场=首个单位到场至最后单位离场；"
    "记录到场=原记录中首车用时，仅供对照。丢失=已确认但事后不在日志中的命令，必须为 0。"
)
NOTE_EN: Final = (
    "Note: signing, arrival and clearing are by simulated officers over the doors a phone uses, "
    "not the record's. dispatch = call to first order; sign = order to signature; arrive = first "
    "order to first unit on scene; clear = first unit on scene to last unit free; recorded arrive "
    "= the first unit's time in the record, beside it for comparison. lost = acknowledged commands "
    "that are not in the journal afterwards: must be 0."
)

#: Clock seconds. Later than this, people seem to answer late who in truth were not served.
TOO_LATE_S: Final = 30.0
BEHIND_ZH: Final = "本机跟不上这个速度，各段用时偏大：请降低 --speed，或用 --speed max。"
BEHIND_EN: Final = (
    "This machine could not keep up at this speed and the spans are too long: "
    "use a lower --speed, or --speed max."
)

_COUNTS: Final = (
    ("calls", "警情", "calls"),
    ("rows", "文件行数", "rows of the file"),
    ("grouped", "并入同一警情的行", "rows grouped"),
    ("merged", "合并", "merged"),
    ("dispatched", "已派警", "dispatched"),
    ("closed", "已办结", "closed"),
    ("left_open", "未办结", "left open"),
    ("acknowledged", "已确认命令", "acknowledged commands"),
    ("lost", "丢失", "lost"),
    ("doubled", "重复", "doubled"),
    ("reoffered", "自动改派", "offered again"),
    ("unanswered", "无人应答", "not answered"),
    ("returned", "退单", "returned"),
    ("requests", "请求数", "requests"),
)
_SPANS: Final = (
    ("dispatch_s", "派警 秒", "dispatch, s"),
    ("sign_s", "签收 秒", "sign, s"),
    ("arrive_s", "到场 秒（仿真）", "arrive, s (simulated)"),
    ("recorded_arrive_s", "记录到场 秒", "arrive, s (recorded)"),
    ("clear_s", "离场 秒（仿真）", "clear, s (simulated)"),
    ("late_s", "步骤延迟 秒", "steps late, s (live)"),
)


def _spread(value: Spread) -> str:
    if value.p50 is None:
        return "—"
    return f"p50 {value.p50:.1f}   p90 {value.p90:.1f}   n {value.n}"


def _row(zh: str, en: str, value: str) -> str:
    return f"{_padded(zh, 22)}{_padded(en, 26)}{value}"


def _padded(text: str, width: int) -> str:
    """Chinese characters take two columns of a terminal."""
    taken = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return text + " " * max(width - taken, 1)
