"""Units: their register, their duty, the orders that bind them."""

from alembic import op

revision = "0004"
down_revision = "0003"

SQL = """
CREATE TABLE unit (
    id text PRIMARY KEY,
    call_sign text NOT NULL,
    organisation text NOT NULL,
    kind text NOT NULL,
    mode text NOT NULL,
    capabilities text[] NOT NULL,
    lon integer NOT NULL,
    lat integer NOT NULL,
    speed_kmh integer NOT NULL,
    active boolean NOT NULL
);
COMMENT ON COLUMN unit.lon IS 'base, microdegrees WGS-84';
CREATE TABLE unit_duty (
    unit text PRIMARY KEY REFERENCES unit (id),
    on_duty boolean NOT NULL,
    status text NOT NULL,
    crew text[] NOT NULL,
    vehicle text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    version integer NOT NULL
);
CREATE INDEX unit_duty_crew ON unit_duty USING gin (crew);
CREATE TABLE unit_order (
    matter uuid NOT NULL,
    order_id uuid NOT NULL,
    unit text NOT NULL,
    state text NOT NULL,
    active boolean NOT NULL,
    given_at timestamptz NOT NULL,
    sign_by timestamptz NOT NULL,
    PRIMARY KEY (matter, order_id)
);
CREATE INDEX unit_order_active ON unit_order (unit) WHERE active;
GRANT SELECT, INSERT, UPDATE, DELETE ON unit, unit_duty, unit_order TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
