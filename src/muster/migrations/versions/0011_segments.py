"""Minute segments of positions: what was received in one minute, sealed under one root.

A segment holds what was received in a minute of one day of positions (late ones have a segment of
their own day), so that a day's rows and leaves go together on schedule. The chained rows stay.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

SQL = """
-- Null for what was written before segments were sealed.
ALTER TABLE position ADD COLUMN received timestamptz;
CREATE INDEX position_received ON position USING brin (received) WITH (pages_per_range = 32);

CREATE TABLE position_segment (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    minute timestamptz NOT NULL,
    day date NOT NULL,
    rows bigint NOT NULL CHECK (rows > 0),
    leaves integer NOT NULL CHECK (leaves > 0),
    root text NOT NULL,
    body bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    UNIQUE (minute, day)
);
COMMENT ON COLUMN position_segment.minute IS 'in which the positions were received';
COMMENT ON COLUMN position_segment.day IS 'day (UTC) the positions are of, and of their partition';
CREATE INDEX position_segment_day ON position_segment (day);
CREATE TABLE position_leaves (
    segment bigint PRIMARY KEY,
    leaves bytea NOT NULL
);
COMMENT ON COLUMN position_leaves.leaves IS 'JSON [[unit, minute, rows, SHA-256], …]; goes with its day';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON position_segment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON position_segment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE position_segment ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE position_segment ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE FUNCTION position_drop_leaves(before date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    dropped bigint;
BEGIN
    IF before IS NULL OR EXISTS (
        SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.position'::regclass
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before) THEN
        RAISE EXCEPTION 'leaves go with their positions, not before'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM public.position_leaves l USING public.position_segment s
    WHERE s.number = l.segment AND s.day < before;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END $$;

REVOKE ALL ON FUNCTION position_drop_leaves(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION position_drop_leaves(date) TO muster_app;
GRANT SELECT, INSERT ON position_segment, position_leaves TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
