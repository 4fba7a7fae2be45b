"""Roles of trust and identities of others wait for a second person; who stands behind what."""

from alembic import op

revision = "0013"
down_revision = "0012"

SQL = """
-- Who confirmed a grant as the second person, or which act of the system gave it. Null: one person
-- alone gave it; it holds, and its holder is nobody's second person.
ALTER TABLE role_grant ADD COLUMN asked_by text, ADD COLUMN confirmed_by text;
-- Null: the person bound it, or somebody alone did.
ALTER TABLE provider_identity ADD COLUMN confirmed_by text;
-- Who handed the account's sign-in to its person, beside whoever made the account. Null: nobody.
ALTER TABLE person ADD COLUMN vouched_by text;
-- Whoever goes to a provider to bind an identity must still be signed in on the way back.
ALTER TABLE provider_visit ADD COLUMN session_hash bytea;

-- A role of trust for somebody, or who somebody is at a provider: one asks, another confirms.
-- The id of a grant that was asked for is the request's.
CREATE TABLE trust_request (
    id uuid PRIMARY KEY,
    person text NOT NULL REFERENCES person,
    what text NOT NULL CHECK (what IN ('grant', 'identity')),
    role text,
    organisation text REFERENCES organisation,
    valid_until timestamptz,
    issuer text,
    subject text,
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    done boolean,
    CHECK (asked_by <> person),
    CHECK ((what = 'grant') = (role IS NOT NULL AND organisation IS NOT NULL)),
    CHECK ((what = 'identity') = (issuer IS NOT NULL AND subject IS NOT NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (decided_by IS NULL) = (done IS NULL)),
    CHECK (done IS NOT TRUE OR decided_by NOT IN (asked_by, person))
);
CREATE INDEX trust_request_open ON trust_request (expires_at) WHERE decided_at IS NULL;
CREATE INDEX trust_request_person ON trust_request (person);
GRANT SELECT, INSERT, UPDATE ON trust_request TO muster_app;

-- What the installation or the first link gave stands as confirmed; what one person gave alone
-- before this release does not. The audit says which is which.
WITH given AS (
    SELECT DISTINCT ON (of) of, actor FROM (
        SELECT convert_from(body, 'UTF8')::jsonb #>> '{key,id}' AS of, actor, number
        FROM audit WHERE table_name = 'role_grant') a
    ORDER BY of, number)
UPDATE role_grant g SET confirmed_by = given.actor
FROM given WHERE given.of = g.id::text AND given.actor LIKE 'system:%';
-- An account that nobody but the system and its owner ever changed.
WITH changed AS (
    SELECT of, min(actor) FILTER (WHERE actor LIKE 'system:%') AS system,
        bool_and(actor LIKE 'system:%' OR actor = of) AS alone FROM (
        SELECT convert_from(body, 'UTF8')::jsonb #>> '{key,id}' AS of, actor
        FROM audit WHERE table_name = 'person') a
    GROUP BY of)
UPDATE person p SET vouched_by = changed.system
FROM changed WHERE changed.of = p.id AND changed.alone;
"""


def upgrade() -> None:
    op.execute(SQL)
