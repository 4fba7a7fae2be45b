"""When the machine's clock was set while Muster ran."""

from alembic import op

revision = "0012"
down_revision = "0011"

SQL = """
CREATE TABLE clock_jump (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    milliseconds bigint NOT NULL
);
COMMENT ON COLUMN clock_jump.at IS 'what the clock said afterwards';
-- SELECT … FOR UPDATE of audit.change() asks for UPDATE; nothing updates it.
GRANT SELECT, INSERT, UPDATE ON clock_jump TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
