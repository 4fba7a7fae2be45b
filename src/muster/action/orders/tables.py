"""`unit_order`: which unit is bound by which order. Kept from the orders of each matter."""

from __future__ import annotations

from muster.action.orders.state import Order, Orders
from muster.journal.perform import Change, Keeper, Writer


def keep(writer: Writer, change: Change) -> None:
    """Upsert the orders that this change touched."""
    before: Orders = change.before.orders if change.before is not None else {}
    for name, order in change.after.orders.items():
        if before.get(name) != order:
            _write(writer, change.matter, order)


def _write(writer: Writer, matter: str, order: Order) -> None:
    writer.execute(
        "INSERT INTO unit_order (matter, order_id, unit, state, active, given_at, sign_by)"
        " VALUES (%s::uuid, %s::uuid, %s, %s, %s, %s, %s)"
        " ON CONFLICT (matter, order_id) DO UPDATE SET state = EXCLUDED.state,"
        " active = EXCLUDED.active",
        (
            matter,
            order.order,
            order.unit,
            order.state,
            order.active,
            order.times["given"],
            order.sign_by,
        ),
    )


KEEPER = Keeper("orders", ("unit_order",), keep)
