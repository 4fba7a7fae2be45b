"""Incidents as the board sees them."""

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = """
CREATE SEQUENCE incident_number;
CREATE TABLE incident (
    matter uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    organisation text NOT NULL,
    jurisdiction text NOT NULL,
    level integer NOT NULL,
    category text NOT NULL,
    category_final text NOT NULL,
    state text NOT NULL,
    open boolean NOT NULL,
    channel text NOT NULL,
    reported_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    state_since timestamptz NOT NULL,
    due_name text,
    due_at timestamptz,
    missed text[] NOT NULL,
    cell text NOT NULL,
    place_item text NOT NULL,
    orders jsonb NOT NULL,
    merged_into uuid,
    escalated boolean NOT NULL,
    erased boolean NOT NULL,
    version integer NOT NULL
);
CREATE INDEX incident_open ON incident (reported_at) WHERE open;
CREATE INDEX incident_recent ON incident (recorded_at DESC, matter);
CREATE INDEX incident_cell ON incident (cell) WHERE open;
GRANT SELECT, INSERT, UPDATE, DELETE ON incident TO muster_app;
GRANT USAGE ON SEQUENCE incident_number TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
