"""Identity: organisations, people, grants, sessions, and whose a matter is."""

from alembic import op

revision = "0002"
down_revision = "0001"

SQL = """
CREATE TABLE organisation (
    id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$'),
    parent text REFERENCES organisation,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    tier text NOT NULL CHECK (tier IN ('city', 'county', 'station', 'partner')),
    -- Ids from the top down, joined by dots. "C": prefixes are found by range.
    path text COLLATE "C" NOT NULL UNIQUE CHECK (substring(path from '[^.]+$') = id),
    lon integer NOT NULL CHECK (lon BETWEEN -180000000 AND 180000000),
    lat integer NOT NULL CHECK (lat BETWEEN -90000000 AND 90000000)
);
CREATE TABLE person (
    id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$'),
    name text NOT NULL,
    username text NOT NULL UNIQUE,
    password_hash text,
    organisation text NOT NULL REFERENCES organisation,
    active boolean NOT NULL,
    invented boolean NOT NULL
);
CREATE INDEX person_organisation ON person (organisation);
CREATE TABLE role_grant (
    id uuid PRIMARY KEY,
    person text NOT NULL REFERENCES person,
    role text NOT NULL,
    organisation text NOT NULL REFERENCES organisation,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz CHECK (valid_until > valid_from),
    revoked_at timestamptz
);
CREATE INDEX role_grant_person ON role_grant (person) WHERE revoked_at IS NULL;
CREATE TABLE session (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    person text NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_seen timestamptz NOT NULL
);
CREATE INDEX session_person ON session (person);
CREATE INDEX session_expires ON session (expires_at);
CREATE TABLE sign_in_attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username_hash bytea NOT NULL,
    address text NOT NULL,
    at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('pending', 'failed', 'succeeded'))
);
CREATE INDEX sign_in_attempt_username ON sign_in_attempt (username_hash, at);
CREATE INDEX sign_in_attempt_address ON sign_in_attempt (address, at);
CREATE INDEX sign_in_attempt_at ON sign_in_attempt (at);
CREATE TABLE first_link (
    token_hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE TABLE matter_access (
    matter uuid NOT NULL,
    path text COLLATE "C" NOT NULL,
    relation text NOT NULL CHECK (relation IN ('own', 'asked')),
    PRIMARY KEY (matter, path)
);
CREATE INDEX matter_access_path ON matter_access (path, matter);

-- People and grants are never deleted: what they did must stay readable.
GRANT SELECT, INSERT, UPDATE ON organisation, person, role_grant TO muster_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON session, sign_in_attempt, first_link, matter_access
    TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
