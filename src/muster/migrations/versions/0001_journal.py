"""The journal: entries, commands, vault, deadlines, feed, audit."""

from alembic import op

revision = "0001"
down_revision = None

SQL = """
CREATE SEQUENCE journal_position;
CREATE TABLE entry (
    matter uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    kind text NOT NULL,
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor text NOT NULL,
    command text NOT NULL,
    position bigint NOT NULL DEFAULT nextval('journal_position') UNIQUE,
    bytes bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (matter, number)
);
CREATE TABLE command (
    actor text NOT NULL,
    command text NOT NULL,
    operation text NOT NULL,
    input_digest text NOT NULL,
    answer bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (actor, command)
);
CREATE TABLE feed (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint NOT NULL,
    matter uuid NOT NULL,
    number integer NOT NULL,
    PRIMARY KEY (xid, position)
);
CREATE TABLE vault_key (
    matter uuid PRIMARY KEY,
    wrapped bytea NOT NULL
);
CREATE TABLE vault_item (
    matter uuid NOT NULL,
    item text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (matter, item)
);
CREATE TABLE vault_lookup (
    kind text NOT NULL,
    keyed bytea NOT NULL,
    matter uuid NOT NULL,
    PRIMARY KEY (kind, keyed, matter)
);
CREATE INDEX vault_lookup_matter ON vault_lookup (matter);
CREATE TABLE erasure (
    matter uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL
);
CREATE TABLE deadline (
    matter uuid NOT NULL,
    name text NOT NULL,
    due timestamptz NOT NULL,
    PRIMARY KEY (matter, name)
);
CREATE INDEX deadline_due ON deadline (due);
CREATE TABLE reaction_cursor (
    name text PRIMARY KEY,
    cursor text NOT NULL
);
CREATE TABLE audit (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    table_name text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    body bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);

-- One round trip instead of four: the locks first, then each query with a fresh snapshot under them.
-- tag 0: an earlier answer to this command; 1: an entry; 2: a matter's key, and whether it is erased.
CREATE FUNCTION journal_open(locks bigint[], who text, asked text, matters uuid[])
RETURNS TABLE (tag int, name text, one bytea, two bytea) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    k bigint;
BEGIN
    FOREACH k IN ARRAY locks LOOP
        PERFORM pg_advisory_xact_lock(k);
    END LOOP;
    RETURN QUERY SELECT 0, c.input_digest, c.answer, NULL::bytea
        FROM command c WHERE c.actor = who AND c.command = asked;
    RETURN QUERY SELECT 1, e.matter::text, e.bytes, e.hash
        FROM entry e WHERE e.matter = ANY (matters) ORDER BY e.matter, e.number;
    RETURN QUERY SELECT 2, m::text, v.wrapped, CASE WHEN x.matter IS NOT NULL THEN ''::bytea END
        FROM unnest(matters) m LEFT JOIN vault_key v ON v.matter = m
        LEFT JOIN erasure x ON x.matter = m;
END $$;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON command
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON command
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON erasure
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON erasure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE entry ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE entry ENABLE ALWAYS TRIGGER append_only_truncate;
ALTER TABLE command ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE command ENABLE ALWAYS TRIGGER append_only_truncate;
ALTER TABLE audit ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit ENABLE ALWAYS TRIGGER append_only_truncate;
ALTER TABLE erasure ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE erasure ENABLE ALWAYS TRIGGER append_only_truncate;

GRANT SELECT, INSERT ON entry, command, feed, erasure, audit TO muster_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON deadline, reaction_cursor TO muster_app;
GRANT SELECT, INSERT, DELETE ON vault_key, vault_item, vault_lookup TO muster_app;
GRANT USAGE ON SEQUENCE journal_position TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
