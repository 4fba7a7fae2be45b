"""Every operation on an incident, with what it locks and what it reads. The list is the
whole of what can be done; identity/authority.py says by whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from muster.action.orders.decide import FROM, Step
from muster.action.units.duty import may_be_sent, named_units
from muster.command.dispatch import decide as dispatch
from muster.command.incidents import decide, inputs
from muster.command.incidents.decide import Located
from muster.command.incidents.state import Incident
from muster.command.incidents.tables import next_number
from muster.command.retention.operations import retention_operations
from muster.geography.cells import cell
from muster.geography.distance import haversine
from muster.geography.jurisdiction import jurisdiction
from muster.geography.pack import Pack
from muster.journal.context import Context, Due
from muster.journal.entry import Fact
from muster.journal.perform import Opening, Operation

Any_ = Operation[Any, Any, Any]


def operations(pack: Pack) -> dict[str, Any_]:
    """All operations of this city by name."""
    listed = [*_plain(pack), _erase_again(pack), *_dispatching(pack), *_steps(pack)]
    listed += retention_operations(pack)
    return {operation.name: operation for operation in listed}


def locate(pack: Pack, place: inputs.Place) -> Located:
    """What follows from a place. Coordinates are kept to a microdegree (about 0.1 m)."""
    rounded = inputs.Place(round(place.lon, 6), round(place.lat, 6), place.label)
    found = jurisdiction(pack, place.lon, place.lat)
    return Located(
        text=msgspec.json.encode(rounded).decode(),
        cell=cell(place.lon, place.lat),
        jurisdiction=found.organisation,
        sure=found.inside,
    )


def _rules(pack: Pack) -> Callable[[Opening, Any], decide.Rules]:
    rules = decide.Rules(pack)
    return lambda _opening, _input: rules


def _plain(pack: Pack) -> list[Any_]:
    rules = _rules(pack)
    simple: Sequence[tuple[str, type[msgspec.Struct], Any]] = (
        ("complete", inputs.Complete, decide.complete),
        ("remark", inputs.Remark, decide.remark),
        ("correct_time", inputs.CorrectTime, decide.correct_time),
        ("categorise", inputs.Categorise, decide.categorise),
        ("change_level", inputs.ChangeLevel, decide.change_level),
        ("transfer", inputs.Transfer, decide.transfer),
        ("accept_transfer", inputs.Nothing, decide.accept_transfer),
        ("ask_in", inputs.AskIn, decide.ask_in),
        ("urge", inputs.Remark, decide.urge),
        ("request_cancel", inputs.RequestCancel, decide.request_cancel),
        ("confirm_cancel", inputs.Nothing, decide.confirm_cancel),
        ("decline_cancel", inputs.Because, decide.decline_cancel),
        ("feed_back", inputs.FeedBack, decide.feed_back),
        ("return_feedback", inputs.Because, decide.return_feedback),
        ("close", inputs.Nothing, decide.close),
        ("call_back", inputs.CallBack, decide.call_back),
        ("archive", inputs.Nothing, decide.archive),
    )
    listed: list[Any_] = [
        Operation(name=f"incident.{name}", input=kind, decide=function, reads=rules)
        for name, kind, function in simple
    ]

    def placed(_opening: Opening, asked: inputs.CorrectPlace) -> decide.Rules:
        return decide.Rules(pack, located=locate(pack, asked.place))

    listed += [
        Operation(
            name="incident.correct_place",
            input=inputs.CorrectPlace,
            decide=decide.correct_place,
            reads=placed,
        ),
        Operation(
            name="incident.merge",
            input=inputs.Merge,
            decide=decide.merge,
            reads=rules,
            also=lambda asked: (asked.into,),
        ),
        Operation(
            name="incident.unmerge",
            input=inputs.Unmerge,
            decide=decide.unmerge,
            reads=rules,
            also=lambda asked: (asked.main,),
        ),
        Operation(name="incident.clock", input=Due, decide=dispatch.clock, reads=rules),
    ]
    return listed


def _erase_again(pack: Pack) -> Any_:
    return Operation(
        name="incident.erase_again",
        input=inputs.Erase,
        decide=decide.erase_again,
        reads=_rules(pack),
        after_erasure=True,
    )


def _sendable(pack: Pack, opening: Opening, wanted: Sequence[str]) -> dict[str, dispatch.Sendable]:
    return {
        unit.id: dispatch.Sendable(
            unit=unit.id,
            call_sign=unit.call_sign,
            organisation=unit.organisation,
            crew=unit.crew,
            why_not=may_be_sent(unit, pack),
        )
        for unit in named_units(opening.connection, wanted)
    }


def _unit_lock(unit: str) -> str:
    return f"unit:{unit}"


def _dispatching(pack: Pack) -> list[Any_]:
    def wanted(opening: Opening, asked: inputs.Dispatch) -> dispatch.DispatchRules:
        names = [one.unit for one in asked.orders]
        return dispatch.DispatchRules(pack, units=_sendable(pack, opening, names))

    def offered(opening: Opening, asked: inputs.Reoffer) -> dispatch.DispatchRules:
        names = [asked.unit] if asked.unit else []
        return dispatch.DispatchRules(pack, units=_sendable(pack, opening, names))

    rules = dispatch.DispatchRules(pack)
    return [
        _report(pack),
        Operation(
            name="incident.dispatch",
            input=inputs.Dispatch,
            decide=dispatch.dispatch,
            reads=wanted,
            resources=lambda asked: [_unit_lock(one.unit) for one in asked.orders],
        ),
        Operation(
            name="incident.withdraw",
            input=inputs.Withdraw,
            decide=dispatch.withdraw,
            reads=lambda _opening, _asked: rules,
        ),
        Operation(
            name="incident.reoffer",
            input=inputs.Reoffer,
            decide=dispatch.reoffer,
            reads=offered,
            resources=lambda asked: [_unit_lock(asked.unit)] if asked.unit else [],
        ),
    ]


def _report(pack: Pack) -> Any_:
    def reads(opening: Opening, asked: inputs.Report) -> dispatch.DispatchRules:
        wanted = [asked.officer_unit] if asked.officer_unit else []
        return dispatch.DispatchRules(
            pack,
            number=next_number(opening.connection, pack.city.adcode, opening.now),
            located=locate(pack, asked.place),
            units=_sendable(pack, opening, wanted) if wanted else {},
        )

    def decided(
        state: Incident | None, asked: inputs.Report, context: Context[dispatch.DispatchRules]
    ) -> list[Fact]:
        opened = decide.report(state, asked, context)
        if asked.officer_unit is None:
            return opened
        level = asked.level or pack.category(asked.category).level
        return [*opened, *dispatch.officer_arrival(level, asked, context)]

    return Operation(
        name="incident.report",
        input=inputs.Report,
        decide=decided,
        reads=reads,
        resources=lambda asked: [_unit_lock(asked.officer_unit)] if asked.officer_unit else [],
        organisation=lambda asked: (
            asked.organisation or jurisdiction(pack, asked.place.lon, asked.place.lat).organisation
        ),
    )


def _steps(pack: Pack) -> list[Any_]:
    rules = dispatch.DispatchRules(pack)

    def reads(opening: Opening, asked: Step) -> dispatch.DispatchRules:
        return rules

    def measured(opening: Opening, asked: Step) -> dispatch.DispatchRules:
        state: Incident | None = opening.state
        if state is None or state.erased or asked.lon is None or asked.lat is None:
            return rules
        place = msgspec.json.decode(opening.open(opening.matter, state.place), type=inputs.Place)
        away = haversine(asked.lon, asked.lat, place.lon, place.lat)
        return replace(rules, away_m=away)

    return [
        Operation(
            name=f"order.{name}",
            input=Step,
            decide=dispatch.step(name),
            reads=measured if name == "arrive" else reads,
        )
        for name in FROM
    ]
