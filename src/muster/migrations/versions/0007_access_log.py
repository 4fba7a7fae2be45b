"""The chained log of openings, and what is made of it."""

from alembic import op

revision = "0007"
down_revision = "0006"

SQL = """
CREATE TABLE access_log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    session text NOT NULL,
    role text NOT NULL,
    organisation text NOT NULL,
    what text NOT NULL,
    matter uuid,
    subject text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('shown', 'masked', 'empty', 'denied')),
    justification text NOT NULL,
    basis text NOT NULL,
    purpose text NOT NULL,
    marks text[] NOT NULL,
    body bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);
COMMENT ON COLUMN access_log.session IS 'hex SHA-256 of the session token, empty without one';
COMMENT ON COLUMN access_log.subject IS 'what was asked for besides a matter: ids, filters, a keyed hash';
COMMENT ON COLUMN access_log.basis IS 'the ids the justification was derived from';
CREATE INDEX access_log_at ON access_log (at);
CREATE INDEX access_log_actor ON access_log (actor, number);
CREATE INDEX access_log_matter ON access_log (matter, number) WHERE matter IS NOT NULL;
-- Whether somebody looks at the own name, or a colleague's.
CREATE INDEX person_name ON person (name);

CREATE TABLE access_review (
    number bigint PRIMARY KEY,
    reviewer text NOT NULL REFERENCES person,
    reviewed_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('proper', 'to_ask', 'improper')),
    note text NOT NULL
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE access_log ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE access_log ENABLE ALWAYS TRIGGER append_only_truncate;

GRANT SELECT, INSERT ON access_log TO muster_app;
-- The right to update is that to lock the row while it is audited.
GRANT SELECT, INSERT, UPDATE ON access_review TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
