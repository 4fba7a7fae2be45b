"""Telemetry: the history of positions in one partition a day, and the counted rejects.

The app role may append and read. Making and dropping partitions needs the owner, so two
functions do just that on the owner's behalf: the name of a partition follows from a date, only
partitions of `position` are ever dropped, and never one of the newest two days.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

SQL = """
CREATE TABLE position (
    unit text NOT NULL,
    at timestamptz NOT NULL,
    -- Microdegrees, WGS-84.
    lon integer NOT NULL CHECK (lon BETWEEN -180000000 AND 180000000),
    lat integer NOT NULL CHECK (lat BETWEEN -90000000 AND 90000000),
    speed_kmh smallint CHECK (speed_kmh >= 0),
    heading smallint CHECK (heading BETWEEN 0 AND 359),
    accuracy_m integer CHECK (accuracy_m >= 0),
    PRIMARY KEY (unit, at)
) PARTITION BY RANGE (at);
CREATE TABLE telemetry_reject (
    code text NOT NULL,
    day date NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (code, day)
);

CREATE FUNCTION position_make_day(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    name text := 'position_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF day IS NULL OR day NOT BETWEEN DATE '1990-01-01' AND DATE '2100-12-31' THEN
        RAISE EXCEPTION 'no partition for the day %', day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('position partitions', 0));
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE TABLE public.%I PARTITION OF public.position FOR VALUES FROM (%L) TO (%L)',
        name, to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
    RETURN true;
END $$;

CREATE FUNCTION position_drop_days(before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    dropped integer := 0;
    newest date;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('position partitions', 0));
    SELECT max(to_date(right(c.relname, 8), 'YYYYMMDD')) INTO newest
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.position'::regclass;
    IF before IS NULL OR newest IS NULL OR before > newest - 1 THEN
        RAISE EXCEPTION 'the newest two days of positions stay'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.position'::regclass
          AND c.relname ~ '^position_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE public.%I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

REVOKE ALL ON FUNCTION position_make_day(date), position_drop_days(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION position_make_day(date), position_drop_days(date) TO muster_app;
GRANT SELECT, INSERT ON position TO muster_app;
GRANT SELECT, INSERT, UPDATE ON telemetry_reject TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
