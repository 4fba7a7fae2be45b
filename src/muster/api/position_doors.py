"""The doors through which positions come in: batches, a live connection, devices' own forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from muster.api import telemetry, telemetry_devices, telemetry_live
from muster.api.platform import RunningPlatform
from muster.telemetry.positions import Positions


def position_routes(platform: RunningPlatform, positions: Positions) -> Sequence[Any]:
    """The doors through which positions come in."""
    crewed = telemetry.crews(platform)
    return (
        telemetry.route(positions, crewed),
        telemetry_live.route(platform, positions, crewed),
        *telemetry_devices.routes(positions, telemetry_devices.machines(platform)),
    )
