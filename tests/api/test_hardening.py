"""What input may not do: say a field twice, end a line unseen, keep a pattern busy, move the clock,
or hold every connection."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from muster import app
from muster.api.body import check_twice
from muster.journal.refusal import Refused
from tests.api.consoles import Console
from tests.api.fuzzing import START, Fuzzed
from tests.api.staff import hire
from tests.api.steering import shown
from tests.api.wire import assert_refused, nothing_written, say
from tests.instance import ROOT
from tests.stories.desk import Person

# --- a field twice -----------------------------------------------------------------------------

TWICE = (
    (b'{"text":"a","text":"b"}', "text"),
    (b'{"text":"a","te\\u0078t":"b"}', "text"),
    (b'{"text":"a","text":"a"}', "text"),
)


@pytest.mark.parametrize(("body", "field"), TWICE)
def test_a_field_twice_is_refused(
    target: Fuzzed, chief: Person, matter: str, body: bytes, field: str
) -> None:
    """Of two, a proxy or a log could take another than we."""
    with nothing_written(target):
        heard = say(target, "POST", f"/api/incidents/{matter}/remark", body, who=chief)
        assert_refused(heard, 400, "input.invalid", field)


def test_a_field_twice_inside_is_refused(target: Fuzzed, chief: Person, matter: str) -> None:
    body = b'{"place":{"lon":122.3,"lat":29.9,"lat":29.8},"reason":"x"}'
    with nothing_written(target):
        heard = say(target, "POST", f"/api/incidents/{matter}/correct_place", body, who=chief)
        assert_refused(heard, 400, "input.invalid", "lat")


def test_the_same_name_in_two_places_is_no_field_twice() -> None:
    check_twice(b'{"a":{"b":1},"c":{"b":2},"d":[{"b":1},{"b":1}]}')
    with pytest.raises(Refused):
        check_twice(b'[{"a":{"b":1,"b":1}}]')


def test_looking_for_twins_is_not_slow_with_long_numbers() -> None:
    check_twice(b'{"a":' + b"9" * 200_000 + b"}")


# --- a line end at the end ---------------------------------------------------------------------


def patterns() -> list[str]:
    """Every pattern of the document, as the doors' code has it."""
    found: list[str] = []

    def walk(shown: Any) -> None:
        if isinstance(shown, dict):
            if isinstance(shown.get("pattern"), str):
                found.append(shown["pattern"])
            shown = list(shown.values())
        for one in shown if isinstance(shown, list) else []:
            walk(one)

    walk(app.interface())
    return sorted(set(found))


def test_no_pattern_of_ours_ends_in_a_dollar() -> None:
    """Python's $ lets one line end through; JSON Schema's does not."""
    sources = sorted((ROOT / "src" / "muster").rglob("*.py"))
    wrong = [
        f"{path.name}: {line.strip()}"
        for path in sources
        for line in path.read_text().splitlines()
        if re.search(r"pattern=.*\$\"|re\.match\(|_PATTERN = .*\$\"", line)
    ]
    assert not wrong
    assert len(patterns()) >= 6
    assert all(one.startswith("^") and one.endswith("$") for one in patterns())


def test_a_phone_with_a_line_end_is_refused(target: Fuzzed, chief: Person) -> None:
    body = target.seeds.report(caller_phone="000-1234\n")
    with nothing_written(target):
        heard = say(target, "POST", "/api/incidents", msgspec.json.encode(body), who=chief)
        assert_refused(heard, 400, "input.invalid", "caller_phone")


@pytest.mark.parametrize("path", ["/api/incidents/{}%0a", "/api/incidents/{}%0A/entries"])
def test_an_id_with_a_line_end_is_refused(
    target: Fuzzed, chief: Person, matter: str, path: str
) -> None:
    heard = say(target, "GET", path.format(matter), who=chief)
    assert heard.status in (400, 404)


# --- patterns that could be kept busy ----------------------------------------------------------

#: Every regular expression that sees what somebody outside sent: where, and the longest text it
#: sees (characters). A new one is measured here or not used.
SEEN_OUTSIDE: dict[str, int] = {
    "muster.gateway.devices:_PHONE": 64 * 1024,
    "muster.gateway.devices:_UNIT": 64 * 1024,
    "muster.identity.sessions:USERNAME": 256 * 1024,
    "muster.identity.people:_ID": 256 * 1024,
    # A password has 256 characters, each of which may become a few when it is normalised.
    "muster.identity.passwords:REPEATED": 2048,
    "muster.identity.tokens.token:VALUE": 64 * 1024,
    "muster.api.opening:_PLAIN_ID": 64 * 1024,
    "muster.api.opening:_UUID": 64 * 1024,
    "muster.command.incidents.mask:_RUN": 4000,
    "muster.command.incidents.mask:_DATE": 4000,
    "muster.command.incidents.mask:_PLATE": 4000,
    "muster.api.problems:_MISSING": 64 * 1024,
    "muster.api.field_words:_FORM": 64 * 1024,
    "muster.api.live_picture:_CURSOR": 4 * 1024,
}
#: Compiled in src/muster and never shown a stranger's words: why.
INSIDE = {
    "geography/sheets.py": "the city pack, a file of the administrator's",
    "identity/providers/configuration.py": "oidc.toml, a file of the engineer's",
    "api/condition.py": "what this process says of itself",
    "cli/": "the administrator's own terminal",
    "supervise/": "the database's own words",
    "simulate/": "files of whoever replays them",
    "journal/": "names of our own code",
    "migrations/": "our own text",
}
USES = re.compile(r"\bre\.(compile|match|search|fullmatch|sub|split|findall)\(")
TEASERS = ("a", "-", " ", "0", "a-", "` - at `$.", "'", "_", "é", "\n")


def compiled() -> list[tuple[str, Any]]:
    import importlib

    found = [
        (name, getattr(importlib.import_module(name.partition(":")[0]), name.partition(":")[2]))
        for name in SEEN_OUTSIDE
    ]
    words = importlib.import_module("muster.api.field_words")
    found += [("muster.api.field_words:_PATTERNS", one) for one, _ in words._PATTERNS]
    return [*found, *((f"document {one}", re.compile(one)) for one in patterns())]


@pytest.mark.parametrize(("name", "pattern"), compiled(), ids=lambda one: str(one)[:60])
def test_no_pattern_can_be_kept_busy(name: str, pattern: Any) -> None:
    """Twice the text is about twice the work, in a process that is stopped when it is not: a
    pattern that backtracks would need longer than the age of the world."""
    longest = SEEN_OUTSIDE.get(name, 64 * 1024)
    anchored = pattern.pattern.startswith("^") and "mask" not in name
    how = "search(text)" if anchored else "fullmatch(text)"
    how = "sub('', text)" if "mask" in name else how
    program = (
        "import re,sys\n"
        f"pattern=re.compile({pattern.pattern!r},{pattern.flags})\n"
        f"for one in {TEASERS!r}:\n"
        f"  for end in ('','!','\\0'):\n"
        f"    text=(one*{longest})[:{longest}]+end\n"
        f"    pattern.{how}\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=300, check=False)
    assert done.returncode == 0


def test_every_pattern_is_listed() -> None:
    listed = {name.partition(":")[0] for name in SEEN_OUTSIDE}
    for path in sorted((ROOT / "src" / "muster").rglob("*.py")):
        inside = path.relative_to(ROOT / "src" / "muster").as_posix()
        if re.search(
            r"\bre\.(compile|match|search|fullmatch|sub|split|findall)\(", path.read_text()
        ):
            module = "muster." + inside.removesuffix(".py").replace("/", ".")
            known = module in listed or any(inside.startswith(one) for one in INSIDE)
            assert known, f"{inside}: is its pattern shown what strangers send?"


def test_a_pattern_that_backtracks_is_seen_failing() -> None:
    program = "import re;re.fullmatch('(a+)+b','a'*64)"
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", program], timeout=2, check=False)


# --- the clock ---------------------------------------------------------------------------------


def later(target: Fuzzed) -> list[tuple[str, str | bytes]]:
    moment = target.seeds.now.timestamp() + 3600
    return [("Simulated-Now", shown(type(START).fromtimestamp(moment, START.tzinfo)))]


@pytest.mark.parametrize("role", ["duty_chief", "administrator", "auditor", "volunteer"])
def test_nobody_but_the_simulator_moves_the_clock(target: Fuzzed, role: str) -> None:
    who = target.people[role]
    before = who.get("/api/city")["clock"]["now"][:19]
    with nothing_written(target):
        heard = say(target, "GET", "/api/city", who=who, more=later(target))
        assert_refused(heard, 403, "authority.denied")
        token = who.headers["Cookie"].partition("=")[2]
        for voucher, code in ((token, "authority.denied"), ("nobodys", "session.required")):
            more = [*later(target), ("Simulated-By", voucher)]
            heard = say(target, "GET", "/api/city", who=who, more=more)
            assert_refused(heard, 403 if code == "authority.denied" else 401, code)
    assert who.get("/api/city")["clock"]["now"][:19] == before


def test_the_simulator_vouches_for_those_it_plays(target: Fuzzed) -> None:
    chief, driver = target.people["duty_chief"], target.people["simulator"]
    voucher = driver.headers["Cookie"].partition("=")[2]
    moved = later(target)
    heard = say(target, "GET", "/api/city", who=chief, more=[*moved, ("Simulated-By", voucher)])
    assert heard.status == 200
    assert heard.body["clock"]["now"][:19] == str(moved[0][1])[:19]
    target.seeds.now = type(START).fromisoformat(str(moved[0][1]))


# --- connections -------------------------------------------------------------------------------


def test_a_session_has_so_many_live_connections(target: Fuzzed) -> None:
    """The ninth is told why; a place that is left is free again; others are not touched."""
    _, who = hire(target.server, ("duty_chief", "zs"))
    _, other = hire(target.server, ("duty_chief", "zs"))
    consoles = [Console(target.server, who).come() for _ in range(8)]
    for console in consoles:
        while "snapshot" not in console.said:
            console.hear()
    ninth = Console(target.server, who).come()
    while ninth.closed is None:
        ninth.hear()
    assert ninth.closed == (4429, "live.too_many")
    theirs = Console(target.server, other).come()
    while "snapshot" not in theirs.said:
        theirs.hear()
    consoles.pop().part()
    for _ in range(100):
        again = Console(target.server, who).come()
        if again.hear() != "closed":
            break
    assert again.closed is None
    for console in (*consoles, theirs, again):
        console.part()


def test_punctuation_in_a_header_name_is_no_way_in(target: Fuzzed, chief: Person) -> None:
    """X_CSRF_Token is not X-CSRF-Token: some servers make one of both."""
    more: list[Any] = [("X_CSRF_Token", chief.headers["X-CSRF-Token"])]
    target_path = "/api/incidents/" + target.seeds.matters[0] + "/remark"
    heard = say(
        target, "POST", target_path, b'{"text":"x"}', who=chief, more=more, without=["X-CSRF-Token"]
    )
    assert_refused(heard, 403, "session.csrf")
