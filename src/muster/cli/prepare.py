"""`python -m muster.cli.prepare`: bring the database up to date and put in what must be there.

Reads MUSTER_SETTINGS (the server's settings, JSON), writes what `muster.app.prepare` returns, as
JSON, to the file named in MUSTER_PREPARED, readable by us alone: it holds passwords. An expected
obstacle is said in its own words on stderr, with exit code 1.
"""

import os
import sys
from pathlib import Path

import msgspec

from muster.app import (
    LEDGER,
    NotThisFolder,
    Settings,
    marked,
    open_system,
    prepare,
    settings_from_environment,
)
from muster.geography.faults import PackInvalid
from muster.journal import erasures
from muster.journal.master_key import KeyLost
from muster.journal.rebuild import rebuild
from muster.migrations.run import Newer, check, upgrade
from muster.supervise.external import revision

#: In a data folder: its database was upgraded and the kept tables are not replayed yet.
TO_REPLAY = "run/to_replay"


def migrate(owner_dsn: str, data: Path) -> None:
    """Run the missing migrations. Raises Newer.

    A newer Muster may keep more of an entry than the older one did (another deadline, another
    column), so an upgrade ends with a replay; the mark is there before it begins."""
    found = revision(owner_dsn)
    if not check(found):
        return
    if found is not None:
        mark = data / TO_REPLAY
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    upgrade(owner_dsn)


def replay(settings: Settings) -> None:
    """Empty the kept tables and replay the journal into them, if an upgrade asks for it."""
    mark = Path(settings.data) / TO_REPLAY
    if not mark.exists():
        return
    system = open_system(settings)
    try:
        with system.platform.pool.connection() as connection:
            rebuild(system.platform.journal, connection)
    finally:
        system.platform.close()
    mark.unlink()


def main() -> int:
    try:
        settings = settings_from_environment()
        marked(settings)  # first: a folder without a mark may not use a migrated database
        erasures.read(Path(settings.data) / LEDGER)
        migrate(settings.owner_dsn, Path(settings.data))
        prepared = prepare(settings)
        replay(settings)
    except (KeyLost, Newer, NotThisFolder, PackInvalid, erasures.LedgerBroken) as obstacle:
        print(obstacle, file=sys.stderr)
        return 1
    descriptor = os.open(os.environ["MUSTER_PREPARED"], os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(prepared))
    return 0


if __name__ == "__main__":
    sys.exit(main())
