"""Example bodies for the OpenAPI document, by operation id. People and phones are invented."""

from __future__ import annotations

from typing import Any, Final

MATTER: Final = "0b1f6f0e-7d0a-4b6e-9a35-0c8a4d1f2e01"
ORDER: Final = "3f2c8f64-2f7c-4f0e-8a11-6d0c55f0aa02"
OFFICER: Final = "p153"
AT: Final = "2026-11-23T03:14:07Z"

BODIES: Final[dict[str, Any]] = {
    "report": {
        "id": MATTER,
        "channel": "110",
        "category": "010104",
        "reported_at": "2026-11-23T03:13:30Z",
        "answered_at": "2026-11-23T03:13:36Z",
        "call_ended_at": AT,
        "caller_name": "示例甲",
        "caller_phone": "199-0000-0001",
        "narrative": "示例：码头有人落水",
        "place": {"lon": 122.301, "lat": 29.947, "label": "沈家门渔港"},
        "complete": True,
    },
    "complete": {"call_ended_at": AT},
    "remark": {"text": "示例：报警人补充，穿红衣"},
    "correct_place": {
        "place": {"lon": 122.305, "lat": 29.949, "label": "沈家门渔港 2 号码头"},
        "reason": "报警人更正",
    },
    "correct_time": {"field": "reported_at", "at": "2026-11-23T03:12:50Z", "reason": "核对录音"},
    "categorise": {"category": "010104", "final": False, "reason": "补充情况"},
    "change_level": {"level": 2, "reason": "有人受伤"},
    "dispatch": {"orders": [{"order": ORDER, "unit": "pt-donggang-03"}], "opinion": "带救生圈"},
    "withdraw": {"order": ORDER, "reason": "改派更近警力"},
    "transfer": {"organisation": "pt", "reason": "属地"},
    "accept_transfer": {},
    "ask_in": {"organisation": "px-haishi", "reason": "需海上搜救"},
    "review_look": {"row": 42, "outcome": "proper", "note": "示例：与派警单相符"},
    "unmask": {"purpose": "示例：失主来电核对"},
    "urge": {"text": "报警人再次来电"},
    "request_cancel": {"kind": "invalid", "reason": "误拨"},
    "confirm_cancel": {},
    "decline_cancel": {"reason": "仍需核实"},
    "merge": {"into": "7a1d0c52-95f5-4c0e-8f0d-2f3a7f9b1c03", "reason": "同一件事"},
    "unmerge": {"main": "7a1d0c52-95f5-4c0e-8f0d-2f3a7f9b1c03", "reason": "并非同一件事"},
    "feed_back": {
        "result": "handled",
        "final": True,
        "narrative": "示例：已救起，无恙",
        "rescued": 1,
    },
    "return_feedback": {"reason": "请补充人数"},
    "close": {},
    "call_back": {"rating": 1, "note": "满意"},
    "archive": {},
    "place_hold": {"hold": ORDER, "basis": "示例法条", "reason": "示例：涉诉"},
    "lift_hold": {"hold": ORDER, "reason": "示例：诉讼已结"},
    "keep_longer": {
        "classes": ["narrative"],
        "until": "2028-12-31T16:00:00Z",
        "reason": "示例：仍在复核",
    },
    "propose_erasure": {"classes": ["caller"], "basis": "示例法条", "reason": "示例：到期"},
    "decline_erasure": {"reason": "示例：仍需保存"},
    "approve_erasure": {"proposal": 14},
    "seal": {"basis": "治安管理处罚法", "reason": "示例：未成年人"},
    "ask_unsealing": {"basis": "示例法条", "reason": "示例：司法机关依法查询", "hours": 4},
    "approve_unsealing": {},
    "restrict": {"basis": "个人信息保护法", "reason": "示例：本人提出异议"},
    "lift_restriction": {"reason": "示例：已核实"},
    "step_order": {"at": AT, "lon": 122.302, "lat": 29.946},
    "sign_on": {"crew": [OFFICER], "vehicle": "示例车 01"},
    "set_unit_status": {"status": "busy", "reason": "加油"},
    "drive_clock": {"now": AT},
    "sign_in": {"username": "dispatcher", "password": "invented-example"},
    "enter_code": {"code": "123456"},
    "confirm_factor": {"code": "123456"},
    "prove": {"password": "invented-example", "code": "123456"},
    "change_password": {"old": "invented-example", "new": "another-invented-example"},
    "first_person": {
        "token": "the-token-of-the-printed-link",
        "username": "first",
        "name": "示例管理员",
        "password": "invented-example",
    },
    "create_person": {
        "name": "示例乙",
        "username": "shiliyi",
        "organisation": "pt-donggang",
        "password": "invented-example",
    },
    "close_account": {"reason": "调离"},
    "open_account": {"reason": "调回"},
    "set_password": {"password": "another-invented-example", "reason": "本人忘记"},
    "give_grant": {
        "role": "dispatcher",
        "organisation": "pt",
        "until": "2026-12-31T16:00:00Z",
        "reason": "轮岗",
    },
    "bind_identity": {"provider": "city", "subject": "示例-8f14e45f"},
    "create_token": {
        "name": "示例：Traccar",
        "organisation": "pt",
        "scopes": ["positions:report"],
        "expires_at": "2027-06-30T16:00:00Z",
        "networks": ["192.0.2.0/24"],
        "reason": "示例",
    },
    "report_positions": {
        "unit": "pt-donggang-03",
        "fixes": [
            {"lon": 122.302, "lat": 29.946, "at": AT, "speed_kmh": 36.5, "heading": 87.0},
        ],
    },
}
