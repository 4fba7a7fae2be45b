"""The auditor's doors: the access log, misuse found in it, the sample. And who may not."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import psycopg
import pytest

from muster.api.oversight import READ_LOG
from muster.api.review import LookView, csv_of
from muster.command.incidents.view import Person as Named
from muster.identity.authority import CELLS, Cell
from muster.identity.looks.look import Look
from muster.identity.looks.tables import append
from muster.identity.roles import ROLES
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.review.oversight.sample import BLOCK
from tests.api.fuzzing import START, Fuzzed
from tests.api.looks import last, looks
from tests.api.staff import hire
from tests.stories.desk import Person

OURS, COUNTY, ELSEWHERE = "pt-shenjiamen", "pt", "dh-lincheng"
DOORS = (
    "/api/access",
    "/api/access/export",
    "/api/oversight/findings",
    "/api/oversight/sample",
)


@pytest.fixture(scope="module")
def auditor(target: Fuzzed) -> Person:
    return hire(target.server, ("auditor", "zs"))[1]


def fetch(who: Person, path: str) -> tuple[int, str]:
    """(status, text): not every answer is JSON."""
    said = who.http.request("GET", who.url + path, headers=who.headers, timeout=30.0)
    return said.status, said.data.decode()


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_log_is_the_auditors(target: Fuzzed, role: str) -> None:
    """Nobody else reads it: not the administrator, who makes the accounts."""
    person, who = hire(target.server, (role, "zs"))
    may = CELLS[READ_LOG, role] is not Cell.NO
    assert may == (role == "auditor")
    before = last(target.server)
    for path in DOORS:
        assert fetch(who, path)[0] == (200 if may else 403), path
    rows = looks(target.server, before, actor=person)
    assert len(rows) == len(DOORS), "read or refused, each is a row"
    assert {row.outcome for row in rows} <= ({"shown", "empty"} if may else {"denied"})


def test_reading_the_log_is_in_the_log(target: Fuzzed, auditor: Person) -> None:
    for _ in range(3):
        auditor.get("/api/access?what=matter.opened&limit=1")
    newest = auditor.get("/api/access?limit=3")["items"]
    assert [row["what"] for row in newest] == ["access_log.read"] * 3
    assert newest[0]["subject"] == "what=matter.opened"
    assert newest[0]["justification"] == "role"


def test_filters(target: Fuzzed, auditor: Person) -> None:
    person, who = hire(target.server, ("dispatcher", OURS))
    matter = target.seeds.make("waiting")
    who.get(f"/api/incidents/{matter}")
    who.ask(f"/api/incidents/{uuid4()}")
    (opened,) = auditor.get(f"/api/access?person={person}&what=matter.opened&outcome=shown")[
        "items"
    ]
    assert (opened["matter"], opened["actor"]["id"]) == (matter, person)
    assert opened["actor"]["name"] and opened["justification"] == "area_duty"
    (denied,) = auditor.get(f"/api/access?person={person}&outcome=denied")["items"]
    assert denied["subject"] == "get_incident matter.unknown"
    by_matter = auditor.get(f"/api/access?matter={matter}&justification=area_duty")["items"]
    assert person in {row["actor"]["id"] for row in by_matter}
    assert auditor.get(f"/api/access?person={person}&until=2000-01-01T00:00:00Z")["items"] == []
    since = START.isoformat().replace("+00:00", "Z")
    assert len(auditor.get(f"/api/access?person={person}&since={since}")["items"]) == 2


def test_pages_have_every_row_once(target: Fuzzed, auditor: Person) -> None:
    for _ in range(5):
        auditor.get("/api/access?limit=1")
    wanted = [row.number for row in looks(target.server, what="access_log.read")][::-1]
    seen: list[int] = []
    before = ""
    while True:
        page = auditor.get(f"/api/access?what=access_log.read&limit=2{before}")
        seen += [row["number"] for row in page["items"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert [number for number in seen if number in wanted] == wanted
    assert len(seen) == len(set(seen))


def test_an_auditor_of_a_county_sees_its_people_and_its_matters(target: Fuzzed) -> None:
    _, county = hire(target.server, ("auditor", COUNTY))
    theirs, elsewhere = hire(target.server, ("dispatcher", ELSEWHERE))
    ours, who = hire(target.server, ("dispatcher", OURS))
    city, chief = hire(target.server, ("duty_chief", "zs"))
    matter = target.seeds.make("waiting")
    elsewhere.ask(f"/api/incidents/{matter}")
    who.ask(f"/api/incidents/{uuid4()}")
    chief.get(f"/api/incidents/{matter}")
    shown = county.get("/api/access?limit=500")["items"]
    assert {ours, city} <= {row["actor"]["id"] for row in shown}
    assert {row["matter"] for row in shown if row["actor"]["id"] == theirs} == {matter}
    elsewhere.ask(f"/api/incidents/{uuid4()}")
    again = county.get(f"/api/access?person={theirs}")["items"]
    assert {row["matter"] for row in again} == {matter}, "not what they tried in their own area"


def test_everybody_sees_the_own_looks_only(target: Fuzzed) -> None:
    person, who = hire(target.server, ("officer", OURS))
    who.get(f"/api/incidents/{target.seeds.make('waiting')}")
    mine = who.get("/api/access/mine")["items"]
    assert [row["what"] for row in mine] == ["matter.opened"]
    assert {row["actor"]["id"] for row in who.get("/api/access/mine")["items"]} == {person}


def test_the_export_is_a_spreadsheet_without_formulas(target: Fuzzed, auditor: Person) -> None:
    person, who = hire(target.server, ("duty_chief", OURS))
    matter, evil = target.seeds.make("archived"), '=HYPERLINK("http://example.invalid","示例")'
    who.do(f"/api/incidents/{matter}/unmask", {"purpose": evil})
    status, text = fetch(auditor, f"/api/access/export?person={person}")
    assert status == 200 and text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [row["purpose"] for row in rows] == ["'" + evil]
    assert looks(target.server, what="export")[-1].subject == f"access actor={person}"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_taken_for_a_formula(start: str) -> None:
    fields = dict.fromkeys(LookView.__struct_fields__, "")
    odd = {"number": 1, "at": real_now(), "actor": Named("p", f"{start}示例"), "marks": ()}
    row = LookView(**{**fields, **odd, "purpose": f"{start}1+1"})  # type: ignore[arg-type]
    cells = next(csv.DictReader(io.StringIO(csv_of([row]).lstrip("\ufeff"), newline="")))
    assert cells["purpose"] == f"'{start}1+1"
    assert cells["actor"].startswith("'") or start.isspace()


# --- findings and the sample -------------------------------------------------------------------


def test_misuse_is_found_through_the_doors(target: Fuzzed, auditor: Person) -> None:
    """Somebody tries door after door, and lifts a mask that no work explains."""
    curious, who = hire(target.server, ("duty_chief", ELSEWHERE), ("dispatcher", OURS))
    for _ in range(6):
        who.ask(f"/api/incidents/{uuid4()}")
    who.do(f"/api/incidents/{target.seeds.make('archived')}/unmask")
    found = auditor.get("/api/oversight/findings")
    mine = {one["rule"]: one for one in found["items"] if one["person"] == curious}
    assert set(mine) == {"denials", "unmasked_without_work"}
    assert mine["denials"]["values"] == {"denials": 6, "targets": 6}
    assert mine["denials"]["why_zh"] and mine["denials"]["why_en"] and mine["denials"]["name"]
    numbers = {row.number for row in looks(target.server, actor=curious)}
    assert set(mine["denials"]["rows"]) < numbers


def test_the_own_name_is_found_and_no_name_is_written(target: Fuzzed, auditor: Person) -> None:
    person, who = hire(target.server, ("dispatcher", OURS))
    report = target.seeds.report(caller_name="示例新人")
    target.seeds.chief.do("/api/incidents", report)
    who.get(f"/api/incidents/{report['id']}")
    (row,) = looks(target.server, actor=person)
    assert row.marks == ("own_name",)
    found = auditor.get("/api/oversight/findings")["items"]
    assert report["id"] in {one["matter"] for one in found if one["rule"] == "own_name"}


def fill(target: Fuzzed, person: str, matter: str, count: int) -> None:
    """Many looks at once, as the log would hold them after a busy day."""
    look = Look(
        at=START,
        actor=Actor(person),
        what="matter.opened",
        outcome="masked",
        matter=matter,
        role="officer",
        organisation=OURS,
    )
    with psycopg.connect(target.server.settings.app_dsn) as connection:
        append(connection, [look] * count)


def test_the_sample_is_reviewed_once_and_not_by_whom_it_is_about(
    target: Fuzzed, auditor: Person
) -> None:
    person, themselves = hire(target.server, ("auditor", OURS), ("officer", OURS))
    me, reviewer = hire(target.server, ("auditor", COUNTY))
    _, outside = hire(target.server, ("auditor", ELSEWHERE))
    matter = target.seeds.make("archived")
    fill(target, person, matter, 5 * BLOCK)
    sample = [
        one
        for one in reviewer.get("/api/oversight/sample")["items"]
        if one["row"]["matter"] == matter
    ]
    assert 0.01 * 3 * BLOCK <= len(sample) <= 0.05 * 5 * BLOCK
    assert {one["row"]["actor"]["id"] for one in sample} == {person}
    assert person not in {one["assigned"]["id"] for one in sample} and all(
        one["review"] is None for one in sample
    )
    number = sample[0]["row"]["number"]
    given = {"row": number, "outcome": "to_ask", "note": "示例：请说明事由"}
    assert themselves.try_to("/api/oversight/sample", given).code == "review.own"
    assert outside.try_to("/api/oversight/sample", given).code == "review.unknown"
    assert (
        reviewer.try_to("/api/oversight/sample", {**given, "row": number + 10**6}).code
        == "review.unknown"
    )
    done = reviewer.do("/api/oversight/sample", given)
    assert (done["review"]["reviewer"], done["review"]["outcome"]) == (me, "to_ask")
    assert done["reviewer"]["id"] == me and done["reviewer"]["name"]
    assert reviewer.try_to("/api/oversight/sample", given).code == "review.done"
    audited = auditor.get("/api/audit?limit=1")["items"][0]["change"]
    assert (audited["table"], audited["actor"]) == ("access_review", me)
    undrawn = {number + 1, number + 2, number + 3} - {one["row"]["number"] for one in sample}
    body = {**given, "row": min(undrawn)}
    assert reviewer.try_to("/api/oversight/sample", body).code == "review.unknown"


def test_the_sample_is_work_at_hand_for_the_auditor(target: Fuzzed) -> None:
    """What an auditor reviews opens in clear, under that reason; other matters stay masked."""
    person, _ = hire(target.server, ("officer", OURS))
    me, reviewer = hire(target.server, ("auditor", OURS))
    matter = target.seeds.make("archived")
    fill(target, person, matter, 3 * BLOCK)
    other = target.seeds.make("archived")  # whose looks stand in a block that is not full
    seen = reviewer.get(f"/api/incidents/{matter}")
    assert (seen["seen"]["why"], seen["seen"]["words"]) == ("review_sample", "clear")
    assert reviewer.get(f"/api/incidents/{other}")["caller"]["masked"]
    assert looks(target.server, actor=me)[0].justification == "review_sample"


# --- nobody mends the log ----------------------------------------------------------------------


def test_there_is_no_door_that_changes_the_log(target: Fuzzed) -> None:
    changing = {
        (path, method)
        for path, item in target.document["paths"].items()
        for method in item
        if path.startswith("/api/access") and method != "get"
    }
    assert not changing


@pytest.mark.parametrize("role", ["owner_dsn", "app_dsn"])
def test_neither_role_of_the_database_can_change_it(target: Fuzzed, role: str) -> None:
    for statement in (
        "UPDATE access_log SET actor = 'x'",
        "DELETE FROM access_log",
        "TRUNCATE access_log",
    ):
        with (
            psycopg.connect(getattr(target.server.settings, role)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())
