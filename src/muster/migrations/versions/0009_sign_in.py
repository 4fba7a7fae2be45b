"""Second factors, recovery codes, policies of organisations, resets by two, hand-overs, denials."""

from alembic import op

revision = "0009"
down_revision = "0008"

SQL = """
-- Not null: a password that somebody else has seen; good until then and only to choose another.
ALTER TABLE person ADD COLUMN password_until timestamptz;

ALTER TABLE session
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    ADD COLUMN address text NOT NULL DEFAULT '',
    ADD COLUMN agent text NOT NULL DEFAULT '',
    ADD COLUMN method text NOT NULL DEFAULT 'password',
    -- When the person last proved who they are; null: never here.
    ADD COLUMN proven_at timestamptz;

-- Whose count an attempt is on: a device that person has signed in from, or a piece of the network.
ALTER TABLE sign_in_attempt ADD COLUMN origin text NOT NULL DEFAULT '';
ALTER TABLE sign_in_attempt DROP CONSTRAINT sign_in_attempt_outcome_check;
ALTER TABLE sign_in_attempt ADD CONSTRAINT sign_in_attempt_outcome_check
    CHECK (outcome IN ('pending', 'failed', 'halfway', 'succeeded'));

CREATE TABLE seen_device (
    device_hash bytea NOT NULL CHECK (length(device_hash) = 32),
    person text NOT NULL REFERENCES person,
    last_seen timestamptz NOT NULL,
    PRIMARY KEY (device_hash, person)
);
CREATE INDEX seen_device_person ON seen_device (person);

-- The password was right and the code is still to come. No session.
CREATE TABLE pending_sign_in (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    person text NOT NULL REFERENCES person,
    expires_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0
);
CREATE INDEX pending_sign_in_expires ON pending_sign_in (expires_at);

-- Secrets are sealed with a key derived from the master key, bound to the person.
CREATE TABLE second_factor (
    person text PRIMARY KEY REFERENCES person,
    key_secret bytea,
    confirmed_at timestamptz,
    begun_secret bytea,
    begun_at timestamptz,
    -- The 30 s step of the code used last: it and those before it are not taken again.
    last_step bigint NOT NULL DEFAULT 0,
    CHECK ((key_secret IS NULL) = (confirmed_at IS NULL)),
    CHECK ((begun_secret IS NULL) = (begun_at IS NULL))
);
CREATE TABLE recovery_code (
    person text NOT NULL REFERENCES person,
    code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (person, code_hash)
);

-- What an organisation asks of whoever belongs to it or acts for it; null: says nothing.
CREATE TABLE sign_in_policy (
    organisation text PRIMARY KEY REFERENCES organisation,
    shortest integer CHECK (shortest BETWEEN 8 AND 64),
    factor_roles text[],
    idle_s integer CHECK (idle_s BETWEEN 300 AND 86400),
    longest_s integer CHECK (longest_s BETWEEN 900 AND 172800),
    failures integer CHECK (failures BETWEEN 3 AND 20),
    lock_s integer CHECK (lock_s BETWEEN 60 AND 86400),
    methods text[]
);

-- A password or a second factor of somebody else: one asks, another confirms.
CREATE TABLE sign_in_reset (
    id uuid PRIMARY KEY,
    person text NOT NULL REFERENCES person,
    what text NOT NULL CHECK (what IN ('password', 'factor')),
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    done boolean,
    CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (decided_by IS NULL) = (done IS NULL)),
    CHECK (done IS NOT TRUE OR decided_by NOT IN (asked_by, person))
);
CREATE INDEX sign_in_reset_open ON sign_in_reset (expires_at) WHERE decided_at IS NULL;

CREATE TABLE hand_over (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    from_person text NOT NULL REFERENCES person,
    to_person text NOT NULL REFERENCES person,
    desk text NOT NULL,
    open_matters integer NOT NULL,
    -- Free words, sealed; the audit shows only that there were some.
    note_secret bytea
);
CREATE INDEX hand_over_to ON hand_over (to_person, at);
CREATE INDEX hand_over_from ON hand_over (from_person, at);

-- Refused at the door. Equal ones within a minute are counted, so that nobody fills the disk.
CREATE TABLE denial (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    minute timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    what text NOT NULL,
    person text,
    username_hash bytea,
    address text NOT NULL,
    method text NOT NULL,
    route text NOT NULL,
    times integer NOT NULL DEFAULT 1,
    UNIQUE NULLS NOT DISTINCT (minute, what, person, username_hash, address, method, route)
);
CREATE INDEX denial_person ON denial (person, id);
CREATE INDEX denial_last_at ON denial (last_at);

-- Counting up is the only change, and what is less than 90 days before the latest stays.
CREATE FUNCTION denial_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'denials are not emptied';
    ELSIF TG_OP = 'DELETE' THEN
        IF OLD.last_at > (SELECT max(last_at) FROM denial) - interval '90 days' THEN
            RAISE EXCEPTION 'denials of the last 90 days stay';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.times <= OLD.times OR NEW.last_at < OLD.last_at
        OR (NEW.minute, NEW.what, NEW.person, NEW.username_hash, NEW.address, NEW.method, NEW.route)
        IS DISTINCT FROM
        (OLD.minute, OLD.what, OLD.person, OLD.username_hash, OLD.address, OLD.method, OLD.route)
    THEN
        RAISE EXCEPTION 'denials are not altered';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER denial_stays BEFORE UPDATE OR DELETE ON denial
    FOR EACH ROW EXECUTE FUNCTION denial_stays();
ALTER TABLE denial ENABLE ALWAYS TRIGGER denial_stays;
CREATE TRIGGER denial_not_emptied BEFORE TRUNCATE ON denial
    FOR EACH STATEMENT EXECUTE FUNCTION denial_stays();
ALTER TABLE denial ENABLE ALWAYS TRIGGER denial_not_emptied;

GRANT SELECT, INSERT, UPDATE, DELETE ON seen_device, pending_sign_in, second_factor, recovery_code,
    sign_in_policy, denial TO muster_app;
GRANT SELECT, INSERT, UPDATE ON sign_in_reset, hand_over TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
