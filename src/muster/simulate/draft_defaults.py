"""What a draft pack holds that no record of calls can tell: clocks, levels, states, the desk.

Domain defaults of ours, nobody's rules; the people are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: name -> seconds at levels 1, 2 and all others; a domain default, not anybody's rule.
CLOCK_SECONDS: Final[Mapping[str, tuple[int, int, int, str, str]]] = {
    "wait": (60, 120, 300, "待派", "waiting to be dispatched"),
    "sign": (30, 45, 60, "签收", "sign"),
    "set_out": (120, 120, 180, "出发", "set out"),
    "arrive": (600, 900, 1200, "到场", "arrive"),
    "first_feedback": (900, 1800, 1800, "首次反馈", "first feedback"),
    "final_feedback": (86_400, 86_400, 86_400, "结案反馈", "closing feedback"),
    "review": (3600, 3600, 7200, "审核", "review"),
    "call_back": (86_400, 86_400, 86_400, "回访", "call back"),
    "transfer_accept": (600, 900, 1800, "接受转办", "accept a transfer"),
    "cancel_confirm": (300, 300, 600, "撤销复核", "confirm a cancellation"),
}
LEVELS: Final = (
    (1, "特别重大", "critical", "#B3261E", "#FF8A80"),
    (2, "重大敏感", "serious", "#B45309", "#FFB74D"),
    (3, "一般", "ordinary", "#1D4ED8", "#82B1FF"),
    (4, "非紧急", "not urgent", "#4B5563", "#B0BEC5"),
)
STATUSES: Final = (
    ("10", "备勤", "available", "circle", "#15803D", "#66BB6A", "available", "10"),
    ("20", "已派", "dispatched", "half_circle", "#B45309", "#FFB74D", "dispatched", "20"),
    ("21", "途中", "under way", "arrow", "#1D4ED8", "#82B1FF", "under_way", "21"),
    ("22", "到场", "on scene", "square", "#7E22CE", "#CE93D8", "on_scene", "22"),
    ("30", "忙碌", "busy", "small_square", "#4B5563", "#B0BEC5", "busy", "30"),
    ("00", "下勤", "off duty", "ring", "#6B7280", "#90A4AE", "off", ""),
    ("99", "求援", "needs help", "diamond", "#B3261E", "#FF8A80", "emergency", ""),
)
CHANNELS: Final = (
    ("phone", "电话", "telephone"),
    ("sensor", "自动报警", "alarm sensor"),
    ("officer", "民警发现", "found by an officer"),
)
DESK: Final = (
    ("call_taker", "示例接警员"),
    ("dispatcher", "示例派警员"),
    ("duty_chief", "示例值班长"),
    ("station_room", "示例所指挥室"),
    ("analyst", "示例研判员"),
    ("auditor", "示例督察"),
    ("administrator", "示例管理员"),
)
