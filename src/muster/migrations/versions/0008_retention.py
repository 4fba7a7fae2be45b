"""Retention: clocks, holds, sealings, and what went.

The four tables kept from the journal hold no words about people. `erased_part` is the ledger of
erasures that leave something; `retention_run` counts what goes by itself.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

SQL = """
CREATE TABLE erased_part (
    matter uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    items text[] NOT NULL,
    lookups text[] NOT NULL,
    erased_at timestamptz NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (matter, number)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON erased_part
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON erased_part
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE erased_part ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE erased_part ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE TABLE retention_due (
    matter uuid NOT NULL,
    class text NOT NULL,
    number text NOT NULL,
    organisation text NOT NULL,
    level integer NOT NULL,
    category text NOT NULL,
    ended_at timestamptz NOT NULL,
    due_at timestamptz,
    status text NOT NULL,
    proposal integer,
    proposed_by text,
    sealed boolean NOT NULL,
    PRIMARY KEY (matter, class)
);
CREATE INDEX retention_due_at ON retention_due (due_at, matter, class);
CREATE TABLE retention_hold (
    matter uuid NOT NULL,
    hold uuid NOT NULL,
    number text NOT NULL,
    organisation text NOT NULL,
    basis text NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamptz NOT NULL,
    until timestamptz,
    PRIMARY KEY (matter, hold)
);
CREATE TABLE retention_sealing (
    matter uuid PRIMARY KEY,
    number text NOT NULL,
    organisation text NOT NULL,
    basis text NOT NULL,
    sealed_by text NOT NULL,
    since timestamptz NOT NULL,
    asked_by text,
    hours integer,
    open_until timestamptz
);
CREATE TABLE retention_gone (
    matter uuid NOT NULL,
    entry integer NOT NULL,
    class text NOT NULL,
    number text NOT NULL,
    organisation text NOT NULL,
    items integer NOT NULL,
    whole boolean NOT NULL,
    gone_at timestamptz NOT NULL,
    basis text NOT NULL,
    requested_by text NOT NULL,
    approved_by text NOT NULL,
    PRIMARY KEY (matter, entry, class)
);
CREATE INDEX retention_gone_at ON retention_gone (gone_at, matter, entry, class);
CREATE TABLE retention_run (
    day date NOT NULL,
    class text NOT NULL,
    ran_at timestamptz NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    kept_from timestamptz,
    PRIMARY KEY (day, class)
);

CREATE TABLE retention_schedule (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version text NOT NULL,
    since timestamptz NOT NULL
);

-- A sealed matter belongs to the same organisations, but only some rights reach it.
ALTER TABLE matter_access DROP CONSTRAINT matter_access_relation_check;
ALTER TABLE matter_access ADD CONSTRAINT matter_access_relation_check
    CHECK (relation IN ('own', 'asked', 'sealed', 'unsealed'));

GRANT SELECT, INSERT ON erased_part TO muster_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON retention_due, retention_hold, retention_sealing,
    retention_gone TO muster_app;
GRANT SELECT, INSERT, UPDATE ON retention_run, retention_schedule TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
