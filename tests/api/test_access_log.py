"""Who looked is recorded: what was opened, what was shown, what was refused. Every route."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from uuid import uuid4

import pytest
from litestar.handlers import HTTPRouteHandler

from muster.api.openapi import handlers_of
from muster.api.opening import OPENS, READS, TRACKS, is_denial
from muster.identity.authority import CELLS, Cell
from muster.identity.looks.look import WHATS
from muster.identity.roles import ROLES
from tests.api.consoles import Console
from tests.api.fuzzing import Fuzzed
from tests.api.looks import last, looks
from tests.api.seeds import CALLER, PHONE, WORDS
from tests.api.staff import hire
from tests.api.test_openapi import application
from tests.stories.desk import Person

OURS, ELSEWHERE = "pt-shenjiamen", "dh-lincheng"
#: What a GET may read without a row of its own.
FREE = {"list", "own", "open"}
READERS = [role for role in ROLES if CELLS["read.incident", role] is not Cell.NO]


def handlers() -> dict[str, HTTPRouteHandler]:
    return handlers_of(application())


def gets() -> dict[str, tuple[str, str]]:
    """operation id -> (path, what it reads) of every GET."""
    found = {}
    for name, handler in handlers().items():
        if "GET" in handler.http_methods:
            (path,) = handler.paths
            found[name] = (path, str(handler.opt.get(READS, "")))
    return found


# --- every route -------------------------------------------------------------------------------


def test_every_route_that_reads_says_what() -> None:
    unmarked = [name for name, (_, what) in gets().items() if what not in FREE | WHATS]
    assert not unmarked, f"opt=reads(…) is missing (api/opening.py): {unmarked}"


def test_every_route_about_one_matter_opens_it() -> None:
    about = {name for name, (path, _) in gets().items() if "{matter" in path}
    opening = {
        name for name, (_, what) in gets().items() if what in (OPENS, TRACKS, "retention.read")
    }
    assert about and about <= opening


def fill(path: str, matter: str) -> str:
    values = {"matter": matter, "unit": "pt-shenjiamen-01", "person": "p218", "provider": "nobody"}
    for part in [part for part in path.split("/") if part[:1] == "{"]:
        name, _, kind = part[1:-1].partition(":")
        path = path.replace(part, "1" if kind == "int" else values.get(name, "example"))
    return path


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_refused_look_is_a_row(target: Fuzzed, role: str) -> None:
    """Each GET route × a foreign matter: who, what, which id. Refused, and written down."""
    person, watcher = hire(target.server, (role, ELSEWHERE))
    matter = target.seeds.make("waiting")
    refused = 0
    for name, (path, what) in gets().items():
        before = last(target.server)
        said = watcher.ask(fill(path, matter))
        rows = looks(target.server, before, actor=person)
        if "{matter" in path:
            assert said.status in (403, 404) and is_denial(said.code), name
        public = handlers()[name].opt.get("public")  # who asks there is nobody yet
        if said.status == 200 or public or not is_denial(said.code):
            continue
        refused += 1
        (row,) = rows
        assert (row.outcome, row.what) == ("denied", "list" if what == "open" else what), name
        assert row.subject.split()[:2] == [name, said.code]
        assert row.matter == (matter if "{matter" in path else None)
        assert row.organisation == ELSEWHERE and row.session
    assert refused >= 4


#: Who is asked, in this order, until somebody may.
ASKED = (("duty_chief", OURS), ("auditor", "zs"), ("administrator", "zs"))
#: What nobody can be shown of an ordinary matter: it was not erased, and no unit's track was kept
#: of it. Their own tests show more.
NOT_HERE = {"get_certificate", "print_certificate", "get_track"}


def test_every_disclosure_is_a_row(target: Fuzzed) -> None:
    """Each GET route that opens or discloses, by somebody who may: a row, once."""
    matter = target.seeds.make("waiting")
    disclosing = {name: found for name, found in gets().items() if found[1] not in FREE}
    assert len(disclosing) >= 6
    silent = set(disclosing)
    for name, (path, what) in disclosing.items():
        for role, where in ASKED:
            person, who = hire(target.server, (role, where))
            before = last(target.server)
            if who.ask(fill(path, matter)).status != 200:
                continue
            (row,) = looks(target.server, before, actor=person)
            assert row.what == what and row.outcome in ("shown", "masked", "empty"), name
            assert row.role == ("" if name == "my_access" else role)
            silent.discard(name)
            break
    assert silent <= NOT_HERE, "nobody could read these, so nothing is proven of them"


def test_lists_and_counts_write_no_row(target: Fuzzed, chief: Person) -> None:
    before, shown = last(target.server), 0
    for path, what in gets().values():
        if what in FREE:
            said = chief.ask(path + ("?q=沈" if path.endswith("places") else ""))
            shown += said.status == 200
    assert shown >= 10
    assert not [row for row in looks(target.server, before) if row.outcome != "denied"]


def test_a_refused_operation_is_a_row(target: Fuzzed) -> None:
    person, watcher = hire(target.server, ("duty_chief", ELSEWHERE))
    matter, before = target.seeds.make("waiting"), last(target.server)
    said = watcher.try_to(f"/api/incidents/{matter}/close")
    assert said.code == "matter.unknown"
    (row,) = looks(target.server, before, actor=person)
    assert (row.what, row.outcome, row.matter) == ("change", "denied", matter)
    assert row.subject == "close matter.unknown"


def test_what_was_asked_for_stands_in_the_row_only_if_it_is_an_id(target: Fuzzed) -> None:
    person, watcher = hire(target.server, ("officer", OURS))
    before = last(target.server)
    watcher.try_to("/api/people/p218/close", {"reason": "示例"})
    watcher.ask(f"/api/incidents/{uuid4()}%0Aforged")
    rows = looks(target.server, before, actor=person)
    assert [row.subject for row in rows] == ["close_account authority.denied person=p218"]


def test_a_refused_feed_is_a_row(target: Fuzzed) -> None:
    person, who = hire(target.server, ("administrator", "zs"))
    before = last(target.server)
    console = Console(target.server, who)
    with contextlib.suppress(Exception):  # refused at the door is as good
        console.come()
        console.hear()
    (row,) = looks(target.server, before, actor=person)
    assert (row.what, row.outcome, row.subject) == ("list", "denied", "live authority.denied")


# --- what is recorded of an opening ------------------------------------------------------------


def test_the_page_that_asks_again_is_one_opening(target: Fuzzed) -> None:
    person, who = hire(target.server, ("dispatcher", OURS))
    matter, before = target.seeds.make("waiting"), last(target.server)
    for _ in range(3):
        for path in ("", "/entries", "/recommendations", "/duplicates"):
            who.get(f"/api/incidents/{matter}{path}")
    (row,) = looks(target.server, before, actor=person)
    assert (row.what, row.matter, row.outcome) == (OPENS, matter, "shown")
    assert (row.role, row.organisation) == ("dispatcher", OURS)
    assert (row.justification, row.basis) == ("area_duty", f"organisation:{OURS}")


def test_no_personal_words_stand_in_the_log(target: Fuzzed, chief: Person) -> None:
    matter = target.seeds.make("closed")
    for role in READERS:
        _, who = hire(target.server, (role, OURS))
        who.ask(f"/api/incidents/{matter}")
        who.try_to(f"/api/incidents/{matter}/unmask")
    text = str(looks(target.server))
    assert not [word for word in (CALLER, PHONE, WORDS) if word in text]


# --- unmasking ---------------------------------------------------------------------------------


def texts(who: Person, matter: str) -> str:
    return str(who.get(f"/api/incidents/{matter}")) + str(
        who.get(f"/api/incidents/{matter}/entries")
    )


@pytest.mark.parametrize("state", ["archived", "cancelled", "merged"])
@pytest.mark.parametrize(
    "role", ["call_taker", "dispatcher", "duty_chief", "station_room", "auditor"]
)
def test_without_work_at_hand_people_are_masked_until_asked_for(
    target: Fuzzed, role: str, state: str
) -> None:
    person, who = hire(target.server, (role, OURS))
    matter, before = target.seeds.make(state), last(target.server)
    path = f"/api/incidents/{matter}"
    seen = who.get(path)
    assert seen["caller"]["masked"] and seen["seen"]["may_unmask"]
    assert (seen["seen"]["why"], seen["seen"]["words"]) == ("no_task", "masked")
    assert CALLER not in texts(who, matter) and PHONE not in texts(who, matter)
    shown = who.do(f"{path}/unmask", {"purpose": "示例"})
    assert (shown["caller"]["name"], shown["caller"]["phone"]) == (CALLER, PHONE)
    assert WORDS in texts(who, matter), "for a while other doors show it too"
    _, another = hire(target.server, (role, OURS))
    assert another.get(path)["caller"]["masked"], "for nobody else"
    masked, asked, opened = looks(target.server, before, actor=person)
    assert (masked.what, masked.outcome, masked.justification) == (OPENS, "masked", "no_task")
    assert (asked.what, asked.outcome, asked.purpose) == ("caller.unmasked", "shown", "示例")
    assert asked.justification == "no_task"
    assert (opened.what, opened.outcome) == (OPENS, "shown")


@pytest.mark.parametrize("role", ["analyst", "partner", "volunteer", "officer"])
def test_who_may_not_see_people_cannot_unmask_them(target: Fuzzed, role: str) -> None:
    person, who = hire(target.server, (role, OURS))
    matter, before = target.seeds.make("closed"), last(target.server)
    seen = who.get(f"/api/incidents/{matter}")
    assert not seen["seen"]["may_unmask"] and seen["caller"]["masked"]
    said = who.try_to(f"/api/incidents/{matter}/unmask")
    assert (said.status, said.code) == (403, "authority.denied")
    assert [row.what for row in looks(target.server, before, outcome="denied", actor=person)] == [
        "caller.unmasked"
    ]
    assert CALLER not in texts(who, matter)


def test_the_call_back_shows_the_phone_to_whoever_makes_it(target: Fuzzed) -> None:
    person, who = hire(target.server, ("call_taker", OURS))
    matter, before = target.seeds.make("closed"), last(target.server)
    assert who.get(f"/api/incidents/{matter}")["caller"]["phone"] == PHONE
    (row,) = looks(target.server, before, actor=person)
    assert (row.justification, row.outcome) == ("callback_due", "shown")


SAYING: dict[str, Callable[[str], bool]] = {
    "analyst": lambda text: WORDS not in text,
    "volunteer": lambda text: WORDS not in text,
    "officer": lambda text: WORDS in text,
    "dispatcher": lambda text: WORDS in text,
}


@pytest.mark.parametrize("role", sorted(SAYING))
def test_what_was_said_is_withheld_from_who_does_not_need_it(target: Fuzzed, role: str) -> None:
    matter = target.seeds.make("waiting")
    target.seeds.do(matter, "remark", {"text": f"{WORDS} 电话 {PHONE}，报警人{CALLER}"})
    _, who = hire(target.server, (role, OURS))
    text = texts(who, matter)
    assert SAYING[role](text)
    assert (PHONE in text) == (CALLER in text) == (role == "dispatcher")


def test_a_volunteer_reads_what_was_said_while_the_own_order_runs(target: Fuzzed) -> None:
    seeds, matter = target.seeds, target.seeds.make("waiting")
    seeds.do(matter, "remark", {"text": f"走失老人穿红衣，家属电话 {PHONE}"})
    unit = seeds.unit(OURS)
    volunteer, who = hire(target.server, ("volunteer", OURS), ("officer", OURS))
    seeds.chief.do(f"/api/units/{unit}/sign_on", {"crew": [volunteer]})
    wanted = {"orders": [{"order": seeds.fresh(), "unit": unit}]}
    seeds.do(matter, "dispatch", wanted)
    assert who.get(f"/api/incidents/{matter}")["seen"]["why"] == "order"
    assert "红衣" in texts(who, matter)
    seeds.put_on_duty(unit)
