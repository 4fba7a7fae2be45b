"""Minute segments of positions."""

from alembic import op

revision = "0011"
down_revision = "0010"

SQL = """
SELECT 1
"""


def upgrade() -> None:
    op.execute(SQL)
