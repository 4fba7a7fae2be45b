"""API tokens and identities of outside providers."""

from alembic import op

revision = "0010"
down_revision = "0009"

SQL = """
-- A machine's key to some doors. Never deleted: what it did must stay readable.
CREATE TABLE api_token (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{12}$'),
    name text NOT NULL,
    organisation text NOT NULL REFERENCES organisation,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    unit text REFERENCES unit,
    networks text[] NOT NULL,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    created_by text NOT NULL REFERENCES person,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
        CHECK (expires_at > created_at AND expires_at <= created_at + interval '366 days'),
    revoked_at timestamptz,
    -- To the hour: when a machine last came, not how it spends its day.
    last_used timestamptz
);
CREATE INDEX api_token_organisation ON api_token (organisation);

-- Who somebody is at an outside provider. Made by hand, never by a matching name.
CREATE TABLE provider_identity (
    issuer text NOT NULL,
    subject text NOT NULL,
    person text NOT NULL REFERENCES person,
    bound_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX provider_identity_person ON provider_identity (person);

-- Sign-ins under way at a provider: ten minutes, used once. Holds nothing secret: what the
-- browser keeps in its cookie, nobody can derive from the hash.
CREATE TABLE provider_visit (
    browser_hash bytea PRIMARY KEY CHECK (length(browser_hash) = 32),
    provider text NOT NULL,
    return_to text NOT NULL,
    person text REFERENCES person,
    expires_at timestamptz NOT NULL
);
CREATE INDEX provider_visit_expires ON provider_visit (expires_at);

-- What came back from providers, for the auditor: kept for ninety days.
CREATE TABLE provider_outcome (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    provider text NOT NULL,
    outcome text NOT NULL,
    person text REFERENCES person,
    address text NOT NULL,
    acr text NOT NULL,
    amr text NOT NULL
);
CREATE INDEX provider_outcome_at ON provider_outcome (at);

GRANT SELECT, INSERT, UPDATE ON api_token TO muster_app;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON provider_identity, provider_visit, provider_outcome TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
