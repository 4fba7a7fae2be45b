"""`python -m muster.cli.prepare`: bring the database up to date and put in what must be there.

Reads MUSTER_SETTINGS (the server's settings, JSON), writes what `muster.app.prepare` returns, as
JSON, to the file named in MUSTER_PREPARED, readable by us alone: it holds passwords. An expected
obstacle is said in its own words on stderr, with exit code 1.
"""

import os
import sys
from pathlib import Path

import msgspec

from muster.app import LEDGER, NotThisFolder, marked, prepare, settings_from_environment
from muster.geography.faults import PackInvalid
from muster.journal import erasures
from muster.journal.master_key import KeyLost
from muster.migrations.run import Newer, check, upgrade
from muster.supervise.external import revision


def migrate(owner_dsn: str) -> None:
    """Run the missing migrations. Raises Newer."""
    if check(revision(owner_dsn)):
        upgrade(owner_dsn)


def main() -> int:
    try:
        settings = settings_from_environment()
        marked(settings)  # first: a folder without a mark may not use a migrated database
        erasures.read(Path(settings.data) / LEDGER)
        migrate(settings.owner_dsn)
        prepared = prepare(settings)
    except (KeyLost, Newer, NotThisFolder, PackInvalid, erasures.LedgerBroken) as obstacle:
        print(obstacle, file=sys.stderr)
        return 1
    descriptor = os.open(os.environ["MUSTER_PREPARED"], os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(prepared))
    return 0


if __name__ == "__main__":
    sys.exit(main())
