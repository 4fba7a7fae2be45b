"""Checkpoints, kept and signed; sealed commands; what was disclosed."""

from alembic import op

revision = "0006"
down_revision = "0005"

SQL = """
-- Public halves only: each key is signed by the one before it.
CREATE TABLE signing_key (
    number integer PRIMARY KEY CHECK (number > 0),
    body bytea NOT NULL,
    signature bytea NOT NULL
);
CREATE TABLE checkpoint (
    number bigint PRIMARY KEY CHECK (number > 0),
    body bytea NOT NULL,
    hash bytea NOT NULL,
    signature bytea NOT NULL
);
-- A matter's journal that left this installation as a file.
CREATE TABLE disclosure (
    id uuid PRIMARY KEY,
    matter uuid NOT NULL,
    disclosed_at timestamptz NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    entries integer NOT NULL,
    opened boolean NOT NULL,
    checkpoint bigint NOT NULL,
    digest text NOT NULL
);
CREATE INDEX disclosure_matter ON disclosure (matter);
-- HMAC of the row under a key from the vault's master key; NULL in rows of release 0.1.0.
ALTER TABLE command ADD COLUMN mac bytea;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON signing_key
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON signing_key
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON checkpoint
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON disclosure
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON disclosure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE signing_key ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE signing_key ENABLE ALWAYS TRIGGER append_only_truncate;
ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER append_only_truncate;
ALTER TABLE disclosure ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE disclosure ENABLE ALWAYS TRIGGER append_only_truncate;

GRANT SELECT, INSERT ON signing_key, checkpoint, disclosure TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
