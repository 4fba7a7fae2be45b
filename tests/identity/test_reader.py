"""Reading matters: only what the scope sees, whichever way it is asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.identity.access import access_of, keep
from muster.identity.authoriser import IdentityAuthoriser, scope_of
from muster.identity.authority import Grant
from muster.identity.reader import Reader, reader, system_reader
from muster.identity.roles import ROLES
from muster.identity.scope import scope_of_grants
from muster.journal.clock import RealClock
from muster.journal.context import Actor, Context
from muster.journal.entry import Entry, Fact, Private, kinds_of, private
from muster.journal.perform import Asked, Change, Journal, Keeper, MatterKind, Operation, Writer
from muster.journal.refusal import Refused
from muster.journal.vault import Vault
from tests.identity.city import TREE, City
from tests.identity.test_judge import path

VAULT = Vault(b"\x07" * 32)


class TrialOpened(Fact, frozen=True, kw_only=True):
    """A fact of these tests."""

    kind: ClassVar[str] = "trial.opened"
    lookups: ClassVar[dict[str, str]] = {"phone": "phone"}
    organisation: str
    phone: Private | None = None


class Opens(msgspec.Struct, frozen=True):
    organisation: str
    phone: str


class Trial(msgspec.Struct, frozen=True):
    organisation: str
    matter_kind: str = "trial"


KINDS = kinds_of([TrialOpened])


def _fold(_state: Trial | None, entry: Entry) -> Trial:
    assert isinstance(entry.fact, TrialOpened)
    return Trial(entry.fact.organisation)


def _decide(_state: Trial | None, asked: Opens, _context: Context[None]) -> list[Fact]:
    return [TrialOpened(organisation=asked.organisation, phone=private(asked.phone))]


def _keep(writer: Writer, change: Change) -> None:
    keep(writer, change.matter, {}, {change.after.organisation: "own"})


OPEN: Operation[Any, Any, Any] = Operation(
    "incident.report", Opens, _decide, organisation=lambda asked: asked.organisation
)


@pytest.fixture
def journal(city: City) -> Iterator[Journal]:
    keeper = Keeper("access", ("matter_access",), _keep)
    kind = MatterKind("trial", _fold, lambda _state: {}, (keeper,))
    yield Journal(
        pool=city.pool,
        vault=VAULT,
        clock=RealClock(),
        kinds=KINDS,
        matter_kinds=[kind],
        authoriser=IdentityAuthoriser(city.clock),
    )


def opened(journal: Journal, actor: Actor, organisation: str, phone: str = "199-0000-0000") -> str:
    matter = str(uuid.uuid4())
    asked = Asked(OPEN, actor, matter, Opens(organisation, phone), str(uuid.uuid4()))
    journal.perform(asked)
    return matter


@pytest.fixture(autouse=True)
def standing_clock(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """`reader` has no clock to pass: it uses the real one."""
    monkeypatch.setattr(
        "muster.identity.reader.scope_of", lambda c, actor: scope_of(c, actor, now=city.clock)
    )


def listed(read: Reader) -> set[str]:
    condition, values = read.visible_sql("a.matter")
    query = f"SELECT DISTINCT a.matter::text FROM matter_access a WHERE {condition}"
    return {row[0] for row in read.connection.execute(query.encode(), values).fetchall()}


def test_every_way_of_reading_shows_the_same_matters(city: City, journal: Journal) -> None:
    top = city.hire("top", ("duty_chief", "city"))
    east = city.hire("east", ("dispatcher", "east"))
    mine = {opened(journal, top, place) for place in ("east", "east1", "east10", "rescue")}
    foreign = {opened(journal, top, place) for place in ("city", "west", "west1", "harbour")}
    with reader(city.pool, east, VAULT, KINDS) as read:
        assert listed(read) == mine
        assert set(read.matters_by_lookup("phone", "199-0000-0000")) == mine
        for matter in mine:
            assert read.may_see(matter)
            (entry,) = read.entries(matter)
            assert isinstance(entry.fact, TrialOpened) and entry.fact.phone is not None
            texts = read.open([(matter, entry.fact.phone)])
            assert list(texts.values()) == ["199-0000-0000"]
        for matter in (*foreign, str(uuid.uuid4())):
            assert not read.may_see(matter)
            assert read.may(matter) == frozenset()
            with pytest.raises(Refused, match=r"matter.unknown"):
                read.entries(matter)
            with pytest.raises(Refused, match=r"matter.unknown"):
                read.open([(matter, Private(item="1.phone"))])
            with pytest.raises(Refused, match=r"matter.unknown"):
                read.require([next(iter(mine)), matter])
    with system_reader(city.pool, VAULT, KINDS) as everything:
        assert all(everything.entries(matter) for matter in mine | foreign)


def test_the_condition_cannot_be_captured_by_the_query_around_it(city: City) -> None:
    """A column named like the subquery's own once made everything visible."""
    west = city.hire("west", ("dispatcher", "west"))
    own = city.matter("west1")
    city.matter("east1")
    with reader(city.pool, west, VAULT, KINDS) as read:
        for column, source in (
            ("matter", "matter_access"),
            ("a.matter", "matter_access a"),
            ("path.matter", "matter_access path"),
        ):
            condition, values = read.visible_sql(column)
            query = f"SELECT {column}::text FROM {source} WHERE {condition}"
            assert read.connection.execute(query.encode(), values).fetchall() == [(own,)]


def test_asked_in_matters_are_seen_and_masked(city: City) -> None:
    west = city.hire("west", ("dispatcher", "west"))
    own, asked, foreign = city.matter("west1"), city.matter("east", "west1"), city.matter("east")
    with reader(city.pool, west, VAULT, KINDS) as read:
        assert listed(read) == {own, asked}
        assert not read.masked and not read.party_only
        assert not read.masked_in(own) and read.masked_in(asked) and read.masked_in(foreign)
        assert {"incident.dispatch", "incident.remark"} <= read.may(asked)
        assert not {"incident.close", "read.private"} & read.may(asked)
        assert {"incident.close", "read.private"} <= read.may(own)


def test_what_partners_and_volunteers_see(city: City) -> None:
    matter = city.matter("east1", "harbour", "rescue")
    city.matter("east1")
    for person, role, place in (
        ("liaison", "partner", "harbour"),
        ("helper", "volunteer", "rescue"),
    ):
        actor = city.hire(person, (role, place))
        with reader(city.pool, actor, VAULT, KINDS) as read:
            assert listed(read) == {matter}
            assert read.party_only and read.masked and read.masked_in(matter)
            assert "incident.remark" in read.may(matter)


def test_who_reads_no_matter_gets_no_reader(city: City) -> None:
    for person, grants in (("admin", [("administrator", "city")]), ("nobody", [])):
        actor = city.hire(person, *grants)
        with (
            pytest.raises(Refused, match=r"authority.denied"),
            reader(city.pool, actor, VAULT, KINDS),
        ):
            pass
    ended = Actor("admin", "cd" * 32)
    with pytest.raises(Refused, match=r"session.expired"), reader(city.pool, ended, VAULT, KINDS):
        pass


def test_a_reader_cannot_write_and_leaves_no_trace_on_the_pool(city: City) -> None:
    analyst = city.hire("analyst", ("analyst", "city"))
    with (
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        reader(city.pool, analyst, VAULT, KINDS) as read,
    ):
        read.connection.execute("DELETE FROM matter_access")
    for _ in range(8):
        with city.pool.connection() as connection:
            assert connection.read_only is None and connection.isolation_level is None
    city.matter("east1")


def test_a_reader_is_one_snapshot(city: City) -> None:
    analyst = city.hire("analyst", ("analyst", "city"))
    before = city.matter("east1")
    with reader(city.pool, analyst, VAULT, KINDS) as read:
        assert listed(read) == {before}
        city.matter("east1")
        assert listed(read) == {before}


def test_equal_rights_share_a_scope(city: City) -> None:
    keys = []
    for person, place in (("one", "east"), ("two", "east"), ("three", "west")):
        actor = city.hire(person, ("dispatcher", place))
        with reader(city.pool, actor, VAULT, KINDS) as read:
            keys.append(read.scope_key)
    assert keys[0] == keys[1] != keys[2]
    assert len(set(keys)) == 2


def test_keeping_access_follows_before_and_after(city: City) -> None:
    matter = str(uuid.uuid4())
    steps = [
        {},
        {"east1": "own"},
        {"east1": "own", "west": "asked"},
        {"city.west": "own", "east1": "asked"},
        {"west": "own"},
    ]
    with city.pool.connection() as connection:
        for before, after in pairwise(steps):
            keep(Writer(connection), matter, before, after)
            found = access_of(connection, [matter])[matter]
            assert found == {path(o.rpartition(".")[2]): r for o, r in after.items()}
    with (
        pytest.raises(psycopg.errors.NotNullViolation),
        city.pool.connection() as connection,
    ):
        keep(Writer(connection), matter, steps[-1], {"nowhere": "own"})


PLACES = st.sampled_from(sorted(TREE))
GRANTS = st.lists(
    st.builds(
        lambda role, place: Grant(role, place, path(place)), st.sampled_from(sorted(ROLES)), PLACES
    ),
    max_size=4,
)


@given(GRANTS, st.dictionaries(PLACES, st.sampled_from(["own", "asked"]), max_size=3))
def test_a_scope_allows_nothing_in_what_it_does_not_see(
    grants: list[Grant], places: dict[str, str]
) -> None:
    scope = scope_of_grants(grants)
    access = {path(place): relation for place, relation in places.items()}
    assert scope == scope_of_grants(reversed(grants))
    if scope.sees(access):
        assert "read.incident" in scope.allowed(access)
        assert scope.masked_in(access) is ("read.private" not in scope.allowed(access))
    else:
        assert scope.allowed(access) == frozenset()
        assert scope.masked_in(access)
