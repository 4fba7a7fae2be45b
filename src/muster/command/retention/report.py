"""The report in numbers, for whoever runs the installation."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from muster.command.retention import tables
from muster.command.retention.tables import Figures


def figures(connection: Connection[Any]) -> Figures:
    """The whole city's, of every class."""
    return tables.figures(connection)
