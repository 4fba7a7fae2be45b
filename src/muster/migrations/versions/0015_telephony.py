"""Calls as a telephone system tells of them, and who sits at which extension."""

from alembic import op

revision = "0015"
down_revision = "0013"

SQL = """
-- Short-lived: what an exchange says of a call until it is a matter. The number is sealed with a
-- key of its own and goes when the matter's vault has it, or with its class of retention.
CREATE TABLE telephone_call (
    id uuid PRIMARY KEY,
    source text NOT NULL REFERENCES api_token,
    call text NOT NULL,
    organisation text NOT NULL REFERENCES organisation,
    state text NOT NULL CHECK (state IN ('ringing', 'answered', 'ended', 'abandoned')),
    steps jsonb NOT NULL,
    extension text NOT NULL,
    ringing_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    heard_at timestamptz NOT NULL,
    number_secret bytea,
    number_hash bytea,
    matter uuid,
    called_back text NOT NULL DEFAULT '' CHECK (called_back IN ('', 'done', 'unreachable')),
    called_back_at timestamptz,
    called_back_by text REFERENCES person,
    UNIQUE (source, call)
);
CREATE INDEX telephone_call_heard ON telephone_call (heard_at);
CREATE INDEX telephone_call_number ON telephone_call (number_hash, answered_at);

-- Whose extension it is: a person's while the session lives in which it was said.
CREATE TABLE telephone_desk (
    organisation text NOT NULL REFERENCES organisation,
    extension text NOT NULL,
    person text NOT NULL REFERENCES person,
    session uuid NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (organisation, extension)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON telephone_call, telephone_desk TO muster_app;
"""


def upgrade() -> None:
    op.execute(SQL)
