"""What the door says for each refusal, in Chinese and English, and with which HTTP status."""

from __future__ import annotations

from collections.abc import Mapping

from muster.api import retention_sentences as keeping
from muster.identity.sentences import SENTENCES as IDENTITY

STATUS: Mapping[str, int] = {
    **keeping.STATUS,
    "input.invalid": 400,
    "time.impossible": 400,
    "time.order": 400,
    "category.unknown": 400,
    "channel.unknown": 400,
    "organisation.unknown": 400,
    "status.unknown": 400,
    "person.invalid": 400,
    "username.invalid": 400,
    "password.short": 400,
    "password.long": 400,
    "password.username": 400,
    "password.common": 400,
    "password.same": 400,
    "factor.code_wrong": 400,
    "policy.role": 400,
    "policy.method": 400,
    "grant.role": 400,
    "grant.until": 400,
    "grant.self": 403,
    "person.self": 403,
    "review.own": 403,
    "unit.elsewhere": 403,
    "reason.needed": 400,
    "cursor.invalid": 400,
    "command.missing": 400,
    "session.required": 401,
    "session.expired": 401,
    "sign_in.failed": 401,
    "token.invalid": 401,
    "token.scope": 403,
    "token.unknown": 404,
    "token.until": 400,
    "token.network": 400,
    "sign_in.code_needed": 401,
    "sign_in.code_wrong": 401,
    "sign_in.pending": 401,
    "sign_in.method": 403,
    "session.prove_again": 403,
    "session.first_steps": 403,
    "session.csrf": 403,
    "authority.denied": 403,
    "order.not_yours": 403,
    "cancel.same_person": 403,
    "position.off_duty": 403,
    "route.unknown": 404,
    "session.unknown": 404,
    "reset.unknown": 404,
    "matter.unknown": 404,
    "order.unknown": 404,
    "unit.unknown": 404,
    "person.unknown": 404,
    "grant.unknown": 404,
    "review.unknown": 404,
    "method.unknown": 405,
    "body.too_large": 413,
    "media.unknown": 415,
    "header.twice": 400,
    "host.unknown": 400,
    "oidc.unknown": 404,
    "oidc.visit": 403,
    "oidc.refused": 403,
    "oidc.unreachable": 503,
    "oidc.answer": 502,
    "oidc.token": 403,
    "oidc.unbound": 403,
    "oidc.not_bound": 404,
    "oidc.taken": 409,
    "first.invalid": 403,
    "factor.not_begun": 409,
    "factor.none": 409,
    "reset.asked": 409,
    "reset.same_person": 403,
    "grant.combined": 409,
    "trust.unknown": 404,
    "change.unknown": 404,
    "trust.asked": 409,
    "trust.same_person": 403,
    "trust.alone": 403,
    "trust.pair": 403,
    "trust.gone": 403,
    "policy.top_only": 409,
    "policy.no_method": 409,
    "hand_over.same_person": 409,
    "command.reused": 409,
    "conflict": 409,
    "matter.exists": 409,
    "matter.unusable": 409,
    "matter.erased": 409,
    "state.wrong": 409,
    "organisation.same": 409,
    "level.same": 409,
    "transfer.pending": 409,
    "transfer.none": 409,
    "cancel.pending": 409,
    "cancel.none": 409,
    "orders.active": 409,
    "merge.itself": 409,
    "merge.main_closed": 409,
    "merge.has_duplicates": 409,
    "merge.not_there": 409,
    "feedback.nobody_there": 409,
    "order.exists": 409,
    "order.state": 409,
    "order.not_crew": 409,
    "unit.twice": 409,
    "unit.unavailable": 409,
    "unit.bound": 409,
    "unit.not_on_duty": 409,
    "call.called_back": 409,
    "call.unknown": 404,
    "unit.crew_empty": 409,
    "unit.crew_elsewhere": 409,
    "unit.crew_foreign": 409,
    "status.by_order": 409,
    "simulation.off": 409,
    "person.exists": 409,
    "review.done": 409,
    "username.taken": 409,
    "rate.limited": 429,
    "defect": 500,
    "database.unavailable": 503,
    "disk.full": 507,
    "server.slow": 503,
}

_OWN: Mapping[str, tuple[str, str]] = {
    "input.invalid": (
        "请求内容不符合要求，未保存任何内容。请看各字段说明。",
        "The request does not fit; nothing was saved. See the fields.",
    ),
    "route.unknown": ("没有这个地址。", "There is no such address."),
    "method.unknown": (
        "这个地址不接受该方法。",
        "This address does not take that method.",
    ),
    "body.too_large": (
        "内容过大，未保存任何内容。",
        "The body is too large; nothing was saved.",
    ),
    "media.unknown": (
        "请以 application/json 发送。",
        "Please send application/json.",
    ),
    "header.twice": (
        "请求头“{header}”出现了两次，只能有一个。",
        "The header '{header}' stands twice; there may be one.",
    ),
    "command.missing": (
        "缺少正确的 Idempotency-Key：请为每次操作附上一个 UUID，重试时用同一个。",
        "A valid Idempotency-Key is missing: one UUID for each operation, the same when retrying.",
    ),
    "command.reused": (
        "这个操作编号已用于别的内容，未再执行。",
        "This command id was used with another content; nothing was done.",
    ),
    "conflict": (
        "别人刚刚也改了这件事，未保存任何内容，请重试。",
        "Somebody changed this at the same moment; nothing was saved. Please try again.",
    ),
    "database.unavailable": (
        "数据库暂时不可用。已确认的内容没有丢失，请用同一编号重试。",
        "The database is away for the moment. Nothing confirmed is lost; retry with the same id.",
    ),
    "disk.full": (
        "服务器的磁盘满了，这一步没有写入。已确认的内容没有丢失；请通知值守工程师，腾出空间后用同一编号重试。",
        "The server's disk is full and this was not written. Nothing confirmed is lost; tell the "
        "engineer on duty, and retry with the same id once there is room.",
    ),
    "server.slow": (
        "服务器或数据库此刻很慢，这一步可能还会完成。请用同一编号重试，不会重复。",
        "The server or its database is very slow just now, and this may still be done. Retry with "
        "the same id: it is never done twice.",
    ),
    "defect": (
        "系统出错，未保存任何内容，已记录。",
        "Muster made an error; nothing was saved and it was logged.",
    ),
    "cursor.invalid": ("这个位置标记无效。", "That cursor is not valid."),
    "matter.exists": ("这个编号的事已存在。", "A matter with this id exists already."),
    "matter.unusable": (
        "这个编号不能用；请换一个新编号再发送，内容不会丢失。",
        "This id cannot be used; send it again with a fresh one. Nothing is lost.",
    ),
    "matter.erased": (
        "这件事的个人信息已依法擦除，不能再改。",
        "The personal data of this matter was erased; it cannot be changed any more.",
    ),
    "state.wrong": (
        "当前状态“{state}”下不能这样做。",
        "This cannot be done in the state '{state}'.",
    ),
    "time.impossible": (
        "时间不可能：在未来，或早于一年以前。",
        "The time is impossible: in the future, or more than a year ago.",
    ),
    "time.order": (
        "时间先后不对：报警、接警、接警完成须依次，各步骤也须依次。",
        "The times are out of order: reported, answered, ended; and each step after the last.",
    ),
    "category.unknown": ("没有“{category}”这个警情类别。", "There is no category '{category}'."),
    "channel.unknown": ("没有“{channel}”这个来电渠道。", "There is no channel '{channel}'."),
    "organisation.unknown": (
        "没有“{organisation}”这个单位。",
        "There is no organisation '{organisation}'.",
    ),
    "organisation.same": (
        "该单位已在这件事中。",
        "That organisation is in this matter already.",
    ),
    "level.same": ("已经是第 {level} 级。", "It is at level {level} already."),
    "transfer.pending": (
        "已转给“{organisation}”，正等待其接收。",
        "It is offered to '{organisation}' already, which has not accepted yet.",
    ),
    "transfer.none": ("没有待接收的转办。", "There is no transfer to accept."),
    "cancel.pending": (
        "已有人申请撤销，等待第二人核对。",
        "A cancellation waits for a second person already.",
    ),
    "cancel.none": ("没有待核对的撤销。", "There is no cancellation to decide on."),
    "cancel.same_person": (
        "撤销须由第二人核对，不能自己确认。",
        "A second person must confirm; you asked for it yourself.",
    ),
    "orders.active": (
        "还有警力在执行派警单，请先撤回或等其完成。",
        "Units still have orders here; withdraw them or wait until they are done.",
    ),
    "merge.itself": ("不能并入自己。", "A matter cannot be merged into itself."),
    "merge.main_closed": (
        "主警情已结束（{state}），不能并入。",
        "The main matter is over ({state}); nothing can be merged into it.",
    ),
    "merge.has_duplicates": (
        "已有警情并入本件，请先拆出。",
        "Other matters were merged into this one; release them first.",
    ),
    "merge.not_there": ("它没有并入那一件。", "It is not merged into that one."),
    "feedback.nobody_there": (
        "还没有警力到场，不能反馈。",
        "No unit has arrived yet; there is nothing to feed back.",
    ),
    "order.unknown": ("没有这张派警单。", "There is no such order."),
    "order.exists": ("这个派警单编号已用过。", "This order id is used already."),
    "order.state": (
        "派警单现为“{state}”，不能执行“{step}”。",
        "The order is '{state}'; '{step}' cannot follow.",
    ),
    "order.not_yours": ("这不是您所在警力的派警单。", "This is not an order of your unit."),
    "order.not_crew": (
        "“{person}”不在该警力中。",
        "'{person}' is not in that unit's crew.",
    ),
    "reason.needed": ("请写明理由。", "Please give a reason."),
    "unit.elsewhere": (
        "警力“{unit}”不归您调派，请向其所属单位提出协同。",
        "The unit '{unit}' is not yours to send; ask its organisation in.",
    ),
    "unit.unknown": ("没有“{unit}”这个警力。", "There is no unit '{unit}'."),
    "unit.twice": ("同一警力出现了两次。", "The same unit is named twice."),
    "unit.unavailable": (
        "警力“{unit}”现在不能派（{why}）。",
        "The unit '{unit}' cannot be sent now ({why}).",
    ),
    "unit.bound": (
        "警力“{unit}”还有未完成的派警单。",
        "The unit '{unit}' still has an order.",
    ),
    "call.called_back": ("这个来电已经回拨过。", "That call has been called back already."),
    "call.unknown": (
        "没有这个来电，或不在本坐席。先登记本坐席的分机。",
        "There is no such call, or it is at another desk. Say your extension first.",
    ),
    "unit.not_on_duty": ("警力“{unit}”不在岗。", "The unit '{unit}' is not on duty."),
    "unit.crew_empty": ("请写明人员。", "Please name the crew."),
    "unit.crew_elsewhere": (
        "“{person}”已在“{unit}”在岗。",
        "'{person}' is on duty in '{unit}' already.",
    ),
    "unit.crew_foreign": (
        "“{person}”没有“{unit}”所属单位的民警权限，收不到它的派警单。",
        "'{person}' holds no officer's role where '{unit}' belongs and would not see its orders.",
    ),
    "status.unknown": ("没有“{status}”这个状态。", "There is no status '{status}'."),
    "status.by_order": (
        "“{status}”由派警单决定，不能手动设置。",
        "'{status}' follows from an order and cannot be set by hand.",
    ),
    "position.off_duty": (
        "不在岗不接收位置。",
        "Positions are taken only from units on duty.",
    ),
    "review.unknown": (
        "这一条没有被抽中，或者不在您的范围内。",
        "This row was not drawn, or it is not one of your area.",
    ),
    "review.own": (
        "不能复核自己的查阅，请由另一位督察复核。",
        "You cannot review your own look. Another auditor can.",
    ),
    "review.done": ("这一条已经复核过。", "This row was reviewed already."),
    "simulation.off": (
        "这不是模拟数据，不能改变时钟。",
        "This is not simulated data; its clock cannot be moved.",
    ),
}

SENTENCES: Mapping[str, tuple[str, str]] = {**IDENTITY, **_OWN, **keeping.SENTENCES}


#: Codes that stand in Chinese sentences -> Chinese, by the placeholder they fill.
_STATES_ZH: Mapping[str, str] = {
    "received": "接警",
    "waiting": "待派",
    "dispatched": "已派待签收",
    "signed": "已签收",
    "under_way": "途中",
    "on_scene": "到场",
    "handling": "处置中",
    "reported": "已反馈待审核",
    "closed": "办结",
    "called_back": "回访",
    "archived": "归档",
    "merged": "合并",
    "cancelled": "撤销",
    "given": "已派",
    "delivered": "已送达",
    "finished": "已完成",
    "returned": "已退回",
    "lapsed": "逾期未签收",
    "withdrawn": "已撤回",
}
WORDS_ZH: Mapping[str, Mapping[str, str]] = {
    "state": _STATES_ZH,
    "step": {
        "deliver": "送达",
        "sign": "签收",
        "set_out": "出发",
        "arrive": "到场",
        "handle": "处置",
        "finish": "完成",
        "return": "退回",
        "withdraw": "撤回",
    },
    "of": {
        "caller": "报警人身份",
        "narrative": "叙述与备注",
        "place": "精确地点",
        "recordings": "录音录像与文件",
    },
    "why": {"off_duty": "不在岗", "bound": "有派警单", "busy": "其他勤务", "emergency": "紧急求助"},
}


class _Missing(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def sentence(code: str, values: Mapping[str, object]) -> tuple[str, str]:
    """(Chinese, English). Raises KeyError for a code nobody wrote a sentence for: a test
    walks every code in the source."""
    zh, en = SENTENCES[code]
    filled = {name: str(value)[:100] for name, value in values.items()}
    chinese = {name: WORDS_ZH.get(name, {}).get(text, text) for name, text in filled.items()}
    return zh.format_map(_Missing(chinese)), en.format_map(_Missing(filled))
