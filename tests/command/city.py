"""A city small enough to hold in the head: one bureau, two stations, a partner, four units.

Made in memory, without a pack's files. Everybody in it is invented (示例).
"""

from __future__ import annotations

from muster.geography import pack as packs

CITY, NORTH, SOUTH, HARBOUR = "city", "north", "south", "harbour"
UNITS = {"n1": NORTH, "n2": NORTH, "s1": SOUTH, "h1": HARBOUR}
CREW = {unit: (f"officer-{unit}",) for unit in UNITS}

#: Seconds of each clock; level 1 signs faster.
SECONDS = {
    "wait": 120,
    "sign": 60,
    "set_out": 90,
    "arrive": 600,
    "first_feedback": 1800,
    "final_feedback": 86_400,
    "review": 43_200,
    "call_back": 172_800,
    "transfer_accept": 300,
    "cancel_confirm": 900,
}


def _organisation(name: str, tier: packs.Tier, parent: str | None) -> packs.Organisation:
    return packs.Organisation(
        id=name, name_zh=f"示例{name}", name_en=name, tier=tier, lon=122.0, lat=30.0, parent=parent
    )


def _clocks() -> dict[tuple[str, int | None], packs.ClockRow]:
    rows: dict[tuple[str, int | None], packs.ClockRow] = {
        (name, None): packs.ClockRow(name=name, seconds=seconds, name_zh=name, name_en=name)
        for name, seconds in SECONDS.items()
    }
    fast = packs.ClockRow(name="sign", seconds=30, name_zh="签收", name_en="sign", level=1)
    return {**rows, ("sign", 1): fast}


def _status(code: str, group: packs.Group) -> packs.Status:
    return packs.Status(
        code=code,
        name_zh=code,
        name_en=code,
        sign="dot",
        colour_light="#112233",
        colour_dark="#ddeeff",
        group=group,
    )


def _unit(name: str, organisation: str) -> packs.Unit:
    return packs.Unit(
        id=name,
        call_sign=name.upper(),
        organisation=organisation,
        kind="patrol",
        mode="road",
        lon=122.1,
        lat=30.0,
        speed_kmh=50,
        crew=2,
    )


def small_city() -> packs.Pack:
    """The pack of the small city."""
    organisations = (
        _organisation(CITY, "city", None),
        _organisation(NORTH, "station", CITY),
        _organisation(SOUTH, "station", CITY),
        _organisation(HARBOUR, "partner", CITY),
    )
    categories = (
        packs.Category(code="theft", name_zh="盗窃", name_en="theft", level=3),
        packs.Category(code="drowning", name_zh="落水", name_en="drowning", level=1, urgent=True),
    )
    groups = [
        ("idle", "available"),
        ("sent", "dispatched"),
        ("rolling", "under_way"),
        ("there", "on_scene"),
        ("desk", "busy"),
        ("home", "off"),
        ("help", "emergency"),
    ]
    return packs.Pack(
        version="0" * 64,
        city=packs.City(
            id="small",
            name_zh="示例市",
            name_en="Small",
            adcode="990000",
            timezone="Asia/Shanghai",
            bbox=(121.0, 29.0, 123.0, 31.0),
            centre=(122.0, 30.0),
            attribution=(),
        ),
        organisations={one.id: one for one in organisations},
        boundaries=(),
        land=(),
        places={},
        categories={one.code: one for one in categories},
        levels={},
        clocks=_clocks(),
        statuses={code: _status(code, group) for code, group in groups},  # type: ignore[arg-type]
        channels={"110": packs.Channel(code="110", name_zh="电话", name_en="phone")},
        units={name: _unit(name, organisation) for name, organisation in UNITS.items()},
        people={},
        rates=(),
        coast_geojson=b"{}",
        boundaries_geojson=b"{}",
    )
