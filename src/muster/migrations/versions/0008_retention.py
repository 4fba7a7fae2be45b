"""Retention: reviews, holds, sealings, what went."""

from alembic import op

revision = "0008"
down_revision = "0007"

SQL = """
SELECT 1
"""


def upgrade() -> None:
    op.execute(SQL)
