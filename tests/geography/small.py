"""A city pack small enough to hold in the head, to be broken one line at a time.

A square island with two stations, west and east of 122.0, and an islet to the north.
"""

from __future__ import annotations

import json
from pathlib import Path

from muster.geography.pack import CLOCKS, GROUPS


def square(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def features(*rows: tuple[dict[str, str], list[list[list[float]]]]) -> str:
    """One feature per line, the first on line 2."""
    lines = [
        json.dumps(
            {
                "type": "Feature",
                "properties": properties,
                "geometry": {"type": "Polygon", "coordinates": rings},
            }
        )
        for properties, rings in rows
    ]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


FILES: dict[str, str] = {
    "pack.toml": """[city]
id = "toy"
name_zh = "示例市"
name_en = "Toy"
adcode = "000000"
timezone = "Asia/Shanghai"
bbox = [121.0, 29.0, 123.0, 31.0]
centre = [122.0, 30.0]
attribution = ["示例"]
""",
    "organisations.csv": """# 示例
id,parent,name_zh,name_en,tier,lon,lat,code,population
c,,市局,City,city,122.0,30.0,000000000000,0
k,c,县局,County,county,122.0,30.0,,
w,k,西所,West,station,121.8,30.0,,3
e,k,东所,East,station,122.2,30.0,,5
p,c,海事,Maritime,partner,122.0,30.1,,
""",
    "boundaries.geojson": features(
        ({"organisation": "w"}, square(121.5, 29.5, 122.0, 30.5)),
        ({"organisation": "e"}, square(122.0, 29.5, 122.5, 30.5)),
    ),
    "coast.geojson": features(
        ({"name_zh": "大岛"}, square(121.7, 29.9, 122.3, 30.1)),
        ({"name_zh": "小岛", "road": "bridge"}, square(121.9, 30.3, 122.1, 30.4)),
        ({"name_zh": "桥岛", "road": "bridge"}, square(122.2, 30.3, 122.3, 30.4)),
    ),
    "places.csv": """id,name_zh,name_en,kind,lon,lat,alias,source
t1,西镇,West Town,town,121.8,30.0,Xizhen;老西镇,test
t2,东镇,East Town,town,122.2,30.0,,test
m1,东镇码头,East Pier,pier,122.3,30.0,,test
""",
    "categories.csv": """code,parent,name_zh,name_en,level,urgent
01,,刑事,Crime,2,
0101,01,盗窃,Theft,3,
0102,01,抢劫,Robbery,1,true
""",
    "levels.csv": """code,name_zh,name_en,colour_light,colour_dark
1,一级,One,#C4321C,#FF7A66
2,二级,Two,#9A5B00,#F2B04B
3,三级,Three,#16202B,#E6EDF3
4,四级,Four,#5B6B7B,#8FA1B3
""",
    "clocks.csv": "name,level,seconds,name_zh,name_en\nsign,1,30,签收,Sign\n"
    + "".join(f"{name},,600,时限,Clock\n" for name in CLOCKS),
    "statuses.csv": "code,name_zh,name_en,sign,colour_light,colour_dark,group,alias\n"
    + "".join(f"{group},状态,Status,circle,#1F7A4D,#5CC48D,{group},\n" for group in GROUPS)
    + "returning,返队,Returning,circle,#1F7A4D,#5CC48D,available,25\n",
    "channels.csv": "code,name_zh,name_en\n110,110 电话,110 call\n",
    "units.csv": """id,call_sign,organisation,kind,mode,lon,lat,speed_kmh,crew,capabilities
w-1,西01,w,car,road,121.8,30.0,40,3,firearms;rescue
e-1,东艇01,e,boat,water,122.4,30.0,45,2,
""",
    "people.csv": """id,name,username,organisation,role,unit,badge,phone
p1,示例甲,jia,w,officer,w-1,,
p2,示例乙,yi,c,dispatcher,,,
""",
    "rates.csv": """hour,organisation,category,calls_per_hour
0,k,0101,0.5
1,k,0101,0.25
""",
}


def write(folder: Path, **changed: str | bytes | None) -> Path:
    """The pack in `folder`, with files replaced; `name_ext=None` leaves name.ext out."""
    folder.mkdir(parents=True, exist_ok=True)
    new = {name.replace("_", ".", 1): content for name, content in changed.items()}
    for name, content in {**FILES, **new}.items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        elif content is not None:
            (folder / name).write_text(content, "utf-8")
    return folder
