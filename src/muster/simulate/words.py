"""Invented callers and what they say. No sentence, name or number here is a real person's."""

from __future__ import annotations

import random
import re
from typing import Final

_SURNAMES: Final = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高罗郑梁谢宋唐许邓冯韩曹"
_GIVEN: Final = ("女士", "先生", "某", "师傅")

#: What the category's name holds -> what a caller may say. {p} place, {n} small number.
_TEMPLATES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (
        r"诈骗",
        (
            "称在网上被骗{k}元，对方冒充客服让其转账，刚刚发现，人在{p}。",
            "家人接到自称公检法的电话正在转账，地址{p}，请马上劝阻。",
        ),
    ),
    (
        r"盗|窃|抢",
        ("称停在{p}的电动车不见了，价值约{k}元。", "{p}店内被人拿走现金和手机，人往外跑了。"),
    ),
    (r"毒|枪|爆", ("称在{p}看到可疑物品，不敢靠近，请派人来看。",)),
    (
        r"殴打|伤害|侵犯|寻衅|骚扰",
        ("{p}有{n}个人打起来了，有人手上流血。", "在{p}被人推搡辱骂，对方还没走。"),
    ),
    (r"噪|扰民|秩序", ("{p}楼下一直很吵，影响休息，说了也不听。", "{p}有人喝多了大声吵闹。")),
    (
        r"交通|机动|碰撞|追尾|车祸",
        ("{p}路口两车相撞，无人受伤，堵住一条车道。", "{p}电动车和小车碰了，骑车人脚疼。"),
    ),
    (
        r"纠纷|家庭|邻里|劳资|债务|消费|租赁|渔事",
        ("{p}双方因为{k}元的事吵起来，请民警来调解。", "{p}邻居为停船位起争执，快动手了。"),
    ),
    (
        r"走失|寻人|失联",
        ("{n}小时前老人从{p}出门后没有回来，穿灰色外套。", "孩子在{p}走散了，七岁，穿蓝色上衣。"),
    ),
    (r"自杀|轻生|坠", ("{p}有人坐在高处不肯下来，情绪激动。",)),
    (r"溺|落水", ("{p}有人落水，岸边的人够不着，还能看到。",)),
    (
        r"船|海|渔|港|搁浅",
        (
            "渔船在{p}附近失去动力，船上{n}人，暂时安全。",
            "{p}外侧有小艇没开灯来回跑，像是在放网。",
        ),
    ),
    (r"火|烟", ("{p}二楼冒烟，闻到焦味，不知道里面有没有人。",)),
    (r"气|水|电|设施|险情", ("{p}闻到煤气味，已经开窗。", "{p}电线掉下来了，有人经过。")),
    (r"醉|精神", ("{p}有人醉倒在路边，叫不醒。",)),
    (r"拾|遗失|失物", ("在{p}捡到一个钱包，里面有证件。", "手机落在{p}开来的出租车上了。")),
    (r"咨询|举报|投诉", ("想问一下在{p}办事需要什么材料。", "反映{p}有人占道，已经几天了。")),
)
_OTHER: Final = ("{p}需要民警到场看一下，具体情况到了再说。", "{p}有事求助，请尽快来人。")

_PROGRESS: Final = (
    "已到现场，正在了解情况。",
    "双方已分开，正在做工作。",
    "现场已控制，正在处置。",
)
_RESULT: Final = (
    "经了解情况并当场处理，双方无异议，已离开。",
    "已调解，双方达成一致，现场恢复正常。",
    "已固定现场情况，告知后续办理渠道。",
    "到场未发现报警所称情况，已与报警人核实。",
)


def caller(dice: random.Random) -> tuple[str, str]:
    """An invented name, marked as one, and a number that belongs to nobody."""
    name = dice.choice(_SURNAMES) + dice.choice(_GIVEN)
    return f"{name}（示例）", f"199-0000-{dice.randrange(10_000):04d}"


def narrative(category: str, place: str, dice: random.Random) -> str:
    """What the caller says, by words in the category's Chinese name."""
    found = next((texts for words, texts in _TEMPLATES if re.search(words, category)), _OTHER)
    text = dice.choice(found)
    return text.format(p=place, n=dice.randint(2, 6), k=dice.randint(2, 60) * 100)


def feedback_text(dice: random.Random, *, final: bool) -> str:
    """What the officer writes."""
    return dice.choice(_RESULT if final else _PROGRESS) + "（模拟）"


#: Categories whose calls come from the water.
AT_SEA: Final = re.compile("船|海上|海域|渔|搁浅|溺|落水|偷渡|走私")


def at_sea(category: str) -> bool:
    return AT_SEA.search(category) is not None
