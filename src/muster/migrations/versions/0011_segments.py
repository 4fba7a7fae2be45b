"""Minute segments of positions: when a position was received."""

from alembic import op

revision = "0011"
down_revision = "0010"

SQL = """
-- Null for what was written before segments were sealed.
ALTER TABLE position ADD COLUMN received timestamptz;
CREATE INDEX position_received ON position USING brin (received) WITH (pages_per_range = 32);
"""


def upgrade() -> None:
    op.execute(SQL)
