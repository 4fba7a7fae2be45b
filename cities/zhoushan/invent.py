"""Invents units, people and call rates for the pack. Nobody and nothing in them is real.

    .venv/bin/python cities/zhoushan/invent.py

Reads organisations.csv, coast.geojson, boundaries.geojson and categories.csv beside it; writes
units.csv, people.csv and rates.csv. The same seed gives the same files.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

HERE = Path(__file__).parent
SEED = 20261123
Row = dict[str, str]


def words(text: str) -> list[str]:
    return text.split()


#: Stations with a police boat: those on islands, and those whose town lives on its harbour.
BOATS = words("""
    dh-huannan dh-jintang dh-changbai pt-shenjiamen pt-zhujiajian pt-putuoshan pt-liuheng
    pt-xiazhi pt-taohua pt-dengbu pt-mayi pt-dongji ds-gaoting ds-xiushan ds-changtu ds-qushan
    ds-yushan ss-caiyuan ss-huanglong ss-yangshan ss-shengshan ss-gouqi ss-huaniao
""")

#: kind -> mode, straight-line km/h, crew, capabilities
KINDS: dict[str, tuple[str, int, int, str]] = {
    "car": ("road", 40, 3, "first_response;body_camera;breath_test"),
    "motorcycle": ("road", 35, 1, "first_response;body_camera"),
    "foot": ("foot", 5, 2, "first_response;body_camera"),
    "boat": ("water", 45, 3, "first_response;boarding;rescue;body_camera"),
    "ship": ("water", 33, 8, "boarding;rescue;tow"),
    "swat_car": ("road", 50, 5, "first_response;firearms;negotiation"),
    "traffic_car": ("road", 45, 2, "traffic;breath_test;body_camera"),
    "drone": ("air", 54, 2, "drone;thermal_camera;search"),
    "fire_engine": ("road", 40, 6, "fire;rescue"),
    "fire_boat": ("water", 35, 6, "fire;rescue;tow"),
    "ambulance": ("road", 45, 3, "medical"),
    "rescue_car": ("road", 40, 4, "search;rescue"),
    "rescue_boat": ("water", 40, 4, "search;rescue"),
}

#: organisation -> its units as (kind, call sign, base: an organisation's place)
SPECIAL: dict[str, list[tuple[str, str, str]]] = {
    "zs-haifang": [
        ("ship", "海防01艇", "pt-shenjiamen"),
        ("ship", "海防02艇", "ds-gaoting"),
        ("ship", "海防03艇", "ss-caiyuan"),
    ],
    "zs-tejing": [
        ("swat_car", "特警01", "dh-lincheng"),
        ("swat_car", "特警02", "dh-changguo"),
        ("swat_car", "特警03", "pt-donggang"),
        ("drone", "警航01", "dh-lincheng"),
    ],
    "zs-jiaojing": [
        ("traffic_car", "交警01", "dh-lincheng"),
        ("traffic_car", "交警02", "dh-changguo"),
        ("traffic_car", "交警03", "pt-donggang"),
        ("traffic_car", "交警04", "pt-zhujiajian"),
        ("traffic_car", "交警05", "ds-gaoting"),
        ("traffic_car", "交警06", "ss-caiyuan"),
    ],
    "px-haishi": [("ship", "海巡01", "pt-shenjiamen"), ("ship", "海巡02", "ss-yangshan")],
    "px-haijing": [("ship", "海警01", "pt-shenjiamen"), ("ship", "海警02", "ds-qushan")],
    "px-yuzheng": [("ship", "渔政01", "pt-shenjiamen")],
    "px-xiaofang": [
        ("fire_engine", "消防01", "dh-lincheng"),
        ("fire_engine", "消防02", "dh-chengdong"),
        ("fire_engine", "消防03", "pt-donggang"),
        ("fire_engine", "消防04", "ds-gaoting"),
        ("fire_engine", "消防05", "ss-caiyuan"),
        ("fire_boat", "消防艇01", "pt-shenjiamen"),
    ],
    "px-120": [
        ("ambulance", "急救01", "dh-changguo"),
        ("ambulance", "急救02", "dh-lincheng"),
        ("ambulance", "急救03", "pt-donggang"),
        ("ambulance", "急救04", "ds-gaoting"),
        ("ambulance", "急救05", "ss-caiyuan"),
    ],
    "px-lantian": [
        ("rescue_car", "蓝天01", "pt-shenjiamen"),
        ("rescue_boat", "蓝天艇01", "pt-shenjiamen"),
    ],
}

FAMILIES = words("""
    陈chen 林lin 王wang 张zhang 刘liu 李li 黄huang 周zhou 徐xu 朱zhu 胡hu 郑zheng 何he
    孙sun 沈shen 傅fu 虞yu 乐le 夏xia 方fang 顾gu 应ying 邵shao 贺he 庄zhuang 江jiang 余yu 戴dai
    翁weng 柴chai
""")
GIVEN = words("""
    海hai 波bo 平ping 宁ning 舟zhou 帆fan 涛tao 潮chao 洋yang 浩hao 岚lan 汐xi 屿yu 川chuan
    晨chen 晓xiao 明ming 嘉jia 亦yi 文wen 思si 雨yu 静jing 佳jia 凯kai 磊lei 泽ze 远yuan 立li 勤qin
    恒heng 安an 景jing 初chu 星xing 禾he
""")

#: role -> how many at the city, and at each county bureau
DESKS = {
    "call_taker": (12, 0),
    "dispatcher": (8, 2),
    "duty_chief": (3, 1),
    "analyst": (3, 1),
    "auditor": (2, 0),
    "administrator": (1, 0),
}

#: share of a day's calls in each hour
PROFILES = {
    "day": [1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 12, 9, 11, 13, 13, 12, 10, 8, 7, 6, 4, 3, 2],
    "commute": [1, 1, 1, 1, 1, 3, 8, 16, 14, 9, 8, 8, 7, 8, 9, 9, 12, 16, 11, 7, 5, 4, 2, 2],
    "evening": [6, 4, 3, 2, 1, 1, 2, 3, 5, 6, 7, 7, 7, 6, 7, 8, 9, 10, 12, 14, 15, 14, 12, 9],
    "night": [14, 12, 9, 6, 4, 2, 1, 1, 1, 2, 2, 3, 4, 3, 3, 3, 4, 5, 7, 10, 14, 17, 18, 17],
    "flat": [3, 2, 2, 2, 2, 3, 4, 5, 6, 6, 6, 5, 5, 5, 6, 6, 6, 5, 5, 5, 5, 4, 4, 3],
    "sea": [3, 3, 3, 4, 6, 7, 7, 6, 6, 6, 5, 5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 3, 3, 3],
}

#: category -> calls a day in the whole city, hours
VOLUMES: dict[str, tuple[float, str]] = {
    "010101": (0.5, "night"),
    "010102": (0.01, "flat"),
    "010103": (0.2, "night"),
    "010104": (0.15, "flat"),
    "010201": (9, "day"),
    "010202": (0.1, "night"),
    "010203": (0.6, "evening"),
    "0103": (22, "day"),
    "0104": (0.2, "night"),
    "010501": (0.02, "flat"),
    "010502": (0.03, "night"),
    "0106": (0.8, "day"),
    "0107": (0.15, "sea"),
    "0108": (0.4, "day"),
    "0201": (7, "night"),
    "020201": (0.2, "night"),
    "020202": (0.3, "day"),
    "020301": (14, "night"),
    "020302": (3, "evening"),
    "020303": (12, "day"),
    "020304": (5, "evening"),
    "020401": (4, "evening"),
    "020402": (1, "night"),
    "020403": (0.2, "night"),
    "0205": (18, "night"),
    "0301": (88, "commute"),
    "0302": (46, "commute"),
    "0303": (16, "commute"),
    "0304": (7, "commute"),
    "0305": (5, "commute"),
    "0306": (3, "night"),
    "0307": (52, "day"),
    "0401": (18, "evening"),
    "0402": (10, "evening"),
    "0403": (7, "day"),
    "0404": (9, "day"),
    "0405": (11, "day"),
    "0406": (9, "evening"),
    "0407": (0.6, "day"),
    "0408": (0.7, "day"),
    "0409": (2, "sea"),
    "0410": (0.8, "day"),
    "0501": (5, "evening"),
    "0502": (1.2, "night"),
    "0503": (0.3, "sea"),
    "0504": (2, "flat"),
    "0505": (3, "flat"),
    "0506": (2.5, "evening"),
    "0507": (9, "night"),
    "0508": (24, "day"),
    "0509": (0.15, "sea"),
    "0510": (4, "flat"),
    "0511": (0.4, "flat"),
    "0512": (34, "day"),
    "0601": (8, "evening"),
    "0602": (2, "sea"),
    "0603": (5, "day"),
    "07": (2, "day"),
    "08": (0.02, "day"),
    "09": (0.1, "day"),
    "1001": (8, "day"),
    "1002": (26, "night"),
    "1003": (3, "day"),
    "1004": (7, "day"),
    "1005": (4, "flat"),
    "1006": (1.5, "evening"),
    "1007": (3, "sea"),
    "11": (46, "day"),
    "12": (12, "day"),
}
#: where a county's share differs from its population's
MARITIME = {"dh": 0.5, "pt": 1.5, "ds": 1.2, "ss": 2.0}
TOURISM = {"dh": 0.4, "pt": 1.8, "ds": 0.6, "ss": 2.5}


def main() -> None:
    chance = random.Random(SEED)
    organisations = read("organisations.csv")
    units = list(all_units(organisations, chance))
    write("units.csv", units)
    write("people.csv", list(all_people(organisations, units, chance)))
    write("rates.csv", list(all_rates(organisations, read("categories.csv"))))


def read(file: str) -> list[Row]:
    text = (HERE / file).read_text("utf-8")
    return list(csv.DictReader(x for x in text.splitlines() if not x.startswith("#")))


def shapes(file: str) -> Iterator[tuple[dict[str, Any], BaseGeometry]]:
    for feature in json.loads((HERE / file).read_text("utf-8"))["features"]:
        yield feature["properties"], shapely.from_geojson(json.dumps(feature["geometry"]))


def write(file: str, rows: Sequence[Row]) -> None:
    with (HERE / file).open("w", encoding="utf-8", newline="") as out:
        out.write("# 全部为虚构示例，由 invent.py 生成 / all invented, written by invent.py\n")
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


# Units ------------------------------------------------------------------------------------------


def all_units(organisations: Sequence[Row], chance: random.Random) -> Iterator[Row]:
    land = shapely.union_all([shape for _, shape in shapes("coast.geojson")])
    areas = {str(one["organisation"]): shape for one, shape in shapes("boundaries.geojson")}
    ground = {name: shape.intersection(land) for name, shape in areas.items()}
    spots = {row["id"]: (float(row["lon"]), float(row["lat"])) for row in organisations}

    def unit(organisation: str, suffix: str, kind: str, call_sign: str, base: str) -> Row:
        mode, speed, crew, capabilities = KINDS[kind]
        if mode == "water":
            lon, lat = mooring(spots[base], land, chance)
        else:
            lon, lat = stand(spots[base], ground[base], chance)
        return {
            "id": f"{organisation}-{suffix}",
            "call_sign": call_sign,
            "organisation": organisation,
            "kind": kind,
            "mode": mode,
            "lon": f"{lon:.5f}",
            "lat": f"{lat:.5f}",
            "speed_kmh": str(speed),
            "crew": str(crew),
            "capabilities": capabilities,
        }

    for row in organisations:
        name, people = row["id"], int(row["population"])
        if row["tier"] == "station" and row["kind"] == "police":
            title = row["name_zh"].removesuffix("派出所").removesuffix("岛")
            for number, kind in enumerate(fleet(people), 1):
                yield unit(name, f"{number:02}", kind, f"{title}{number:02}", name)
            if name in BOATS:
                yield unit(name, "b1", "boat", f"{title}艇01", name)
        for number, (kind, call_sign, base) in enumerate(SPECIAL.get(name, []), 1):
            yield unit(name, f"{number:02}", kind, call_sign, base)


def fleet(people: int) -> list[str]:
    """A station's land units by how many people it serves."""
    if people >= 60_000:
        return ["car", "car", "car", "motorcycle", "foot"]
    if people >= 25_000:
        return ["car", "car", "motorcycle"]
    if people >= 10_000:
        return ["car", "motorcycle"]
    return ["car"] if people >= 6_000 else ["motorcycle"]


def stand(
    at: tuple[float, float], ground: BaseGeometry, chance: random.Random
) -> tuple[float, float]:
    """A place on the station's own ground within some hundred metres."""
    for _ in range(200):
        lon, lat = at[0] + chance.uniform(-0.008, 0.008), at[1] + chance.uniform(-0.006, 0.006)
        if ground.contains(shapely.Point(lon, lat)):
            return lon, lat
    return at


def mooring(
    at: tuple[float, float], land: BaseGeometry, chance: random.Random
) -> tuple[float, float]:
    """A place on the water, some 100 to 300 m off the shore nearest to `at`."""
    shore = shapely.get_coordinates(shapely.shortest_line(shapely.Point(at), land.boundary))[1]
    for _ in range(500):
        reach = chance.uniform(0.0008, 0.003)
        east, north = chance.uniform(-reach, reach), chance.uniform(-reach, reach)
        spot = shapely.Point(shore[0] + east, shore[1] + north)
        if not land.intersects(spot):
            return spot.x, spot.y
    raise ValueError(f"no water near {at}")


# People -----------------------------------------------------------------------------------------


def all_people(
    organisations: Sequence[Row], units: Sequence[Row], chance: random.Random
) -> Iterator[Row]:
    posts: list[tuple[str, str, str]] = []
    for row in organisations:
        name = row["id"]
        if row["tier"] in ("city", "county"):
            which = 0 if row["tier"] == "city" else 1
            posts += [(name, role, "") for role, n in DESKS.items() for _ in range(n[which])]
        elif row["tier"] == "station" and row["kind"] == "police":
            posts.append((name, "station_room", ""))
        elif row["tier"] == "partner":
            posts.append((name, "partner", ""))
    for unit in units:
        owner = unit["organisation"]
        role = "volunteer" if owner == "px-lantian" else "officer"
        if owner.startswith("px-") and role == "officer":
            role = "partner"
        posts.append((owner, role, unit["id"]))
    taken: set[str] = set()
    for number, (organisation, role, crewed) in enumerate(posts, 1):
        name, username = invented_name(chance, taken)
        yield {
            "id": f"p{number:03}",
            "name": name,
            "username": username,
            "organisation": organisation,
            "role": role,
            "unit": crewed,
            "badge": f"示{number:04}",
            "phone": f"199-0000-{number:04}",
        }


def invented_name(chance: random.Random, taken: set[str]) -> tuple[str, str]:
    while True:
        parts = [chance.choice(FAMILIES), *chance.sample(GIVEN, chance.choice((1, 2, 2)))]
        username = "".join(part[1:] for part in parts)
        if username not in taken:
            taken.add(username)
            return "".join(part[0] for part in parts), username


# Rates ------------------------------------------------------------------------------------------


def all_rates(organisations: Sequence[Row], categories: Sequence[Row]) -> Iterator[Row]:
    """Calls per hour by county; a county's stations share them by population."""
    parents = {row["parent"] for row in categories}
    leaves = [row["code"] for row in categories if row["code"] not in parents]
    missing = set(leaves) ^ set(VOLUMES)
    if missing:
        raise ValueError(f"VOLUMES and the leaves of categories.csv differ: {sorted(missing)}")
    people = {r["id"]: int(r["population"]) for r in organisations if r["tier"] == "county"}
    for code in leaves:
        daily, hours = VOLUMES[code]
        profile = PROFILES[hours]
        special = MARITIME if hours == "sea" else TOURISM if code == "0405" else {}
        weight = {name: n * special.get(name, 1.0) for name, n in people.items()}
        for county, share in weight.items():
            for hour, part in enumerate(profile):
                rate = daily * share / sum(weight.values()) * part / sum(profile)
                yield {
                    "hour": str(hour),
                    "organisation": county,
                    "category": code,
                    "calls_per_hour": f"{rate:.6f}",
                }


if __name__ == "__main__":
    main()
