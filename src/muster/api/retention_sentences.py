"""What the door says when something about keeping is refused."""

from __future__ import annotations

from collections.abc import Mapping

STATUS: Mapping[str, int] = {
    "hold.exists": 409,
    "retention.held": 409,
    "retention.nothing_there": 409,
    "correction.same": 409,
    "track.outside_order": 409,
    "track.too_long": 409,
    "track.nothing_there": 409,
    "track.unsealed": 409,
    "track.altered": 409,
    "track.unknown": 404,
    "erasure.pending": 409,
    "erasure.none": 409,
    "erasure.main_open": 409,
    "sealing.sealed": 409,
    "sealing.not_sealed": 409,
    "sealing.open": 409,
    "sealing.not_asked": 409,
    "restriction.there": 409,
    "restriction.none": 409,
    "hold.same_person": 403,
    "hold.of_auditor": 403,
    "erasure.same_person": 403,
    "sealing.same_person": 403,
    "hold.unknown": 404,
    "retention.nothing_gone": 404,
}
SENTENCES: Mapping[str, tuple[str, str]] = {
    "hold.exists": ("已有这个冻结编号。", "There is a hold with this id already."),
    "correction.same": ("与现有内容相同，无须更正。", "That is what it says already."),
    "track.outside_order": (
        "只能保存该派警单执行期间的轨迹。",
        "Only the time of that order can be kept: from when it was given to its end.",
    ),
    "track.too_long": ("一次至多保存 12 小时的轨迹。", "At most twelve hours at a time."),
    "track.nothing_there": (
        "这段时间（按整分钟计）没有该单元的位置，或已到期删除。",
        "The unit has no positions in the whole minutes of this span, or they have gone already.",
    ),
    "track.unsealed": (
        "这段时间的位置还没有封存，请一分钟后再试。",
        "The positions of this span are not sealed yet: try again in a minute.",
    ),
    "track.altered": (
        "这段时间的位置与封存的不符，不能作为证据；请运行 journal verify。",
        "The positions of this span are not as they were sealed and are no evidence: run journal "
        "verify.",
    ),
    "track.unknown": ("没有这条轨迹。", "There is no such track."),
    "hold.unknown": ("没有这个冻结。", "There is no such hold."),
    "hold.same_person": (
        "冻结须由另一人解除，不能由提出者自己解除。",
        "Somebody else than who placed the hold must lift it.",
    ),
    "hold.of_auditor": (
        "督察提出的冻结，只能由另一名督察解除。",
        "An auditor placed this hold; only another auditor lifts it.",
    ),
    "retention.held": (
        "此事已被冻结，任何内容都不得擦除。",
        "This matter is on hold; nothing of it may go.",
    ),
    "retention.nothing_there": (
        "此事没有“{of}”这一类内容，或已擦除。",
        "This matter holds nothing of the class '{of}', or it has gone.",
    ),
    "retention.nothing_gone": (
        "此事没有擦除过任何内容。",
        "Nothing of this matter was erased.",
    ),
    "erasure.pending": ("已有人提请擦除，等待另一人审查。", "Erasing is proposed already."),
    "erasure.none": (
        "没有这一条提请，或已变化，请重新查看。",
        "There is no such proposal, or it has changed; look again.",
    ),
    "erasure.same_person": (
        "提请擦除的人不能自己同意。",
        "Whoever proposed an erasure cannot agree to it.",
    ),
    "erasure.main_open": (
        "它并入的主警情尚未结束。",
        "The matter it was merged into is not over yet.",
    ),
    "sealing.sealed": ("此事已封存。", "This matter is sealed already."),
    "sealing.not_sealed": ("此事没有封存。", "This matter is not sealed."),
    "sealing.open": ("此事正在启封期内。", "This matter is open for now already."),
    "sealing.not_asked": ("没有人申请启封。", "Nobody has asked to open it."),
    "sealing.same_person": (
        "申请启封的人不能自己同意。",
        "Whoever asked to open a sealed record cannot agree to it.",
    ),
    "restriction.there": ("此事已限制处理。", "This matter is restricted already."),
    "restriction.none": ("此事没有限制处理。", "This matter is not restricted."),
}
