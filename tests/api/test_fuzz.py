"""Generated requests to a real server: no operation, asked by nobody of any role, may break it or
be answered otherwise than its document says.

Every operation gets a hundred examples from the role that may do the most with it, thirty that
break the schema, and ten from every other role; then people act on matters in random walks that
hold the server to what `may` promised. Examples and choices are the same in every run. Afterwards
the journal must verify, a rebuild must equal what is kept, and nobody's words may stand in clear.
"""

from __future__ import annotations

import random
import traceback
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from muster import app
from muster.api.openapi import METHODS
from muster.identity.authority import CELLS, Cell
from muster.identity.roles import ROLES
from muster.journal.verify import verify
from tests.api.fuzzing import EXCHANGE, Fuzzed
from tests.api.seeds import SECRETS
from tests.api.steering import HELD
from tests.api.walking import walk
from tests.invariants.rebuilt import assert_server_equals_rebuild
from tests.journal.test_private import holding

EXAMPLES, BREAKING, OTHERS = 100, 30, 10
WALKS, STEPS = 12, 40
COPIES = 3
OPERATIONS = sorted(
    item[method]["operationId"]
    for item in app.interface()["paths"].values()
    for method in METHODS
    if method in item
)

#: The role that may do the most with an operation, where it is not the duty chief.
BY: dict[str, str] = {
    "change_password": "auditor",
    "create_person": "administrator",
    "close_account": "administrator",
    "open_account": "administrator",
    "ask_reset": "administrator",
    "list_policies": "administrator",
    "set_policy": "administrator",
    "list_denials": "auditor",
    "give_grant": "administrator",
    "revoke_grant": "administrator",
    "list_people": "administrator",
    "list_trust_requests": "administrator",
    "list_tokens": "administrator",
    "list_identities": "administrator",
    "bind_identity": "administrator",
    "unbind_identity": "administrator",
    "list_provider_outcomes": "auditor",
    "create_token": "administrator",
    "revoke_token": "administrator",
    "list_audit": "auditor",
    "list_access": "auditor",
    "export_access": "auditor",
    "list_findings": "auditor",
    "list_sample": "auditor",
    "review_look": "auditor",
    "report_positions": "officer",
    "my_orders": "officer",
    "drive_clock": "simulator",
    "notify_call": EXCHANGE,
}
#: The states in which a matter lets an operation be done; a stock in each is made first.
IN: dict[str, tuple[str, ...]] = {
    "complete": ("received",),
    "dispatch": ("waiting",),
    "withdraw": ("dispatched", "under_way"),
    "transfer": ("waiting",),
    "accept_transfer": ("waiting",),
    "request_cancel": ("waiting", "on_scene"),
    "confirm_cancel": ("waiting",),
    "decline_cancel": ("waiting",),
    "merge": ("waiting",),
    "unmerge": ("merged",),
    "feed_back": ("on_scene", "handling"),
    "return_feedback": ("reported",),
    "close": ("reported",),
    "call_back": ("closed",),
    "archive": ("closed", "called_back", "cancelled", "merged"),
    "place_hold": ("archived", "waiting"),
    "lift_hold": ("archived",),
    "keep_longer": ("archived",),
    "propose_erasure": ("archived", "cancelled"),
    "decline_erasure": ("archived",),
    "approve_erasure": ("archived",),
    "seal": ("archived",),
    "ask_unsealing": ("archived",),
    "approve_unsealing": ("archived",),
    "restrict": ("waiting",),
    "lift_restriction": ("waiting",),
    "get_certificate": ("archived",),
    "step_order": ("dispatched", "signed", "under_way", "on_scene", "handling"),
}
#: What somebody else did with the stock before.
FIRST: dict[str, tuple[str, Any]] = {
    "accept_transfer": ("transfer", {"organisation": "dh", "reason": "示例"}),
    "confirm_cancel": ("request_cancel", {"kind": "invalid", "reason": "示例"}),
    "decline_cancel": ("request_cancel", {"kind": "invalid", "reason": "示例"}),
}
#: What is done with a call, by whoever sits where it rang.
AT_A_DESK = ("take_call", "join_call", "called_back")
_LAW = {"basis": "invented law", "reason": "示例"}
_PROPOSE = {"classes": ["caller"], **_LAW}
#: What happened before to how the stock is kept: (who, word, body), in order.
KEPT: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "lift_hold": (("second", "place_hold", {"hold": HELD, **_LAW}),),
    "decline_erasure": (("second", "propose_erasure", _PROPOSE),),
    "approve_erasure": (("second", "propose_erasure", _PROPOSE),),
    "ask_unsealing": (("second", "seal", _LAW),),
    "approve_unsealing": (("second", "seal", _LAW), ("second", "ask_unsealing", _LAW)),
    "lift_restriction": (("second", "restrict", _LAW),),
    "get_certificate": (("second", "propose_erasure", _PROPOSE), ("chief", "approve_erasure", {})),
}
QUIET = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def stocked(target: Fuzzed, name: str) -> None:
    """Fresh matters in the states that let an operation be done."""
    seeds, steering = target.seeds, target.steering
    steering.chance = random.Random(name)
    if name in AT_A_DESK:
        target.ring(BY.get(name, "duty_chief"), EXAMPLES)
    steering.stock = [seeds.make(state) for state in IN.get(name, ()) for _ in range(COPIES)]
    if name in FIRST:
        word, body = FIRST[name]
        for matter in steering.stock:
            seeds.second.do(f"/api/incidents/{matter}/{word}", body)
    for matter in steering.stock:
        path = f"/api/retention/matters/{matter}"
        for who, word, body in KEPT.get(name, ()):
            if word == "approve_erasure":
                body = {"proposal": steering.proposal}
            getattr(seeds, who).do(f"{path}/{word}", body)
            if word == "propose_erasure":
                steering.proposal = seeds.chief.get(path)["retention"]["proposal"]["number"]


def examples(
    target: Fuzzed, name: str, role: str, count: int, mode: Any = GenerationMode.POSITIVE
) -> list[str]:
    """Send so many generated requests; what went wrong, in words. Nothing is shrunk: the server
    is not the same any more."""
    operation = target.operation(name)
    failures: list[str] = []
    made = 0

    def send(case: Any) -> None:
        nonlocal made
        made += 1
        fits = mode is GenerationMode.POSITIVE
        if fits:
            target.steering.steer(case)
        try:
            response = target.ask(case, role)
            if not fits and not target.fits(case):
                assert refused(response), f"taken: {case.body!r}"
        except Exception as failure:
            where = traceback.extract_tb(failure.__traceback__)[-1]
            said = f"{type(failure).__name__} at {where.name}:{where.lineno}: {failure}"
            failures.append(f"{role}: {said}\n{case.as_curl_command()}"[:3000])

    strategy = operation.as_strategy(generation_mode=mode)
    limited: Any = settings(QUIET, max_examples=count)
    given_cases: Any = given(strategy)
    limited(given_cases(send))()
    while made < count:  # what has no parameters has one example
        send(operation.Case())
    return failures


def refused(response: Any) -> bool:
    """The whole request; or what does not fit of a batch of positions, fix by fix."""
    return response.status_code >= 400 or bool(response.json().get("rejected"))


def breakable(target: Fuzzed, name: str) -> bool:
    """Whether a request can break the schema of an operation at all."""
    raw = target.operation(name).definition.raw
    return bool(raw.get("requestBody") or raw.get("parameters"))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_keeps_its_word(target: Fuzzed, name: str) -> None:
    stocked(target, name)
    powerful = BY.get(name, "duty_chief")
    failures = examples(target, name, powerful, EXAMPLES)
    if breakable(target, name):
        failures += examples(target, name, powerful, BREAKING, GenerationMode.NEGATIVE)
    for role in sorted(set(ROLES) - {powerful}):
        failures += examples(target, name, role, OTHERS)
    assert not failures, f"{len(failures)} failures, the first:\n{failures[0]}"
    assert target.asked[name, powerful] >= EXAMPLES
    assert all(target.asked[name, role] >= OTHERS for role in ROLES)


#: Operations a generated request cannot bring to an end: there is an administrator already, and
#: nobody guesses a password, a code, the id of a session or which look was drawn; strangers who
#: guess are slowed; and there is no provider.
NEVER_DONE = {
    "keep_track",
    "get_track",
    "sign_in",
    "hand_over",
    "review_look",
    "first_person",
    "enter_code",
    "confirm_factor",
    "fresh_recovery_codes",
    "remove_factor",
    "end_own_session",
    "bind_own_identity",
    "unbind_own_identity",
    "bind_identity",
    "unbind_identity",
    "confirm_reset",
    "decline_reset",
    "confirm_trust_request",
    "read_sign_in_change",
    "decline_trust_request",
}


def test_operations_were_done_and_not_only_refused(target: Fuzzed) -> None:
    """Of every operation that was asked a hundred times, some must have had an effect."""
    asked = {name for (name, _), count in target.asked.items() if count >= EXAMPLES}
    done = {name for name, status in target.answered if status < 300}
    assert asked - done - NEVER_DONE == set()


def test_the_powerful_role_may(target: Fuzzed) -> None:
    for name in OPERATIONS:
        if f"incident.{name}" in {right for right, _ in CELLS}:
            assert CELLS[f"incident.{name}", BY.get(name, "duty_chief")] is not Cell.NO


def test_people_acting_at_random(target: Fuzzed) -> None:
    target.steering.stock = []
    target.steering.chance = random.Random("walk")
    assert walk(target, walks=WALKS, steps=STEPS) > WALKS * STEPS / 6


def test_afterwards_the_journal_holds(target: Fuzzed) -> None:
    with psycopg.connect(target.server.settings.app_dsn) as connection:
        verdict = verify(connection)
    assert verdict.faults == ()
    assert verdict.entries > 50
    assert_server_equals_rebuild(target.server)


def test_afterwards_nobodys_words_stand_in_clear(target: Fuzzed) -> None:
    matter = target.seeds.make("waiting")
    shown = str(target.people["duty_chief"].get(f"/api/incidents/{matter}"))
    log = target.server.log.read_text()
    with psycopg.connect(target.server.settings.owner_dsn) as owner:
        for secret in SECRETS:
            assert secret in shown, "what is looked for was never said"
            assert holding(owner, secret) == []
            assert secret not in log


def test_afterwards_nothing_unexpected_was_logged(target: Fuzzed) -> None:
    log = target.server.log.read_text()
    assert '"level":"error"' not in log and "Traceback" not in log
    assert '"message":"request"' in log
