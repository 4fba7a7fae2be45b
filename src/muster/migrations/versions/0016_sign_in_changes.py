"""What was changed of somebody's sign-in, until that person has read it."""

from alembic import op

revision = "0016"
down_revision = "0015"

SQL = """
CREATE TABLE sign_in_change (
    id uuid PRIMARY KEY,
    person text NOT NULL REFERENCES person,
    what text NOT NULL CHECK (what IN
        ('password', 'factor', 'factor_off', 'codes', 'identity', 'identity_off')),
    at timestamptz NOT NULL,
    -- A person, or an act of the system such as the machine's owner's.
    by text NOT NULL,
    -- Where the person did it: there it is no news. Null: somebody else did it.
    session uuid,
    address text NOT NULL DEFAULT '',
    agent text NOT NULL DEFAULT '',
    seen_at timestamptz
);
CREATE INDEX sign_in_change_unseen ON sign_in_change (person, at) WHERE seen_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON sign_in_change TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
